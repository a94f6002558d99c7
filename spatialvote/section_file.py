"""Read a study file of any schema, with every problem found at once: the key, what came, what is allowed."""

import re
import tomllib
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from spatialvote.data.errors import Problem, StudyError
from spatialvote.section import Section
from spatialvote.study_problems import shown


@dataclass(frozen=True)
class SectionFile[Schema: Section]:
    """A study file: where it is, its text, and its validated sections."""

    path: Path
    source: str
    settings: Schema


def read_sections[Schema: Section](
    path: str | Path, schema: type[Schema], folder: str | Path | None = None
) -> SectionFile[Schema]:
    """Read and validate a file.

    Parameters
    ----------
    path
        The TOML file.
    schema
        What it may hold.
    folder
        Where relative paths start; None: the folder of the file.

    Raises
    ------
    StudyError
        If the file is missing, no TOML, or has unknown keys, values that are not allowed or missing keys.
    """
    path = Path(path)
    if not path.is_file():
        raise StudyError(Problem(f"there is no study file '{path}'", "check the path"))
    try:
        source = path.read_text(encoding="utf-8")
        raw = tomllib.loads(source)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StudyError(
            Problem(f"study file '{path.name}' is no TOML ({error})", "mend the line that is named")
        ) from error
    start = Path(path.parent if folder is None else folder).absolute()
    try:
        settings = schema.model_validate(raw, context={"folder": start})
    except ValidationError as error:
        problems: dict[str, Problem] = {}
        for found in error.errors(include_url=False):
            key, problem = _problem(found, schema)
            problems.setdefault(key, problem)
        raise StudyError(list(problems.values())) from error
    return SectionFile(path, source, settings)


def _problem(found: Any, schema: type[BaseModel]) -> tuple[str, Problem]:
    section: type[BaseModel] | None = schema
    field: FieldInfo | None = None
    path: list[str] = []
    for part in found["loc"]:
        if section is not None and part in section.model_fields:
            field, path = section.model_fields[part], [*path, str(part)]
            section = _inner(field)
        elif isinstance(part, str) and section is not None and found["type"] == "extra_forbidden":
            return _unknown([*path, part], section)
        elif isinstance(part, str) and part != "[key]" and part.isidentifier() and section is None:
            path = [*path, part]
    key = ".".join(path)
    description = field.description if field is not None and field.description else "something else"
    if found["type"] == "missing":
        return key, Problem(f"{key} is missing", f"give {description}")
    allowed = re.findall(r"'([^']+)'", str(found.get("ctx", {}).get("expected", "")))
    near = get_close_matches(str(found["input"]), allowed, n=1)
    hint = f"; did you mean '{near[0]}'?" if near else ""
    return key, Problem(f"{key} is {shown(found['input'])}", f"it must be {description}{hint}")


def _inner(field: FieldInfo) -> type[BaseModel] | None:
    """The section that a field holds, if it holds one."""
    options = getattr(field.annotation, "__args__", (field.annotation,))
    return next((one for one in options if isinstance(one, type) and issubclass(one, BaseModel)), None)


def _unknown(path: list[str], section: type[BaseModel]) -> tuple[str, Problem]:
    keys, key = list(section.model_fields), ".".join(path)
    parent = ".".join(path[:-1])
    what = f"{key} is not a key of [{parent}]" if parent else f"[{key}] is not a section of this study file"
    near = get_close_matches(path[-1].lower(), keys, n=1)
    advice = f"did you mean '{near[0]}'?" if near else f"choose from {', '.join(keys)}"
    return key, Problem(what, advice)
