"""`Fit`: posterior draws with everything that a reviewer needs to check them, in one netCDF file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from scipy.special import expit

from spatialvote.models.correlated import CORRELATION, SD
from spatialvote.models.families import FAMILIES
from spatialvote.models.fit_file import FileKind, read_fit, save_tree
from spatialvote.models.groups import Effect, blocks_of, correlation_names, group_effects_of
from spatialvote.models.posterior import SIGMA_SLOPE, SLOPE
from spatialvote.models.structures import STRUCTURES
from spatialvote.models.vote_share import VoteShareModel

#: Its files; one of another layout is refused.
FILE = FileKind("a fit saved by spatialvote", "Fit.save", "spatialvote_layout", 1)


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted model.

    Attributes
    ----------
    tree
        ArviZ DataTree. Groups: ``posterior`` with ``intercept`` (at average covariates), ``beta``
        [coefficient] (standardised columns), ``sigma``, ``rho``, ``eta`` [district] (linear predictor) and
        ``phi`` [district] (structured part of BYM2, unit scale); ``overdispersion`` or ``noise`` of the
        family; ``unknown`` [unknown_value] (values of covariates that are not known exactly, in their own
        units) with ``covariate_sigma`` and ``covariate_rho`` [uncertain] of their model; ``sd_<group>`` and
        ``effect_<group>`` [level_<group>] of each group-level term, where slopes of x are called
        ``x|<group>``, ``cor_x|<group>`` their correlation with the intercepts, and ``partial_…`` what
        correlations are made of, between 0 and 1; ``slope`` [district], the departures of a slope that varies
        over the map, on the scale of ``beta``, and their ``sigma_slope``; ``covariates``, the same values and
        hyperparameters as the covariates alone have them, without the votes;
        ``sample_stats``; ``log_likelihood``, ``posterior_predictive``, ``prior``, ``prior_predictive``,
        ``observed_data``; ``constant_data`` with the denominators, where the party ``stood`` (False also
        where its votes were held out), the design on its original scale, its ``center`` and ``scale``, each
        group's ``index_<group>``, and the links.
    model
        The specification.
    record
        Seed, engine and its settings, versions, timings in seconds, fingerprints of data and graph, roles
        of columns, what the districts are, how the graph was made and what was done while reading.
    """

    tree: xr.DataTree
    model: VoteShareModel
    record: Mapping[str, Any]

    def __repr__(self) -> str:
        sizes = self.tree["posterior"].sizes
        return (
            f"Fit({self.model.formula}, {self.model.family}, {self.model.structure}: {sizes['chain']} chains "
            f"x {sizes['draw']} draws, {sizes['district']} districts)"
        )

    def draws(self, name: str, at: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Posterior draws of a variable with chains joined, shape (samples, ...), float64.

        Parameters
        ----------
        name
            A variable of the posterior.
        at
            Positions over the joined chains; by default all.
        """
        values = self.tree["posterior"][name].to_numpy()
        # The length is given, because that of draws without coefficients cannot be inferred.
        chains, draws = values.shape[:2]
        return values.reshape(chains * draws, *values.shape[2:])[at].astype(np.float64)

    @property
    def coefficients(self) -> tuple[str, ...]:
        """Names of the design's columns, without the intercept."""
        return tuple(map(str, self.tree["posterior"].coords["coefficient"].to_numpy()))

    def constant(self, name: str) -> np.ndarray:
        """An array of the group ``constant_data``."""
        return self.tree["constant_data"][name].to_numpy()

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the effects that vary between levels, in the formula's order.

        ``city`` for the intercepts of ``(1 + x | city)``, ``x|city`` for its slopes.
        """
        return tuple(effect.name for effect in self.effects)

    @cached_property
    def effects(self) -> tuple[Effect, ...]:
        """What varies between levels of groups."""
        return group_effects_of(self.model.formula)

    @property
    def has_departures(self) -> bool:
        """Whether anything varies between levels or over the map."""
        return bool(self.effects) or self.model.varying is not None

    def departures(self, at: np.ndarray | slice = slice(None), part: slice = slice(None)) -> np.ndarray:
        """What moves some districts away from alpha + X beta, their own effects aside, shape (samples, m).

        All effects of their levels, slopes times their covariates, and the slope that varies over the map.
        """
        total: np.ndarray | float = 0.0
        columns = self.standardised[part]
        for effect in self.effects:
            one = self.draws(f"effect_{effect.name}", at)[:, self.constant(f"index_{effect.name}")[part]]
            total = total + (
                one * columns[:, self.coefficients.index(effect.covariate)] if effect.covariate else one
            )
        if self.model.varying is not None:
            k = self.coefficients.index(self.model.varying)
            total = total + self.local_slope(at, part) * columns[:, k]
        return np.asarray(total)

    def local_slope(self, at: np.ndarray | slice = slice(None), part: slice = slice(None)) -> np.ndarray:
        """Departures of the slope that varies over the map, in some districts, shape (samples, m)."""
        values = self.tree["posterior"][SLOPE].to_numpy()[..., part]
        return values.reshape(-1, values.shape[-1])[at].astype(np.float64)

    def change(
        self, shift: np.ndarray, part: slice = slice(None), at: np.ndarray | slice = slice(None)
    ) -> np.ndarray:
        """Change of eta where the design of some districts moves by `shift`, shape (samples, m).

        Parameters
        ----------
        shift
            On the design's original scale, shape (m, coefficients).
        part
            Which districts, m of them: the slopes of their levels, and their own, count.
        at
            Positions of the draws.
        """
        moved = shift / self.constant("scale")
        change = self.draws("beta", at) @ moved.T
        for effect in self.effects:
            if effect.covariate:
                index = self.constant(f"index_{effect.name}")[part]
                slopes = self.draws(f"effect_{effect.name}", at)[:, index]
                change += slopes * moved[:, self.coefficients.index(effect.covariate)]
        if self.model.varying is not None:
            by = moved[:, self.coefficients.index(self.model.varying)]
            change += self.local_slope(at, part) * by
        return change

    @property
    def size(self) -> np.ndarray:
        """Valid votes, exposure (Poisson) or ones (Gaussian) of all districts, shape (n,)."""
        if self.model.family == "gaussian":
            return np.ones(self.votes.shape)
        return self.constant("exposure" if self.model.family == "poisson" else "trials")

    def dispersion(self, at: np.ndarray | slice = slice(None)) -> np.ndarray | float:
        """Draws of the family's dispersion, shape (samples,); 0 for a family without one."""
        own = FAMILIES[self.model.family].HYPER
        return self.draws(own[0], at) if own else 0.0

    @property
    def held_out(self) -> tuple[str, ...]:
        """Ids of the districts whose votes were held out, in the order of the districts."""
        # Fits of versions that held nothing out do not have it.
        return tuple(self.record.get("held_out", ()))

    @property
    def stood(self) -> np.ndarray:
        """Where the party stood and its votes were not held out, shape (n,).

        Elsewhere votes, predicted votes and the log likelihood are 0 and say nothing.
        """
        # Fits of versions that knew no absent parties do not have it.
        there = "stood" in self.tree["constant_data"]
        return self.constant("stood").astype(bool) if there else np.ones(self.votes.shape, dtype=bool)

    @property
    def votes(self) -> np.ndarray:
        """Observed votes or counts, or logits of shares (Gaussian), shape (n,)."""
        return self.tree["observed_data"]["votes"].to_numpy()

    @property
    def share(self) -> np.ndarray:
        """Observed share, or rate per unit of exposure, shape (n,); NaN where the party did not stand."""
        share = expit(self.votes) if self.model.family == "gaussian" else self.votes / self.size
        return np.where(self.stood, share, np.nan)

    @property
    def standardised(self) -> np.ndarray:
        """The design as it was sampled, (design - center) / scale, shape (n, coefficients)."""
        return (self.constant("design") - self.constant("center")) / self.constant("scale")

    def fixed_part(self, at: np.ndarray | slice = slice(None)) -> np.ndarray:
        """mu = alpha + X beta + u + gamma x of each draw, or of those at some positions, shape (samples, n).

        u are the effects of group-level terms, gamma those of a slope that varies over the map; what eta has
        beyond mu is the effect of the district.
        """
        mu = self.draws("intercept", at)[:, None] + self.draws("beta", at) @ self.standardised.T
        if self.has_departures:
            mu += self.departures(at)
        self.add_unknown(mu, self.draws("beta", at), 0, at)
        return mu

    def add_unknown(
        self, mu: np.ndarray, beta: np.ndarray, start: int, at: np.ndarray | slice = slice(None)
    ) -> None:
        """Add to mu what unknown values of covariates move it by, in place.

        The stored design has first guesses of these values, and each draw has its own.

        Parameters
        ----------
        mu
            alpha + X beta with the stored design, of some districts in a row, shape (samples, some).
        beta
            Coefficients of the same draws, shape (samples, coefficients).
        start
            Position of the first of these districts.
        at
            Positions of the draws.
        """
        if not self.unknown:
            return
        district = self.constant("unknown_district") - start
        here = (district >= 0) & (district < mu.shape[1])
        moved = self.draws("unknown", at)[:, here] - self.constant("unknown_guess")[here]
        by_value = beta @ self.constant("unknown_slope")[here].T * moved
        np.add.at(mu.T, district[here], by_value.T)

    def district_effects(self, at: np.ndarray | slice = slice(None)) -> np.ndarray:
        """e = eta - mu of each draw, or of those at some positions, shape (samples, n).

        The whole effect of the district: under ``bym2`` its structured and its independent part together.
        """
        return self.draws("eta", at) - self.fixed_part(at)

    @property
    def unknown(self) -> tuple[str, ...]:
        """``column[id]`` of each value of a covariate that the fit took as unknown."""
        posterior = self.tree["posterior"]
        if "unknown" not in posterior:
            return ()
        return tuple(map(str, posterior.coords["unknown_value"].to_numpy()))

    @property
    def hyperparameters(self) -> tuple[str, ...]:
        """Names: of the structure and the family, sds and correlations of groups, sd of a varying slope."""
        own = STRUCTURES[self.model.structure] + FAMILIES[self.model.family].HYPER
        named = [
            CORRELATION + name
            for block in blocks_of(self.effects)
            for row in correlation_names(block)
            for name in row
        ]
        local = () if self.model.varying is None else (SIGMA_SLOPE,)
        return (*own, *(SD + name for name in self.groups), *named, *local)

    @property
    def engine(self) -> str:
        """What the draws were computed by: ``nuts`` or ``laplace``."""
        return str(self.record["engine"])

    def save(self, path: str | Path) -> Path:
        """Write the fit to one netCDF file, aside first, so that no half-written file is ever left."""
        tree = self.tree.copy()
        tree.attrs = FILE.attributes(model=self.model.to_dict(), record=dict(self.record))
        return save_tree(tree, path)

    @classmethod
    def load(cls, path: str | Path) -> Fit:
        """Read a fit; nothing in the file is executed or unpickled.

        Raises
        ------
        FitError
            Where the file is missing, no netCDF file, or not one that `save` wrote: with variables that
            are neither numbers nor text, or a specification or record of absurd length, too.
        """
        return read_fit(
            path,
            FILE,
            lambda tree, texts: cls(tree, VoteShareModel.from_dict(texts["model"]), texts["record"]),
        )
