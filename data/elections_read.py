"""`read_elections`: from one table or several to validated elections on the same districts."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from spatialvote.data.districts import About, ReadRecord
from spatialvote.data.edge_list import read_edges
from spatialvote.data.elections import Elections
from spatialvote.data.elections_tables import FRACTIONS, OneElection, split_tables
from spatialvote.data.errors import Problem
from spatialvote.data.files import Source, file_hashes, read_source
from spatialvote.data.findings import Findings, districts_named
from spatialvote.data.ids import as_text
from spatialvote.data.neighbour_rule import NeighbourRule, build_graph
from spatialvote.data.outline import Outline, read_outline
from spatialvote.data.roles import Roles
from spatialvote.data.rows import Rows
from spatialvote.data.validate_covariates import design_problems
from spatialvote.data.validate_roles import role_problems
from spatialvote.data.validate_table import row_names

POLICIES = ("refuse", "drop")


def read_elections(
    table: str | Path | Mapping[str, str | Path],
    *,
    id: str,
    votes: Mapping[str, str],
    valid: str,
    elections: Sequence[str | int] = (),
    election: str | None = None,
    electorate: str | None = None,
    migrants: str | None = None,
    covariates: Sequence[str] = (),
    label: str | None = None,
    units: Mapping[str, str] | None = None,
    names: Mapping[str, str] | None = None,
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
    fractions: str = "refuse",
    repair: bool = False,
    about: About | None = None,
) -> Elections:
    """Read repeated elections on the same districts.

    The table comes in one of three forms:

    - **long**: one file with a row for each district at each election, and ``election`` the column that names
      the election;
    - **wide**: one file with a row for each district, ``elections`` their names, and ``{election}`` in the
      columns that change: ``votes={"df": "df_{election}"}, valid="valid_{election}"``. Such a column is
      called by what is left of its name ("valid"); one without ``{election}`` is the same at every election;
    - **several files**: a mapping of each election to its file, all with the same columns.

    Districts must be the same areas throughout. Where boundaries were redrawn, carry votes over to one set of
    boundaries first: nothing is matched or interpolated here. Ids that are not known at every election are
    named, and so are districts whose valid votes double or halve from one election to the next.

    Parameters
    ----------
    table, id, votes, valid, electorate, migrants, covariates, label, units, names
        As in `read_districts`, whatever the form. Units and names go by the columns as they are given here.
    elections
        Names of the elections in the order of time; left out, the numbers in the column ``election``, sorted.
    election
        Column that names the election, of a long table.
    geometry, geometry_id, edges, layer, crs, graph, tolerance, k, distance, connect, repair
        Shapes and neighbours, one graph for all elections, as in `read_districts`.
    missing
        ``"refuse"`` names district-elections without a row, a value or valid votes; ``"drop"`` leaves these
        out, keeps them in the record, and lets the model say what it can from neighbours and other years.
    fractions
        ``"refuse"``, or ``"round"`` to round counts that were carried over from other boundaries; how many,
        is kept in the record.
    about
        What the districts are.

    Raises
    ------
    DataError, GraphError
        With every problem that was found.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "t.csv").write_text("id,a_1,n_1,a_2,n_2\\nx,3,9,4,9\\ny,2,9,2,9\\nz,1,9,5,9\\n")
    >>> _ = (folder / "links.csv").write_text("from,to\\nx,y\\ny,z\\n")
    >>> read_elections(
    ...     folder / "t.csv", id="id", votes={"a": "a_{election}"}, valid="n_{election}", elections=(1, 2),
    ...     edges=folder / "links.csv",
    ... )
    Elections(t: 2 elections 1 to 2, 3 x district, 6 of 6 district-elections, 1 components, 0 islands)
    """
    findings = Findings()
    given = Roles(
        id=id,
        votes=dict(votes),
        valid=valid,
        electorate=electorate,
        migrants=migrants,
        covariates=tuple(covariates),
        label=label,
        units=dict(units or {}),
        names=dict(names or {}),
    )
    findings.add(role_problems(given))
    findings.add(_argument_problems(missing, fractions))
    rule = NeighbourRule("queen" if edges is None else "edges")
    with findings.gathering():
        rule = NeighbourRule(graph or rule.kind, tolerance, k, distance, connect)
    if len(findings):
        raise findings.error()

    sources = _sources(table, layer if geometry is None else None, findings)
    shapes = None
    if geometry is not None:
        with findings.gathering():
            shapes = read_source(geometry, layer)
    if len(findings):
        raise findings.error()
    labels, times, roles, each = split_tables(
        sources, given, election, tuple(map(str, elections)), fractions, findings
    )
    if len(findings):
        raise findings.error()

    places = _places(sources, roles)
    dropped = _gaps(labels, each, places.ids, missing == "drop", findings)
    links = None
    outline = read_outline(places, shapes, geometry_id or id, rule, crs, repair, False, findings)
    if edges is not None:
        with findings.gathering():
            links = read_edges(edges, pd.Index(places.ids))
    long = _long(each, pd.Index(places.ids), roles)
    findings.add(design_problems(long, roles))
    if len(places.ids) < 3:
        findings.add([Problem(f"there are {len(places.ids)} districts, too few", "give at least 3")])
    if len(findings):
        raise findings.error()

    frame = _frame(places, outline, roles)
    built, report, graph_notes = build_graph(frame, rule, links)
    given_files = list(table.values()) if isinstance(table, Mapping) else [table]
    files = [Path(one) for one in (*given_files, geometry, edges) if one is not None]
    notes = [note for one in each for note in one.notes]
    notes += [*_jumps(labels, each), *graph_notes, *(outline.notes if outline else ())]
    return Elections(
        table=long,
        places=frame,
        labels=labels,
        times=times,
        roles=roles,
        graph=built,
        graph_report=report,
        about=about or About(name=files[0].stem, unit="district"),
        record=ReadRecord(
            files=file_hashes(files),
            dropped=dropped,
            repaired=outline.repaired if outline else (),
            notes=tuple(dict.fromkeys(notes)),
            arguments={"elections": ", ".join(labels), "missing": missing, "fractions": fractions},
        ),
    )


def _argument_problems(missing: str, fractions: str) -> list[Problem]:
    return [
        Problem(f"{name}='{value}' is not known", f"choose from {', '.join(allowed)}")
        for name, value, allowed in (("missing", missing, POLICIES), ("fractions", fractions, FRACTIONS))
        if value not in allowed
    ]


def _sources(
    table: str | Path | Mapping[str, str | Path], layer: str | None, findings: Findings
) -> dict[str, Source]:
    """Files by election; a single one under the empty name."""
    files = table if isinstance(table, Mapping) else {"": table}
    sources = {}
    for name, path in files.items():
        with findings.gathering():
            sources[str(name)] = read_source(path, layer)
    return sources


def _places(sources: Mapping[str, Source], roles: Roles) -> Rows:
    """Every district once, in the order of appearance, with its shape and label."""
    frames, shapes = [], []
    for source in sources.values():
        ids = as_text(source.frame[roles.id])
        columns = {"id": ids}
        if roles.label is not None:
            columns["label"] = as_text(source.frame[roles.label])
        frames.append(pd.DataFrame(columns).reset_index(drop=True))
        if source.geometry is not None:
            shapes.append(source.geometry.reset_index(drop=True))
    frame = pd.concat(frames, ignore_index=True)
    first = (~frame["id"].duplicated() & frame["id"].notna()).to_numpy()
    source = next(iter(sources.values()))
    outline = None
    if len(shapes) == len(sources):
        whole = gpd.GeoSeries(pd.concat(shapes, ignore_index=True), crs=shapes[0].crs)
        outline = whole[first].reset_index(drop=True)
    frame = frame[first].reset_index(drop=True)
    ids = frame["id"]
    nothing = pd.DataFrame(index=frame.index)
    own = Source(source.path, frame, outline, source.notes)
    return Rows(own, roles, ids, row_names(ids), nothing, nothing, nothing)


def _gaps(
    labels: tuple[str, ...], each: Sequence[OneElection], ids: pd.Series, drop: bool, findings: Findings
) -> dict[str, str]:
    """Name the district-elections that are not known; without dropping, each election's are a problem."""
    dropped = {}
    for label, one in zip(labels, each, strict=True):
        absent = [name for name in ids if name not in set(one.ids)]
        reasons = {**one.lacking, **{name: "no row" for name in absent}}
        dropped |= {f"{label}: {name}": reason for name, reason in reasons.items()}
        if reasons and not drop:
            kinds = ", ".join(dict.fromkeys(reasons.values()))
            findings.add(
                [
                    Problem(
                        f"election {label}: {districts_named(list(reasons))} are not known ({kinds})",
                        "fill them in, carry votes over where boundaries changed, or pass missing='drop' to "
                        "leave these district-elections out",
                    )
                ]
            )
    return dropped


def _long(each: Sequence[OneElection], ids: pd.Index, roles: Roles) -> pd.DataFrame:
    """All elections below each other, sorted by election and district."""
    counts = {*roles.votes.values(), roles.valid, roles.electorate}
    parts = []
    for number, one in enumerate(each):
        known = one.numbers[one.known].copy()
        known.insert(0, "election", number)
        known.insert(0, "district", ids.get_indexer(pd.Index(one.ids[one.known])))
        parts.append(known.sort_values("district"))
    long = pd.concat(parts, ignore_index=True)
    return long.astype({name: np.int64 for name in ("district", "election", *(counts - {None}))})


def _frame(places: Rows, outline: Outline | None, roles: Roles) -> gpd.GeoDataFrame:
    index = pd.Index(places.ids, name="district")
    columns = {}
    if roles.label is not None:
        columns[roles.label] = places.source.frame["label"].fillna(places.ids).set_axis(index)
    shapes = [None] * len(index) if outline is None else outline.geometry.to_numpy()
    crs = None if outline is None else outline.geometry.crs
    return gpd.GeoDataFrame(columns, index=index, geometry=gpd.GeoSeries(shapes, index=index, crs=crs))


def _jumps(labels: tuple[str, ...], each: Sequence[OneElection]) -> list[str]:
    """Remark on districts whose valid votes double or halve: a sign of boundaries that moved."""
    notes = []
    for (before, one), (after, two) in zip(
        zip(labels, each, strict=True), list(zip(labels, each, strict=True))[1:], strict=False
    ):
        first, second = one.valid_by_id(), two.valid_by_id()
        ratio = (second / first).dropna()
        jumped = ratio[(ratio >= 2) | (ratio <= 0.5)]
        if len(jumped):
            notes.append(
                f"valid votes doubled or halved from {before} to {after} in "
                f"{districts_named(list(jumped.index))}: make sure that their boundaries stayed"
            )
    return notes
