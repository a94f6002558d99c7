"""`Study`: one study as a TOML file tells it, validated with every problem found at once.

The sections, keys and allowed values are in `spatialvote.study_schema`. Relative paths, the output's among
them, start at the folder of the study file: a study gives the same results from wherever it is run.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from spatialvote.data.errors import Problem, StudyError
from spatialvote.study_checks import cross_problems
from spatialvote.study_definitions import defined
from spatialvote.study_problems import problems_of
from spatialvote.study_schema import StudyFile, TableData

if TYPE_CHECKING:
    from spatialvote.models.vote_share import VoteShareModel

#: The embedded study of the simulated city.
DEFAULT_STUDY = Path(__file__).with_name("default_study.toml")


@dataclass(frozen=True)
class Study:
    """A study: what is asked, of which districts, by which model, and where results go.

    Attributes
    ----------
    path
        The study file.
    source
        Its text, shown in the report.
    settings
        Its validated sections; paths are absolute.
    """

    path: Path
    source: str
    settings: StudyFile

    @property
    def output(self) -> Path:
        """Folder of the results, absolute."""
        return self.settings.study.output

    def model(self) -> VoteShareModel:
        """The specification of section [model].

        Raises
        ------
        ModelError
            Where the formula calls a function or has a term that no model of this version has.
        """
        # Models bring numba and formulae, which a study file does not need to be read.
        from spatialvote.models.vote_share import VoteShareModel

        return VoteShareModel.from_dict(self.settings.model.model_dump())

    def read_arguments(self) -> dict[str, Any]:
        """Arguments of `read_districts`, but ``about``.

        Raises
        ------
        TypeError
            For a study of the simulated city, which is not read.
        """
        data = self.settings.data
        if not isinstance(data, TableData):
            raise TypeError("the districts of this study are simulated, not read")
        graph = self.settings.graph.model_dump()
        return {
            **{name: getattr(data, name) for name in TableData.model_fields if name != "about"},
            "definitions": defined(data.definitions, data.names),
            "uncertain": {column: one.model_dump() for column, one in data.uncertain.items()},
            "graph": graph.pop("method"),
            **graph,
        }


def load_study(path: str | Path, folder: str | Path | None = None) -> Study:
    """Read and validate a study file.

    Parameters
    ----------
    path
        The TOML file.
    folder
        Where relative paths start; None: the folder of the study file.

    Raises
    ------
    StudyError
        If the file is missing, no TOML (with the line), or has unknown keys, values that are not allowed,
        missing keys or keys that contradict each other: with every problem.

    Examples
    --------
    >>> study = load_study(DEFAULT_STUDY, folder=".")
    >>> study.settings.model.family
    'binomial'
    """
    path = Path(path)
    folder = Path(path.parent if folder is None else folder).absolute()
    source, raw = _read(path)
    problems = []
    settings = None
    try:
        settings = StudyFile.model_validate(raw, context={"folder": folder})
    except ValidationError as error:
        problems = problems_of(error)
    problems += cross_problems(raw, folder)
    if settings is None or problems:
        raise StudyError(problems)
    return Study(path, source, settings)


def load_default_study() -> Study:
    """The embedded study of the simulated city; its output starts at the current folder."""
    return load_study(DEFAULT_STUDY, folder=Path.cwd())


def _read(path: Path) -> tuple[str, dict[str, Any]]:
    """Text and values of a TOML file."""
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise StudyError(
            Problem(f"study file '{path}' {what}", "give a TOML file; `spatialvote init DATA` writes one")
        )
    if path.suffix.lower() != ".toml":
        raise StudyError(
            Problem(
                f"study file '{path.name}' does not end in .toml",
                "give a study file, which says how to read the data; `spatialvote init DATA` writes one",
            )
        )
    try:
        source = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise StudyError(
            Problem(
                f"study file '{path.name}' is not UTF-8 text (byte {error.start})",
                "save it with encoding UTF-8",
            )
        ) from error
    except PermissionError as error:
        raise StudyError(
            Problem(f"study file '{path}' may not be read", "ask its owner for permission")
        ) from error
    try:
        return source, tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        raise StudyError(
            Problem(
                f"study file '{path.name}' is not TOML ({error})",
                "mend that line; text stands in double quotes, and each key is given once",
            )
        ) from error
