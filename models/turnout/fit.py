"""`TurnoutFit`: posterior draws of a turnout model with the cells they are of, in one netCDF file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import expit

from spatialvote.data.errors import FitError, Problem
from spatialvote.data.origin_groups import OriginGroup
from spatialvote.data.turnout import Survey, TurnoutAbout, TurnoutCells
from spatialvote.data.turnout_ages import AgeBand
from spatialvote.models.fit_file import FileKind, read_fit, save_tree
from spatialvote.models.turnout.model import TurnoutModel

#: Its files; one of another layout is refused.
FILE = FileKind(
    "a turnout fit", "TurnoutFit.save", "spatialvote_turnout_layout", 2, texts=("model", "record", "cells")
)


@dataclass(frozen=True, eq=False)
class TurnoutFit:
    """A fitted turnout model.

    Attributes
    ----------
    tree
        Groups ``posterior`` (one chain of independent draws) with ``curve`` [age] or ``intercept``,
        ``departure`` [group, age], ``effect_sex``, ``effect_election``, ``effect_area``, interactions such
        as ``effect_group_area``, ``slope_all_...`` and ``slope_group_...`` [group] of moderators, the
        hyperparameters, and ``eta`` [cell], the log-odds of each cell with its
        own effect; ``observed_data`` and ``constant_data``.
    model, cells
        The specification, and what it was fitted to.
    record
        Seed, versions, timings, fingerprints, and how good the approximation is: ``k_hat`` and
        ``effective_points`` of the hyperparameters' weights; given them, ``sd_log_ratio``, the spread of log
        density minus log approximation (0: exact), for which draws are weighed, with ``k_hat_draws`` and
        ``effective_draws`` of these weights.
    """

    tree: xr.DataTree
    model: TurnoutModel
    cells: TurnoutCells
    record: Mapping[str, Any]

    def __repr__(self) -> str:
        sizes = self.tree["posterior"].sizes
        return f"TurnoutFit({self.cells.about.name}: {sizes['cell']:,} cells, {sizes['draw']:,} draws)"

    def draws(self, name: str) -> np.ndarray:
        """Draws of a variable, shape (draws, ...), float64."""
        return self.tree["posterior"][name].to_numpy()[0].astype(np.float64)

    @property
    def hyperparameters(self) -> tuple[str, ...]:
        """Names of the standard deviations and of rho."""
        names = map(str, self.tree["posterior"].data_vars)
        return tuple(name for name in names if name == "rho" or name.startswith("sigma_"))

    @property
    def probability(self) -> np.ndarray:
        """Draws of each cell's probability of voting, shape (draws, cells)."""
        return expit(self.draws("eta"))

    def predict(
        self,
        positions: Mapping[str, np.ndarray],
        rng: np.random.Generator,
        moderators: Mapping[str, float] | None = None,
    ) -> np.ndarray:
        """Probability of voting of any cells, also ones without data, shape (draws, k).

        Parameters
        ----------
        positions
            Factors to positions of levels, shape (k,). Effects of a factor that is left out are zero: those
            of a typical level.
        rng
            For the own effects of these cells, which are drawn anew.
        moderators
            Values that moderators have instead of those of the cells' areas; the mean of the areas where
            neither is known.
        """
        draws = self.tree["posterior"].sizes["draw"]
        size = len(next(iter(positions.values())))
        eta = np.full((draws, size), self.tree["constant_data"].dataset["offset"].item())
        for name, variable in self.tree["posterior"].dataset.data_vars.items():
            dims = [str(dim) for dim in variable.dims[2:]]
            if str(name).startswith("slope_"):
                continue
            if name == "intercept":
                eta += self.draws("intercept")[:, None]
            elif dims and name != "eta" and set(dims) <= set(positions):
                eta += self.draws(str(name))[(slice(None), *(positions[dim] for dim in dims))]
        for name in self.model.moderators:
            z, mean, sd = self.cells.standardised(name)
            if name in (moderators or {}):
                z = np.full(size, (dict(moderators or {})[name] - mean) / sd)
            else:
                z = z[positions["area"]] if "area" in positions else np.zeros(size)
            slope = self.draws(f"slope_all_{name}")[:, None]
            if "group" in positions and len(self.cells.levels["group"]) > 1:
                slope = slope + self.draws(f"slope_group_{name}")[:, positions["group"]]
            eta += slope * z
        if "sigma_cell" in self.hyperparameters:
            eta = eta + self.draws("sigma_cell")[:, None] * rng.normal(size=eta.shape)
        return expit(eta)

    def save(self, path: str | Path) -> Path:
        """Write the fit to one netCDF file, aside first, so that no half-written file is ever left."""
        tree = self.tree.copy()
        cells = self.cells
        meta = {
            "levels": {name: list(labels) for name, labels in cells.levels.items()},
            "groups": [asdict(one) for one in cells.groups],
            "ages": [asdict(one) for one in cells.ages],
            "about": asdict(cells.about),
            "survey": None if cells.survey is None else asdict(cells.survey),
            "files": dict(cells.files),
            "notes": list(cells.notes),
            "moderators": {name: list(map(float, values)) for name, values in cells.moderators.items()},
        }
        tree.attrs = FILE.attributes(model=self.model.to_dict(), record=dict(self.record), cells=meta)
        return save_tree(tree, path)

    @classmethod
    def load(cls, path: str | Path) -> TurnoutFit:
        """Read a fit; nothing in the file is executed or unpickled.

        Raises
        ------
        FitError
            Where the file is missing, no netCDF file, not one that `save` wrote, or damaged.
        """
        return read_fit(path, FILE, cls._of)

    @classmethod
    def _of(cls, tree: xr.DataTree, texts: Mapping[str, Any]) -> TurnoutFit:
        cells, record = _cells(tree, texts["cells"]), texts["record"]
        if record["fingerprints"]["cells"] != cells.fingerprint:
            raise FitError(
                Problem("the file's cells are not those that were fitted", "ask for the file again")
            )
        return cls(tree, TurnoutModel.from_dict(texts["model"]), cells, record)


def _cells(tree: xr.DataTree, meta: Mapping[str, Any]) -> TurnoutCells:
    observed, constant = tree["observed_data"], tree["constant_data"]
    table = pd.DataFrame(
        {name: constant[f"index_{name}"].to_numpy() for name in meta["levels"]}
        | {name: observed[name].to_numpy() for name in ("entitled", "voted")}
    )
    return TurnoutCells(
        table,
        {name: tuple(labels) for name, labels in meta["levels"].items()},
        tuple(OriginGroup(**{**one, "countries": tuple(one["countries"])}) for one in meta["groups"]),
        tuple(AgeBand(**one) for one in meta["ages"]),
        constant["edges"].to_numpy().reshape(-1, 2),
        TurnoutAbout(**meta["about"]),
        None if meta["survey"] is None else Survey(**meta["survey"]),
        {name: np.array(values, dtype=np.float64) for name, values in meta["moderators"].items()},
        meta["files"],
        tuple(meta["notes"]),
    )
