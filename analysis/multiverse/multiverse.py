"""`Multiverse`: what all specifications say, side by side; and `run_multiverse`, which fits them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

import geopandas as gpd
import numpy as np
import pandas as pd

from spatialvote.analysis.many import Watch, run_many
from spatialvote.analysis.multiverse.choices import DIMENSIONS
from spatialvote.analysis.multiverse.grid import Grid, Specification
from spatialvote.analysis.multiverse.one import FIELDS, Job, estimate
from spatialvote.data.districts import Districts
from spatialvote.models.laplace.fitting import UNRELIABLE

#: Between choices that a specification does not tell apart.
EITHER = " | "


@dataclass(frozen=True, eq=False)
class Multiverse:
    """Estimates of all specifications.

    Attributes
    ----------
    grid
        The specifications, and the combinations left out.
    table
        One row a specification: its number, ``main``, ``in_grid``, a column for each dimension (choices that
        make no difference to it joined by a bar), formula, the fields of
        `spatialvote.analysis.multiverse.one.Estimate`, and ``reliable``: whether it was fitted and k-hat is
        at most 0.7.
    points, weighting, seed, draws
        Of every specification.
    unit
        Of the effect.
    seconds
        From the first job to the last result.
    """

    grid: Grid
    table: pd.DataFrame
    points: float
    weighting: str
    seed: int
    draws: int
    unit: str
    seconds: float

    @property
    def fitted(self) -> pd.DataFrame:
        """Rows of the grid that have an estimate."""
        return self.table[self.table["in_grid"] & (self.table["failure"] == "")]

    @property
    def main(self) -> pd.Series:
        """Row of the study's own model."""
        return self.table[self.table["main"]].iloc[0]

    @property
    def above(self) -> float:
        """Share of fitted specifications with an estimate above zero."""
        return float((self.fitted["effect"] > 0).mean())

    @property
    def clearly_above(self) -> float:
        """Share whose 95 % interval lies above zero."""
        return float((self.fitted["effect_low"] > 0).mean())

    @property
    def clearly_below(self) -> float:
        """Share whose 95 % interval lies below zero."""
        return float((self.fitted["effect_high"] < 0).mean())


def run_multiverse(
    grid: Grid,
    districts: Mapping[str, Districts],
    *,
    seed: int,
    points: float = 10.0,
    weighting: str = "districts",
    draws: int = 1000,
    cores: int | None = None,
    cluster: str | None = None,
    progress: Watch | bool | None = None,
) -> Multiverse:
    """Fit every specification of a grid by the Laplace engine.

    Parameters
    ----------
    grid
        The specifications.
    districts
        Name of a graph to the districts with it.
    seed
        The same for every specification: then they differ by their choices, and by no luck of the draw that
        one seed can spare them.
    points, weighting
        Of the effect, see `spatialvote.analysis.effects.effect.effect`.
    draws
        Of each fit.
    cores, cluster, progress
        See `spatialvote.analysis.many.run_many`.

    Raises
    ------
    RunError
        Where work cannot be done in processes or on the cluster.
    """
    bare = {name: without_shapes(districts[name]) for name in grid.graphs}
    jobs = [
        Job(
            name=specification_name(one, grid),
            model=one.model,
            districts=bare[one.graph],
            column=one.column,
            points=points,
            weighting=weighting,
            draws=draws,
            seed=seed,
        )
        for one in grid.specifications
    ]
    began = time.perf_counter()
    estimates = run_many(estimate, jobs, cores=cores, cluster=cluster, progress=progress)
    seconds = time.perf_counter() - began
    rows = [
        {
            "specification": one.number,
            "main": one.main,
            "in_grid": one.in_grid,
            **{name: EITHER.join(one.choices[name]) for name in DIMENSIONS},
            "formula": one.model.formula,
            **asdict(found),
        }
        for one, found in zip(grid.specifications, estimates, strict=True)
    ]
    table = pd.DataFrame(rows)
    fitted = table["failure"] == ""
    # A k-hat that is not a number is that of weights that are all alike.
    table["reliable"] = fitted & ~(table["k_hat"] > UNRELIABLE)
    table = table[["specification", "main", "in_grid", *DIMENSIONS, "formula", *_ordered(), "fingerprint"]]
    poisson = any(one.model.family == "poisson" for one in grid.specifications)
    return Multiverse(
        grid=grid,
        table=table,
        points=points,
        weighting=weighting,
        seed=seed,
        draws=draws,
        unit="percent" if poisson else "percentage points",
        seconds=seconds,
    )


def _ordered() -> list[str]:
    """Columns of estimates, with what vouches for them before what failed."""
    names = [name for name in FIELDS if name not in ("fingerprint", "failure")]
    names.insert(names.index("k_hat"), "reliable")
    return [*names, "failure"]


def specification_name(one: Specification, grid: Grid) -> str:
    """A specification by its choices in the dimensions that vary."""
    names = grid.varied or tuple(DIMENSIONS)
    return ", ".join(EITHER.join(one.choices[name]) for name in names)


def without_shapes(districts: Districts) -> Districts:
    """The same districts without geometry, which no fit needs and which would travel with every job."""
    table = pd.DataFrame(districts.table.drop(columns=districts.table.geometry.name))
    bare = gpd.GeoDataFrame(table, geometry=gpd.GeoSeries(np.full(len(table), None), index=table.index))
    return replace(districts, table=bare)
