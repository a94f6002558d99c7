"""`PartySharesFit`: posterior draws of several parties with what a reviewer needs, in one netCDF file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from spatialvote.models.fit_file import FileKind, read_fit, save_tree
from spatialvote.models.parties.likelihood import HYPER, shares
from spatialvote.models.parties.model import PartySharesModel
from spatialvote.models.parties.outcome import NO_VOTE, REST

#: Its files; one of another layout is refused.
FILE = FileKind("a fit of several parties", "PartySharesFit.save", "spatialvote_parties_layout", 1)


@dataclass(frozen=True, eq=False)
class PartySharesFit:
    """A fitted model of several parties.

    Attributes
    ----------
    tree
        ArviZ DataTree. Groups: ``posterior`` with ``intercept`` [logit] (at average covariates), ``beta``
        [logit, coefficient] (standardised columns), ``sigma`` [logit], ``rho`` (one, or [logit]),
        ``correlation`` [logit, other_logit], ``overdispersion``, ``eta`` [district, logit] (logits against
        the rest) and ``structured`` [district, logit] (the structured part of the fields, in logits);
        ``sample_stats``; ``log_likelihood`` [district]; ``posterior_predictive`` and ``observed_data`` with
        votes [district, category], the rest last; ``constant_data`` with ``stood`` [district, logit], the
        design on its original scale with its ``center`` and ``scale``, and the links.
    model
        The specification.
    record
        Seed, settings, versions, timings, fingerprints of data and graph, roles of columns, what the
        districts are, and where parties did not stand.
    """

    tree: xr.DataTree
    model: PartySharesModel
    record: Mapping[str, Any]

    def __repr__(self) -> str:
        sizes = self.tree["posterior"].sizes
        return (
            f"PartySharesFit({self.model.formula}, {self.model.family}, {self.model.fields}: "
            f"{sizes['chain']} chains x {sizes['draw']} draws, {sizes['district']} districts)"
        )

    def draws(self, name: str, at: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Posterior draws of a variable with chains joined, shape (samples, ...), float64."""
        values = self.tree["posterior"][name].to_numpy()
        chains, draws = values.shape[:2]
        return values.reshape(chains * draws, *values.shape[2:])[at].astype(np.float64)

    def _names(self, dim: str, group: str = "posterior") -> tuple[str, ...]:
        return tuple(map(str, self.tree[group].coords[dim].to_numpy()))

    @property
    def logits(self) -> tuple[str, ...]:
        """Categories with a logit: the parties, and those without a valid vote where they are counted."""
        return self._names("logit")

    @property
    def categories(self) -> tuple[str, ...]:
        """All categories, the rest last."""
        return (*self.logits, REST)

    @property
    def coefficients(self) -> tuple[str, ...]:
        """Names of the design's columns, without the intercept."""
        return self._names("coefficient")

    @property
    def has_structure(self) -> bool:
        """Whether the fields have a structured part."""
        return "structured" in self.tree["posterior"]

    @property
    def hyperparameters(self) -> tuple[str, ...]:
        """Names of the hyperparameters in the posterior; of the correlations where they were estimated."""
        names = ["sigma"]
        if self.has_structure:
            names.append("rho")
        if self.model.fields != "independent" and len(self.logits) > 1:
            names.append("correlation")
        return (*names, *HYPER[self.model.family])

    def constant(self, name: str) -> np.ndarray:
        """An array of the group ``constant_data``."""
        return self.tree["constant_data"][name].to_numpy()

    @property
    def stood(self) -> np.ndarray:
        """Where each category with a logit can have votes, shape (n, K)."""
        return self.constant("stood").astype(bool)

    @property
    def counts(self) -> np.ndarray:
        """Observed votes of all categories, shape (n, K + 1)."""
        return self.tree["observed_data"]["votes"].to_numpy()

    @property
    def size(self) -> np.ndarray:
        """Valid votes, or the electorate where that is the whole, shape (n,)."""
        return self.counts.sum(axis=1)

    @property
    def standardised(self) -> np.ndarray:
        """The design as it was sampled, shape (n, coefficients)."""
        return (self.constant("design") - self.constant("center")) / self.constant("scale")

    def dispersion(self, at: np.ndarray | slice = slice(None)) -> np.ndarray | float:
        """Draws of the overdispersion, shape (samples,); 0 for the multinomial."""
        own = HYPER[self.model.family]
        return self.draws(own[0], at) if own else 0.0

    def fixed_part(self, at: np.ndarray | slice = slice(None)) -> np.ndarray:
        """alpha + X beta of each draw, shape (samples, n, K)."""
        beta = self.draws("beta", at)
        return self.draws("intercept", at)[:, None] + np.einsum("nq,skq->snk", self.standardised, beta)

    def district_effects(self, at: np.ndarray | slice = slice(None)) -> np.ndarray:
        """E = eta - alpha - X beta of each draw, the whole field of each logit, shape (samples, n, K)."""
        return self.draws("eta", at) - self.fixed_part(at)

    def shares(self, at: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Shares of all categories behind the votes, shape (samples, n, K + 1), each row summing to one.

        Parties have no share where they did not stand.
        """
        return shares(self.draws("eta", at), self.stood)

    @property
    def counts_turnout(self) -> bool:
        """Whether the electorate is the whole, so that turnout is part of the model."""
        return NO_VOTE in self.logits

    def save(self, path: str | Path) -> Path:
        """Write the fit to one netCDF file, aside first, so that no half-written file is ever left."""
        tree = self.tree.copy()
        tree.attrs = FILE.attributes(model=self.model.to_dict(), record=dict(self.record))
        return save_tree(tree, path)

    @classmethod
    def load(cls, path: str | Path) -> PartySharesFit:
        """Read a fit; nothing in the file is executed or unpickled.

        Raises
        ------
        FitError
            Where the file is missing, no netCDF file, not one that `save` wrote, or damaged.
        """
        return read_fit(
            path,
            FILE,
            lambda tree, texts: cls(tree, PartySharesModel.from_dict(texts["model"]), texts["record"]),
        )
