"""The log posterior of several parties bound to districts: arrays, hyperparameters by name, prior draws."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import expit, logit

from spatialvote.models.draw_field import draw_effects
from spatialvote.models.parties.correlation import correlation_factor, log_constant
from spatialvote.models.parties.density import PartyArrays, log_posterior
from spatialvote.models.parties.likelihood import CODES, HYPER, OF_ONE_PARTY
from spatialvote.models.parties.priors import PartyPriors, between_logits
from spatialvote.models.posterior import Posterior
from spatialvote.models.priors import Priors
from spatialvote.models.structures import Field


def overall_logits(counts: np.ndarray, stood: np.ndarray) -> np.ndarray:
    """The logit against the rest of all votes cast where each stood, shape (K,); half a vote is added."""
    rest = counts[:, -1]
    return np.array(
        [
            np.log(own[there].sum() + 0.5) - np.log(rest[there].sum() + 0.5)
            for own, there in zip(counts[:, :-1].T, stood.T, strict=True)
        ]
    )


@dataclass(frozen=True, eq=False)
class PartyPosterior:
    """Everything the density needs.

    Attributes
    ----------
    family
        ``multinomial`` or ``dirichlet_multinomial``.
    counts, stood
        As in `spatialvote.models.parties.outcome.PartyCounts`.
    design
        Intercept column and standardised covariates, shape (n, p).
    level
        Prior mean of each logit's intercept, shape (K,).
    prior_sd
        Of a logit's coefficients, shape (p,).
    field
        BYM2 on the districts' graph, or its iid part alone.
    fields
        ``separable``: correlated fields of one rho; ``coregional``: of one rho each; ``independent``: fields
        of one rho each that do not correlate.
    priors
        Priors of the hyperparameters.
    """

    family: str
    counts: np.ndarray
    stood: np.ndarray
    design: np.ndarray
    level: np.ndarray
    prior_sd: np.ndarray
    field: Field
    fields: str
    priors: PartyPriors

    @property
    def logits(self) -> int:
        """Number of logits, K."""
        return self.stood.shape[1]

    @property
    def n(self) -> int:
        """Number of districts."""
        return len(self.counts)

    @property
    def rhos(self) -> int:
        """How many rhos there are: none without neighbours, one for all fields, or one for each."""
        if "rho" not in self.field.hyperparameters:
            return 0
        return 1 if self.fields == "separable" else self.logits

    @property
    def correlations(self) -> int:
        """How many correlations there are."""
        return 0 if self.fields == "independent" else self.logits * (self.logits - 1) // 2

    @property
    def n_hyper(self) -> int:
        """Number of hyperparameters."""
        return self.logits + self.rhos + self.correlations + len(HYPER[self.family])

    @property
    def n_dim(self) -> int:
        """Length of the point."""
        return self.n_hyper + self.logits * self.n

    def of_one(self, k: int) -> Posterior:
        """The posterior of one category against the rest alone, whose coordinates the sampler borrows."""
        priors = self.priors
        there = self.stood[:, k]
        votes = np.where(there, self.counts[:, k], 0.0)
        p = self.design.shape[1]
        return Posterior(
            family=OF_ONE_PARTY[self.family],
            votes=votes,
            size=np.where(there, votes + self.counts[:, -1], 0.0),
            design=self.design,
            prior_mean=np.r_[self.level[k], np.zeros(p - 1)],
            prior_sd=self.prior_sd,
            field=self.field,
            priors=Priors(sigma=priors.sigma, rho=priors.rho, overdispersion=priors.overdispersion),
        )

    @cached_property
    def arrays(self) -> PartyArrays:
        """What the kernels need."""
        priors, field, correlations = self.priors, self.field, self.correlations
        codes = [priors.sigma.code()] * self.logits
        codes += [priors.rho.code(field.nodes) for _ in range(self.rhos)]
        powers = priors.correlation.powers(self.logits) if correlations else np.zeros(0)
        codes += [(0, float(b), 0.0) for b in powers]
        codes += [priors.overdispersion.code()] * len(HYPER[self.family])
        coded = np.array(codes, dtype=np.float64).reshape(-1, 3)
        return PartyArrays(
            np.array(
                (CODES[self.family], self.logits, self.rhos, correlations, len(HYPER[self.family])),
                dtype=np.int64,
            ),
            coded[:, 0].astype(np.int64),
            np.ascontiguousarray(coded[:, 1:]),
            np.ascontiguousarray(self.counts, dtype=np.float64),
            np.ascontiguousarray(self.stood, dtype=np.float64),
            self.level,
            np.ascontiguousarray(self.design),
            np.ascontiguousarray(self.prior_sd),
            np.ascontiguousarray(np.linalg.inv(between_logits(self.logits))),
            field.nodes.value,
            field.nodes.weight,
            field.graph.component,
            field.graph.sizes,
            tuple(field.graph.pattern),
        )

    @property
    def log_constant(self) -> float:
        """What `function` leaves out of the prior of the correlations."""
        return log_constant(self.priors.correlation.powers(self.logits)) if self.correlations else 0.0

    def function(self):
        """The density as ``f(point) -> (value, gradient)``; the point and gradient have shape (n_dim,)."""
        arrays = self.arrays

        def density(point):
            return log_posterior(point, arrays)

        return density

    def constrain(self, theta: np.ndarray) -> dict[str, np.ndarray]:
        """Hyperparameters by name from their coordinates (..., h).

        Returns
        -------
        dict
            ``sigma`` (..., K); ``rho``, (...) where all fields share it, else (..., K), or absent;
            ``factor`` (..., K, K), L of the correlations; ``overdispersion`` (...) where there is one.
        """
        k, free = self.logits, self.logits + self.rhos
        values = {"sigma": np.exp(theta[..., :k])}
        if self.rhos:
            rho = expit(theta[..., k:free])
            values["rho"] = rho[..., 0] if self.fields == "separable" else rho
        y = theta[..., free : free + self.correlations]
        flat = np.ascontiguousarray(y).reshape(-1, self.correlations) if self.correlations else None
        if flat is None:
            values["factor"] = np.broadcast_to(np.eye(k), (*theta.shape[:-1], k, k)).copy()
        else:
            values["factor"] = np.array([correlation_factor(one, k) for one in flat]).reshape(
                *theta.shape[:-1], k, k
            )
        if HYPER[self.family]:
            values["overdispersion"] = expit(theta[..., -1])
        return values

    def draw_hyper(self, rng: np.random.Generator, size: int) -> np.ndarray:
        """Draws of the hyperparameters from their priors, in their coordinates, shape (size, h)."""
        priors, k = self.priors, self.logits
        parts = [np.log(priors.sigma.draw(rng, size * k)).reshape(size, k)]
        if self.rhos:
            rho = priors.rho.draw(rng, size * self.rhos, self.field.nodes)
            parts.append(logit(rho).reshape(size, self.rhos))
        if self.correlations:
            parts.append(priors.correlation.draw(rng, size, k))
        if HYPER[self.family]:
            parts.append(logit(priors.overdispersion.draw(rng, size))[:, None])
        return np.hstack(parts)

    def draw_coefficients(self, rng: np.random.Generator, size: int) -> np.ndarray:
        """Draws of the coefficients less their prior means, shape (size, K, p)."""
        half = np.linalg.cholesky(between_logits(self.logits))
        white = rng.standard_normal((size, self.logits, self.design.shape[1]))
        return np.einsum("kl,slp->skp", half, white) * self.prior_sd

    def draw_fields(self, values: dict[str, np.ndarray], rng: np.random.Generator) -> np.ndarray:
        """District effects drawn anew at hyperparameters (draws, ...), shape (draws, n, K)."""
        sigma, factor = values["sigma"], values["factor"]
        draws, k = sigma.shape
        rho = values.get("rho", np.full(draws, 0.5))
        each = np.repeat(rho[:, None], k, axis=1) if rho.ndim == 1 else rho
        unit = np.ones(draws)
        alone = np.stack([draw_effects(self.field.graph, unit, each[:, j], rng) for j in range(k)], axis=2)
        return np.einsum("snj,skj->snk", alone, sigma[:, :, None] * factor)
