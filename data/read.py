"""`read_districts`: from files to validated districts, with everything that is wrong told at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from spatialvote.data.districts import About, Districts, ReadRecord
from spatialvote.data.edge_list import read_edges
from spatialvote.data.errors import DataError, Problem, name_some
from spatialvote.data.files import file_hashes, read_source
from spatialvote.data.findings import Findings
from spatialvote.data.first_guess import guess_unknown
from spatialvote.data.neighbour_rule import NeighbourRule, build_graph
from spatialvote.data.origin_groups import OriginGroup, resolve_definitions
from spatialvote.data.outline import Outline, read_outline
from spatialvote.data.roles import Roles
from spatialvote.data.rows import Rows, read_rows
from spatialvote.data.uncertain import Uncertain
from spatialvote.data.unknown_values import UnknownValues, unknown_problems, unknown_values
from spatialvote.data.validate_covariates import design_problems, share_notes, share_problems
from spatialvote.data.validate_geometry import crs_problems, shape_notes, shape_problems
from spatialvote.data.validate_roles import role_problems
from spatialvote.data.validate_table import below_valid, count_problems, gap_problems, no_denominator_problems

#: What to do with districts that lack a value, a denominator or a shape.
POLICIES = ("refuse", "drop")


def read_districts(
    table: str | Path,
    *,
    id: str,
    votes: Mapping[str, str] | Sequence[str],
    valid: str | None = None,
    exposure: str | None = None,
    electorate: str | None = None,
    migrants: str | None = None,
    covariates: Sequence[str] = (),
    groups: Sequence[str] = (),
    label: str | None = None,
    units: Mapping[str, str] | None = None,
    names: Mapping[str, str] | None = None,
    definitions: Mapping[str, str | OriginGroup | Iterable[str | OriginGroup]] | None = None,
    uncertain: Mapping[str, Uncertain | Mapping[str, Any]] | None = None,
    geometry: str | Path | None = None,
    geometry_id: str | None = None,
    edges: str | Path | None = None,
    layer: str | None = None,
    crs: str | int | None = None,
    graph: str | None = None,
    tolerance: float | None = None,
    k: int | None = None,
    distance: float | None = None,
    connect: str | None = None,
    missing: str = "refuse",
    repair: bool = False,
    about: About | None = None,
) -> Districts:
    """Read districts, their votes and covariates, their shapes and their neighbours.

    Parameters
    ----------
    table
        GeoPackage, GeoJSON, Shapefile, GeoParquet or CSV file, one row per district.
    id
        Column that identifies a district; read as text, so that leading zeros stay.
    votes
        Party name to column with its votes; or columns, each a party of the same name. Where the table gives
        shares and no counts, the columns with the shares: their unit is named in `units`, and neither `valid`
        nor `exposure` is given.
    valid
        Column with valid votes, the denominator of shares.
    exposure
        Column with expected counts or population at risk, for Poisson counts.
    electorate, migrants, covariates, groups, label
        Further columns, see `Roles`. A missing label is replaced by the id.
    units
        Column to unit. That of `migrants` must be one of `SHARE_UNITS` ("fraction", "percent", "per
        thousand", "per ten thousand"), and is never guessed; so are the units of other shares, which are
        then checked to lie within them (shares of votes among them). Any other text is kept as it is.
    names
        Column to what it is called in sentences, tables and maps; a column without one goes by its own name.
    definitions
        Column to the origin groups that it counts: labels of `spatialvote.data.origin_groups.SCHEMES`, or
        groups of one's own. Groups of two schemes in one table are an error.
    uncertain
        Column of migrants or covariates to how its values are not known exactly: an `Uncertain`, or its
        arguments by name. A cell that it does not cover is refused when it is empty, as without it.
    geometry, geometry_id
        File with the shapes of a CSV table's districts, and its id column (where it differs from `id`).
    edges
        CSV file of links: two columns of ids and optionally ``weight``.
    layer
        Layer of the file with the shapes, where it has several.
    crs
        CRS of the shapes: assigned where the file states none, projected to where it states another.
    graph
        ``"queen"``, ``"rook"``, ``"fuzzy"``, ``"knn"``, ``"distance"`` or ``"edges"``, see
        `NeighbourRule`. Where left out: the given edges, or queen contiguity if there are none.
    tolerance, distance
        Metres, for ``graph="fuzzy"`` and ``graph="distance"``.
    k
        Number of neighbours, for ``graph="knn"``.
    connect
        ``"nearest"`` joins islands and components to their nearest district elsewhere.
    missing
        ``"refuse"`` reports districts with a missing value, no valid votes, zero exposure, an electorate
        below their valid votes, or no shape; ``"drop"`` leaves them out and keeps their ids and the
        reasons in the record.
    repair
        Whether invalid shapes are made valid; their ids are kept in the record.
    about
        What the districts are; by default the name of the file and "district".

    Returns
    -------
    Districts
        Columns with a role and geometry, in the order of the table's rows, indexed by id. Votes, valid
        votes and electorate are int64; shares of votes, exposure, migrants and covariates float64; groups and
        label text.

    Raises
    ------
    DataError
        With every problem of files, columns, ids, values, shapes, CRS and links that was found.
    GraphError
        The same, where all problems concern the neighbours.
    """
    findings = Findings()
    counted: dict[str, tuple[OriginGroup, ...]] = {}
    with findings.gathering():
        counted = resolve_definitions(definitions or {})
    declared: dict[str, Uncertain] = {}
    for column, one in (uncertain or {}).items():
        with findings.gathering():
            declared[column] = _declaration(column, one)
    roles = Roles(
        id=id,
        votes=dict(votes) if isinstance(votes, Mapping) else {column: column for column in _listed(votes)},
        valid=valid,
        exposure=exposure,
        electorate=electorate,
        migrants=migrants,
        covariates=_listed(covariates),
        groups=_listed(groups),
        label=label,
        units=dict(units or {}),
        names=dict(names or {}),
        definitions=counted,
        uncertain=declared,
    )
    findings.add(role_problems(roles))
    findings.add(_argument_problems(missing, graph, edges))
    rule = NeighbourRule("queen" if edges is None else "edges")
    with findings.gathering():
        rule = NeighbourRule(graph or rule.kind, tolerance, k, distance, connect)

    source, shapes = None, None
    with findings.gathering():
        source = read_source(table, layer if geometry is None else None)
    if geometry is not None:
        with findings.gathering():
            shapes = read_source(geometry, layer)
    if source is None:
        raise findings.error()
    drop = missing == "drop"
    rows = read_rows(source, roles, findings)
    if geometry is not None and shapes is None:
        outline = None  # the file is a problem already
    else:
        outline = read_outline(rows, shapes, geometry_id or id, rule, crs, repair, drop, findings)

    kept, dropped = _policy(rows, outline, drop, findings)
    _check(rows, outline, kept, rule, findings)
    links = None
    if edges is not None and id in source.frame:
        known = pd.Index(rows.ids[kept].dropna().unique())
        with findings.gathering():
            links = read_edges(edges, known, set(rows.ids.dropna()))
    if len(findings):
        raise findings.error()

    frame = rows.columns()[kept]
    frame.index = pd.Index(rows.ids[kept], name="district")
    unknown = unknown_values(rows.numbers[kept], roles, rows.names[kept])
    frame = guess_unknown(frame, roles, unknown)
    if outline is None:
        outline_kept = gpd.GeoSeries([None] * len(frame), index=frame.index)
    else:
        outline_kept = outline.geometry[kept].set_axis(frame.index)
    districts = gpd.GeoDataFrame(frame, geometry=outline_kept)
    built, report, graph_notes = build_graph(districts, rule, links)
    files = [Path(one) for one in (table, geometry, edges) if one is not None]
    notes = [
        *rows.source.notes,
        *share_notes(rows.numbers[kept], roles),
        *_unknown_notes(unknown),
        *graph_notes,
    ]
    if outline is not None:
        notes += [*outline.notes, *shape_notes(districts.geometry, rows.names[kept], rule)]
    return Districts(
        table=districts,
        roles=roles,
        graph=built,
        graph_report=report,
        about=about or About(name=Path(table).stem, unit="district"),
        record=ReadRecord(
            files=file_hashes(files),
            dropped=dropped,
            repaired=() if outline is None else outline.repaired,
            notes=tuple(dict.fromkeys(notes)),
            arguments=_given(
                table=Path(table).name,
                geometry=geometry and Path(geometry).name,
                geometry_id=geometry_id,
                edges=edges and Path(edges).name,
                layer=layer,
                crs=crs,
                graph=graph,
                tolerance=tolerance,
                k=k,
                distance=distance,
                connect=connect,
                missing=None if missing == "refuse" else missing,
                repair=repair or None,
            ),
        ),
        unknown=unknown,
    )


def _declaration(column: str, given: Uncertain | Mapping[str, Any]) -> Uncertain:
    """A declaration from its arguments; problems name the column."""
    if isinstance(given, Uncertain):
        return given
    known = [one.name for one in fields(Uncertain)]
    strange = [name for name in given if name not in known]
    if strange:
        raise DataError(
            Problem(f"uncertain '{column}' has no {name_some(strange)}", f"use some of {name_some(known, 9)}")
        )
    try:
        return Uncertain(**given)
    except DataError as error:
        raise DataError(
            [Problem(f"uncertain '{column}': {one.what}", one.advice) for one in error.problems]
        ) from error


def _unknown_notes(unknown: UnknownValues) -> list[str]:
    return [
        f"'{column}' is not known exactly in {len(unknown.of(column))} districts: a first guess stands in "
        "the table, and a model with it takes the values as unknown"
        for column in unknown.columns
    ]


def _given(**arguments: Any) -> dict[str, str | float | bool]:
    """Keep the arguments that were given; what is no plain value (a CRS object) as text."""
    return {
        name: value if isinstance(value, str | int | float) else str(value)
        for name, value in arguments.items()
        if value is not None
    }


def _listed(columns: str | Iterable[str]) -> tuple[str, ...]:
    """Take a single column name for a list of one, not for a list of letters; each name once."""
    return (columns,) if isinstance(columns, str) else tuple(dict.fromkeys(columns))


def _argument_problems(missing: str, graph: str | None, edges: object) -> list[Problem]:
    problems = []
    if missing not in POLICIES:
        problems.append(Problem(f"missing='{missing}' is not known", f"choose from {', '.join(POLICIES)}"))
    if graph == "edges" and edges is None:
        problems.append(Problem("graph='edges' came without edges=", "pass edges= a CSV file of links"))
    if graph not in (None, "edges") and edges is not None:
        problems.append(
            Problem(
                f"edges= means nothing to graph='{graph}'", "leave one of them out, or pass graph='edges'"
            )
        )
    return problems


def _policy(
    rows: Rows, outline: Outline | None, drop: bool, findings: Findings
) -> tuple[np.ndarray, dict[str, str]]:
    """Which rows stay, and why the others are left out; without dropping, every gap is a problem."""
    if not drop:
        findings.add(gap_problems(rows.empty, rows.names))
        findings.add(no_denominator_problems(rows.zero, rows.roles, rows.names))
        return np.ones(len(rows.names), dtype=bool), {}
    reasons: dict[int, list[str]] = {}
    for frame, words in ((rows.empty, "no value in"), (rows.zero, "zero in")):
        for column, mask in frame.items():
            for row in np.flatnonzero(mask):
                reasons.setdefault(int(row), []).append(f"{words} '{column}'")
    for row in np.flatnonzero(below_valid(rows.numbers, rows.roles)):
        reasons.setdefault(int(row), []).append(f"fewer in '{rows.roles.electorate}' than valid votes")
    if outline is not None:
        for row in np.flatnonzero(outline.shapeless):
            reasons.setdefault(int(row), []).append("no geometry")
    kept = np.ones(len(rows.names), dtype=bool)
    kept[list(reasons)] = False
    dropped = {str(rows.names[row]): "; ".join(reasons[row]) for row in sorted(reasons)}
    if outline is not None:
        dropped |= {one: "geometry without a row in the table" for one in outline.without_row}
    if kept.sum() < 3 and reasons:
        findings.add(
            [
                Problem(
                    f"missing='drop' leaves {kept.sum()} of {len(kept)} districts, and at least 3 are needed",
                    f"look at what is missing: {_commonest(reasons)}",
                )
            ]
        )
    return kept, dropped


def _commonest(reasons: Mapping[int, Sequence[str]]) -> str:
    counts = pd.Series([one for row in reasons.values() for one in row]).value_counts()
    return "; ".join(f"{reason} ({count} districts)" for reason, count in counts.head(3).items())


def _check(
    rows: Rows, outline: Outline | None, kept: np.ndarray, rule: NeighbourRule, findings: Findings
) -> None:
    """Find what is wrong with the districts that stay."""
    numbers, names, roles = rows.numbers[kept].reset_index(drop=True), rows.names[kept], rows.roles
    if len(kept) < 3:
        findings.add(
            [Problem(f"'{rows.source.path.name}' has {len(kept)} districts, too few", "give at least 3")]
        )
    findings.add(count_problems(numbers, roles, names))
    findings.add(share_problems(numbers, roles, names))
    findings.add(design_problems(numbers, roles))
    findings.add(unknown_problems(numbers, roles, names))
    if outline is not None:
        geometry = outline.geometry[kept].reset_index(drop=True)
        findings.add(shape_problems(geometry, names, rule))
        findings.add(crs_problems(geometry, rule))
