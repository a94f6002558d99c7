"""`ElectionsFit`: posterior draws of a model of elections over time, in one netCDF file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from spatialvote.data.elections import Elections
from spatialvote.data.errors import FitError, ModelError, Problem
from spatialvote.models.elections.model import ElectionsModel
from spatialvote.models.fit_file import open_tree, refuse_foreign, save_tree

#: Version of the file's layout; a file with another one is refused.
LAYOUT = 1


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
        tree.attrs = {
            "spatialvote_elections_layout": LAYOUT,
            "model": json.dumps(self.model.to_dict()),
            "record": json.dumps(dict(self.record)),
        }
        return save_tree(tree, path)

    @classmethod
    def load(cls, path: str | Path) -> ElectionsFit:
        """Read a fit; nothing in the file is executed or unpickled.

        Raises
        ------
        FitError
            Where the file is missing, no netCDF file, not one that `save` wrote, or damaged.
        """
        path = Path(path)
        tree = open_tree(path)
        layout = tree.attrs.get("spatialvote_elections_layout")
        if layout is None or not {"posterior", "observed_data", "constant_data"} <= set(tree.children):
            raise FitError(
                Problem(f"'{path}' is no fit of elections", "give the file that ElectionsFit.save wrote")
            )
        if int(layout) != LAYOUT:
            raise FitError(Problem(f"'{path}' has layout {layout}, this version reads {LAYOUT}", "fit again"))
        refuse_foreign(path, tree, ("model", "record"))
        try:
            model = ElectionsModel.from_dict(json.loads(tree.attrs["model"]))
            record = json.loads(tree.attrs["record"])
            _ = record["fingerprints"]["data"], record["effect"], record["hyperparameters"], record["engine"]
        except (KeyError, TypeError, ValueError, RecursionError, ModelError) as error:
            raise FitError(
                Problem(f"the contents of '{path}' are damaged ({error})", "ask for the file again")
            ) from error
        return cls(tree, model, record)
