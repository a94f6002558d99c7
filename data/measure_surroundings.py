"""`measure_surroundings`: from cells and districts to all measures of a group's concentration, recorded."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from spatialvote.data.add_columns import add_columns
from spatialvote.data.cell_shares import CellShares, share_cells
from spatialvote.data.cells import Cells
from spatialvote.data.concentration import entropy, fractionalisation, location_quotient, shares
from spatialvote.data.districts import Districts
from spatialvote.data.egohoods import Egohoods, count_egohoods
from spatialvote.data.errors import DataError, Problem, name_some
from spatialvote.data.files import read_source
from spatialvote.data.measured import Measure, Measured
from spatialvote.data.origin_groups import OriginGroup, resolve_definitions
from spatialvote.data.surroundings import egohood_shares, halo, isolation

#: Measures beside share, egohoods and halo, to their unit and what they are.
MEASURES: Mapping[str, tuple[str, str]] = {
    "location_quotient": ("1: as everywhere", "the district's share over that of all districts"),
    "entropy": ("0 to 1", "how mixed the district is: entropy of its groups over its largest value"),
    "fractionalisation": ("0 to 1", "probability that two residents are of different groups"),
    "isolation": ("percent", "share within {radius:,} m of the group's own members, their mean"),
    "exposure": ("percent", "share within {radius:,} m of everybody else, their mean"),
}


def measure_surroundings(
    districts: Districts,
    cells: Cells,
    group: str,
    *,
    share: str | None = "migrant_share",
    radii: Iterable[int] = (),
    nearest: Iterable[int] = (),
    rings: Mapping[str, tuple[int, int]] | None = None,
    measures: Iterable[str] = (),
    definition: str | OriginGroup | Iterable[str | OriginGroup] = (),
    border: str = "outside",
    mask: gpd.GeoSeries | str | Path | None = None,
) -> Districts:
    """Measure how a group is concentrated in districts and around them, and add the measures as columns.

    Parameters
    ----------
    districts, cells
        Districts with shapes, and a grid that reaches beyond them by the largest radius.
    group
        One of the groups of the cells.
    share
        Name of the column with the district's own share (percent), which takes the role of the migrants'
        column where the districts have none; None leaves it out.
    radii, nearest
        Egohoods: columns ``within_500m`` and ``nearest_1000`` (percent).
    rings
        Name of a halo's column to its inner and outer radius (m); 0 as the inner one takes the whole disc.
    measures
        Some of `MEASURES`; isolation and exposure are measured within each of `radii`.
    definition
        The origin groups that `group` counts, as in `read_districts`.
    border, mask
        See `share_cells`; the mask can be a file with polygons.

    Raises
    ------
    DataError
        Where the group or a measure is unknown, a name is taken, definitions are mixed, or a measure has no
        value in a district.

    Examples
    --------
    >>> from spatialvote.data.read_cells import read_cells
    >>> from spatialvote.data.simulate import simulate_city
    >>> city = simulate_city(seed=1, n_districts=20)
    >>> cells = read_cells(city.grid, cell="cell", persons={"persons": "persons", "EU": "origin_eu"})
    >>> found = measure_surroundings(
    ...     city.districts, cells, "EU", share="eu_share", rings={"halo_1km": (200, 1_000)}, border="share"
    ... )
    >>> found.roles.covariates[-2:]
    ('eu_share', 'halo_1km')
    """
    radii, nearest, measures = tuple(radii), tuple(nearest), tuple(measures)
    rings = {name: (inner, outer) for name, (inner, outer) in (rings or {}).items()}
    cells.of(group)
    _require_known(measures, radii, share, nearest, rings)
    land = read_source(mask).geometry if isinstance(mask, str | Path) else mask
    if mask is not None and land is None:
        raise DataError(Problem(f"mask '{mask}' has no shapes", "give a file with polygons of built-up land"))
    shared = share_cells(cells, districts, mask=land, border=border)
    every = dict.fromkeys((*radii, *(one for ring in rings.values() for one in ring if one > 0)))
    egohoods = count_egohoods(cells, tuple(every), nearest)
    columns, told = _columns(shared, egohoods, group, share, radii, nearest, rings, measures)
    takes_role = share is not None and districts.roles.migrants is None
    measured = add_columns(
        districts,
        columns,
        units={one.column: one.unit for one in told},
        names={one.column: one.called for one in told},
        migrants=share if takes_role else None,
    )
    definition = [definition] if isinstance(definition, str | OriginGroup) else list(definition)
    counting = [one.column for one in told if one.column not in ("entropy", "fractionalisation")]
    counted = {**districts.roles.definitions, **(dict.fromkeys(counting, definition) if definition else {})}
    made = Measured(
        group=group,
        source=str(cells.arguments.get("source", "")),
        cells=cells.n,
        side=cells.side,
        crs=cells.crs.name,
        shared=shared.report,
        reach=_reach(cells, districts),
        farthest=max(every, default=0),
        measures=told,
        notes=cells.notes,
        read=cells.arguments,
        measure={
            "group": group,
            "share": share,
            "radii": radii,
            "nearest": nearest,
            "rings": rings,
            "measures": measures,
            "definition": definition,
            "border": border,
            **({"mask": Path(mask).name} if isinstance(mask, str | Path) else {}),
        },
    )
    return replace(
        measured,
        roles=replace(measured.roles, definitions=resolve_definitions(counted)),
        record=replace(measured.record, measured=made),
    )


def _require_known(measures, radii, share, nearest, rings) -> None:
    problems = []
    unknown = [one for one in measures if one not in MEASURES]
    if unknown:
        problems.append(
            Problem(f"measures {name_some(unknown)} are unknown", f"use {name_some(MEASURES, limit=9)}")
        )
    if not radii and set(measures) & {"isolation", "exposure"}:
        problems.append(Problem("isolation and exposure need a radius", "name it in radii"))
    if share is None and not (radii or nearest or rings or measures):
        problems.append(Problem("nothing is measured", "name a share, radii, rings or measures"))
    empty = [name for name, (inner, outer) in rings.items() if not 0 <= inner < outer]
    if empty:
        problems.append(
            Problem(f"rings {name_some(empty)} are empty", "give inner and outer radius in metres")
        )
    if problems:
        raise DataError(problems)


def _columns(
    shared: CellShares,
    egohoods: Egohoods,
    group: str,
    share: str | None,
    radii: tuple[int, ...],
    nearest: tuple[int, ...],
    rings: Mapping[str, tuple[int, int]],
    measures: tuple[str, ...],
) -> tuple[pd.DataFrame, tuple[Measure, ...]]:
    """The columns and what they are, in one order."""
    cells, totals = shared.cells, shared.totals()
    values: dict[str, pd.Series] = {}
    told: list[Measure] = []

    def add(column: str, kind: str, unit: str, called: str, how: str, numbers: pd.Series) -> None:
        values[column] = numbers
        told.append(Measure(column, kind, unit, called, how))

    if share is not None:
        own = shares(totals, cells.total, [group])[group]
        add(share, "share", "percent", group, f"{group} among the district's residents", own)
    near = egohood_shares(shared, egohoods, group)
    for radius in radii:
        column, called = f"within_{radius}m", f"{group} within {radius:,} m"
        add(column, "egohood", "percent", called, f"{called} of the district's residents", near[column])
    for k in nearest:
        column, called = f"nearest_{k}", f"{group} among the {k:,} nearest"
        add(column, "egohood", "percent", called, f"{called} of the district's residents", near[column])
    around = halo(shared, egohoods, group, list(rings.values()))
    for name, (inner, outer) in rings.items():
        ring = f"{inner:,} to {outer:,} m" if inner else f"up to {outer:,} m"
        how = f"{group} around ({ring}) less within the district"
        called = f"halo of {group}, {ring}"
        add(name, "halo", "percentage points", called, how, around[f"halo_{inner}_{outer}m"])
    found = {
        "location_quotient": lambda: location_quotient(totals, cells.total, group),
        "entropy": lambda: entropy(totals, cells.total, cells.groups),
        "fractionalisation": lambda: fractionalisation(totals, cells.total, cells.groups),
    }
    for name in measures:
        unit, how = MEASURES[name]
        called = name.replace("_", " ")
        if name in found:
            add(name, "other", unit, called, how, found[name]())
            continue
        for radius in radii:
            numbers = isolation(shared, egohoods, group, radius)[name]
            within = f"{called} of {group}, {radius:,} m"
            add(f"{name}_{radius}m", "other", unit, within, how.format(radius=radius), numbers)
    twice = [one.column for one in told if sum(other.column == one.column for other in told) > 1]
    if twice:
        raise DataError(Problem(f"two measures are called '{twice[0]}'", "give every measure its own name"))
    return pd.DataFrame(values, index=shared.areas), tuple(told)


def _reach(cells: Cells, districts: Districts) -> float:
    """How far the grid's outline reaches beyond the districts', on the side where it does least (m)."""
    low, high = cells.centres - cells.side / 2, cells.centres + cells.side / 2
    west, south, east, north = districts.table.geometry.to_crs(cells.crs).total_bounds
    return float(np.min([west - low[:, 0].min(), south - low[:, 1].min(), *(high.max(0) - (east, north))]))
