"""`ElectionsFit`: posterior draws of a model of elections over time, in one netCDF file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from spatialvote.data.elections import Elections
from spatialvote.data.errors import FitError, Problem
from spatialvote.models.elections.model import ElectionsModel
from spatialvote.models.fit_file import FileKind, read_fit, save_tree

#: Its files; one of another layout is refused.
FILE = FileKind("a fit of elections", "ElectionsFit.save", "spatialvote_elections_layout", 1)


@dataclass(frozen=True, eq=False)
class ElectionsFit:
    """A fitted model of elections over time.

    Attributes
    ----------
    tree
        Group ``posterior`` [chain, draw, ...]: ``intercept`` [election]; ``beta`` [coefficient]; ``effect``
        [election], the slope of the followed covariate per standard deviation; the hyperparameters;
        ``persistent`` [district], u; ``phi`` [district], its structured part on unit scale; ``change``
        [election, district], psi; ``slope`` [district], delta; ``eta`` [row]. ``observed_data`` and
        ``constant_data``: votes, valid votes, district and election of each row, the followed covariate
        standardised, its center and scale.
    model
        The specification.
    record
        Engine, seed, versions, timings, fingerprints, and how good the draws are.
    """

    tree: xr.DataTree
    model: ElectionsModel
    record: Mapping[str, Any]

    def __repr__(self) -> str:
        sizes = self.tree["posterior"].sizes
        return (
            f"ElectionsFit({self.model.formula}: {sizes['election']} elections, "
            f"{sizes['district']:,} districts, {self.record['engine']}, "
            f"{sizes['chain'] * sizes['draw']:,} draws)"
        )

    def draws(self, name: str) -> np.ndarray:
        """Draws of a variable, chains joined, shape (draws, ...), float64."""
        values = self.tree["posterior"][name].to_numpy()
        return values.reshape(-1, *values.shape[2:]).astype(np.float64)

    def constant(self, name: str) -> np.ndarray:
        """An array of what does not change from draw to draw."""
        return self.tree["constant_data"][name].to_numpy()

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the elections."""
        return tuple(str(one) for one in self.tree["posterior"]["election"].to_numpy())

    @property
    def effect_name(self) -> str:
        """The column whose effect is followed."""
        return str(self.record["effect"])

    @property
    def hyperparameters(self) -> tuple[str, ...]:
        """Names of the hyperparameters."""
        return tuple(self.record["hyperparameters"])

    def require(self, elections: Elections) -> None:
        """Raise unless this fit is of these elections.

        Raises
        ------
        FitError
            If data or graph differ from those that were fitted.
        """
        ours, theirs = self.record["fingerprints"], elections.fingerprint
        differs = [part for part in ("data", "graph") if ours.get(part) != theirs[part]]
        if differs:
            raise FitError(
                Problem(
                    f"the fit's {' and '.join(differs)} differ from these elections'",
                    "read the elections as they were read for the fit",
                )
            )

    def save(self, path: str | Path) -> Path:
        """Write the fit to one netCDF file, aside first, so that no half-written file is ever left."""
        tree = self.tree.copy()
        tree.attrs = FILE.attributes(model=self.model.to_dict(), record=dict(self.record))
        return save_tree(tree, path)

    @classmethod
    def load(cls, path: str | Path) -> ElectionsFit:
        """Read a fit; nothing in the file is executed or unpickled.

        Raises
        ------
        FitError
            Where the file is missing, no netCDF file, not one that `save` wrote, or damaged.
        """
        return read_fit(path, FILE, cls._of)

    @classmethod
    def _of(cls, tree: xr.DataTree, texts: Mapping[str, Any]) -> ElectionsFit:
        record = texts["record"]
        _ = record["fingerprints"]["data"], record["effect"], record["hyperparameters"], record["engine"]
        return cls(tree, ElectionsModel.from_dict(texts["model"]), record)
