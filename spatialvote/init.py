"""`spatialvote init`: a commented study file from the columns of a data file.

Nothing is guessed about what a column means or in which unit it is: columns are listed where they could
serve, by what they hold (text, whole numbers, numbers, all different or not), and the lines to be filled in
are marked. A blank that is left is refused with its key.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from spatialvote.data.errors import Problem, StudyError
from spatialvote.data.files import Source, read_source
from spatialvote.data.roles import SHARE_UNITS
from spatialvote.outputs import write_aside

#: What stands behind every line that must be filled in.
MARK = "# <- fill in"


@dataclass(frozen=True)
class Column:
    """What a column holds: ``text``, ``whole`` numbers from zero, or other ``number``s."""

    name: str
    kind: str
    all_different: bool


def write_study(data: Path, output: Path, layer: str | None = None) -> tuple[Path, int]:
    """Write a study file for a data file.

    Parameters
    ----------
    data
        File with one row per district.
    output
        The study file; it must not exist.
    layer
        Layer of the data file, where it has several.

    Returns
    -------
    path
        `output`.
    blanks
        How many lines are to be filled in.

    Raises
    ------
    DataError
        If the data file cannot be read.
    StudyError
        If the study file exists, does not end in .toml, or cannot be written.
    """
    if output.suffix.lower() != ".toml":
        raise StudyError(
            Problem(f"study file '{output}' does not end in .toml", "choose a name such as study.toml")
        )
    if output.exists():
        raise StudyError(Problem(f"'{output}' exists already", "choose another --output, or remove it first"))
    if not output.absolute().parent.is_dir():
        raise StudyError(Problem(f"the folder of '{output}' does not exist", "make it first"))
    source = read_source(data, layer)
    table = Path(os.path.relpath(data.absolute(), output.absolute().parent)).as_posix()
    text = _study(table, layer, source, columns_of(source.frame))
    write_aside(output, lambda aside: aside.write_text(text, encoding="utf-8"))
    return output, sum(line.endswith(MARK) for line in text.splitlines())


def columns_of(frame: pd.DataFrame) -> tuple[Column, ...]:
    """Sort columns by what they hold; text that reads as numbers throughout (a CSV's) counts as numbers."""
    columns = []
    for name in frame.columns:
        values = pd.Series(frame[name]).dropna()
        if values.dtype == object or pd.api.types.is_string_dtype(values):
            values = values.loc[values.astype(str).str.strip() != ""]
            readable = True
        else:
            # Dates and truth values would be read as numbers.
            readable = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
        numbers = pd.Series(pd.to_numeric(values, errors="coerce") if readable else None, dtype="float64")
        if len(numbers) == 0 or numbers.isna().any():
            kind = "text"
        else:
            kind = "whole" if ((numbers >= 0) & (numbers % 1 == 0)).all() else "number"
        columns.append(Column(str(name), kind, len(values) == len(frame) and values.is_unique))
    return tuple(columns)


def _study(table: str, layer: str | None, source: Source, columns: Sequence[Column]) -> str:
    """Text of the study file."""
    ids = [one.name for one in columns if one.all_different and one.kind != "number"]
    whole = [one.name for one in columns if one.kind == "whole"]
    numbers = [one.name for one in columns if one.kind != "text"]
    text = [one.name for one in columns if one.kind == "text"]
    units = ", ".join(f'"{unit}"' for unit in SHARE_UNITS)
    lines = [
        f"# A study file of spatialvote, written by `spatialvote init {source.path.name}`.",
        f"# Fill in the lines marked '{MARK[2:]}', take the # off what you need, and run",
        "# `spatialvote run` on this file.",
        "",
        "[study]",
        f'title = "" {MARK}',
        '# question = "Is the party stronger or weaker where more migrants live?"',
        "seed = 1  # the same seed gives the same fit",
        "# Folder of the results. Relative paths, here and in [data], start at the folder of this file.",
        'output = "results"',
        "",
        "[data]",
        f"table = {_quoted(table)}",
        *([f"layer = {_quoted(layer)}"] if layer is not None else []),
        *_shapes(source),
        "",
        *_candidates("Columns that differ in every row, as ids do", ids),
        f'id = "" {MARK}',
        *_candidates("Columns of whole numbers, as counts of votes are", whole),
        '# The denominator: valid votes (or `exposure = "..."` with family = "poisson" below). None where',
        '# the columns of votes hold shares and no counts are known: family = "gaussian", their unit below.',
        f'valid = "" {MARK}',
        '# electorate = ""  # persons entitled to vote',
        "",
        *_candidates("Columns of numbers, as shares and covariates are", numbers),
        "# The concentration of migrants: a share, whose unit is told under [data.units].",
        '# migrants = ""',
        '# covariates = ["", ""]',
        *_candidates("Columns of text, as names and levels are", text),
        '# groups = [""]',
        '# label = ""  # the name of a district, for maps and tables',
        "",
        '# missing = "drop"  # leave out districts without a value, and record them; default: "refuse"',
        "# repair = true     # make invalid shapes valid, and record them; default: false",
        "",
        "[data.votes]",
        "# Party = column with its votes, one line for each party; more parties may follow.",
        f'party = "" {MARK}',
        "",
        "[data.units]",
        f"# Unit of each column with a share: {units}.",
        "# Needed for the column of migrants and for votes that are shares; any other text is kept as it is.",
        '# "column" = "percent"',
        "",
        "[data.names]",
        "# What columns are called in sentences, tables and maps; the votes' column names its party.",
        '# "column" = "residents with migration background"',
        "",
        "[data.definitions]",
        "# Who is counted as a migrant: origin groups that the package knows (docs/surroundings.md), such as",
        '# "column" = "foreign-born", or',
        '# "column" = { definition = "born abroad, or a parent born abroad", source = "the census of 2021" }',
        "",
        "[data.about]",
        "# Printed wherever a result is shown.",
        f'name = "" {MARK}',
        f'unit = "" {MARK}',
        f"year = 0 {MARK}",
        'source = ""',
        "",
        "[graph]",
        '# method = "queen"      # or "rook"; "edges" where [data] names a list of links',
        '# method = "fuzzy"      # boundaries at most `tolerance` metres apart',
        "# tolerance = 60",
        '# method = "knn"        # the `k` nearest',
        "# k = 6",
        '# method = "distance"   # centroids at most `distance` metres apart',
        "# distance = 2000",
        '# connect = "nearest"   # join islands to the nearest district; default: they stay islands',
        "",
        "[model]",
        "# A party of [data.votes], a tilde, and columns: 'party ~ migrants + education'.",
        f'formula = "" {MARK}',
        "# Where groups of districts differ in level, 'party ~ migrants + (1 | municipality)', with one of",
        "# the columns of groups above.",
        'family = "binomial"     # or "beta_binomial", for votes that vary more; "poisson", for counts with',
        '                        # an exposure; "gaussian", for shares without counts',
        'structure = "bym2"      # or "leroux", "proper_car", "sar", "dagar"; "iid" (no neighbours), "none"',
        "                        # (no district effects)",
        '# absent = "zero votes" # where nobody voted for the party it did not stand; default: "none"',
        '# varying = "migrants"   # a covariate of the formula whose slope varies over the map; with "bym2"',
        "",
        "[model.priors]",
        "# coefficient_sd = 1.0  # on standardised covariates",
        "# intercept_sd = 1.5",
        '# sigma = { prior = "pc", upper = 1.0, tail = 0.01 }   # or { prior = "half_normal", scale = 1.0 }',
        '# rho = { prior = "pc", upper = 0.5, mass = 0.667 }    # or { prior = "beta", a = 1.0, b = 1.0 }',
        '# overdispersion = { prior = "pc", upper = 0.1, tail = 0.01 }  # of "beta_binomial"',
        '# noise = { prior = "pc", upper = 0.3, tail = 0.01 }           # of "gaussian"; or half_normal',
        '# group = { prior = "pc", upper = 1.0, tail = 0.01 }           # of (1 | group); or half_normal',
        '# slope = { prior = "pc", upper = 0.2, tail = 0.01 }           # of what varies; or half_normal',
        "",
        "[engine]",
        'name = "nuts"',
        "draws = 1500",
        "chains = 4",
        "",
        "# By how many percentage points the share of migrants rises in what is told of its effect, and",
        '# whether the effect is averaged over "districts", over "voters", or over the persons that a column',
        "# counts. Needs `migrants` above.",
        "# [effect]",
        "# points = 10",
        '# weighting = "districts"',
        "",
        "# Whether the review also runs the checks that fit other models to the same districts.",
        "# [review]",
        "# refits = true",
    ]
    return "\n".join(lines) + "\n"


def _shapes(source: Source) -> list[str]:
    """Lines on where the shapes and the links come from."""
    if source.geometry is None:
        return [
            "# This file holds no shapes. Name a file that does, or a list of links, or both.",
            '# geometry = "shapes.geojson"',
            '# geometry_id = ""  # the id column there, where it has another name',
            '# edges = "edges.csv"',
        ]
    crs = source.geometry.crs
    stated = "states no CRS: set `crs`" if crs is None else f"states the CRS '{crs.name}'"
    return [
        f"# The file's shapes serve for maps and neighbours; it {stated}.",
        '# crs = "EPSG:3035"  # project to another one (metres, where distances are measured)',
        '# edges = "edges.csv"  # a list of links instead of neighbours by shape',
    ]


def _candidates(what: str, names: Sequence[str]) -> list[str]:
    """A comment that lists columns, in lines that are not too long."""
    if not names:
        return [f"# {what}: none in this file."]
    lines, current = [], f"# {what}:"
    for number, name in enumerate(names):
        word = f" {_quoted(name)}" + ("," if number < len(names) - 1 else "")
        if len(current) + len(word) > 105:
            lines.append(current)
            current = "#  "
        current += word
    return [*lines, current]


def _quoted(text: str) -> str:
    """A TOML string; its escapes are those of JSON."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
