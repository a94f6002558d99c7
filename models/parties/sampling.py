"""Sample several parties by the No-U-Turn sampler of nutpie on the log posterior."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import cast

import numpy as np
import xarray as xr

from spatialvote.models.centring import Centring, centre
from spatialvote.models.chains import Plan, Progress, run_chains
from spatialvote.models.nuts import NutsSettings
from spatialvote.models.parties.likelihood import HYPER
from spatialvote.models.parties.native import draws_of_eta, draws_of_theta, native_model
from spatialvote.models.parties.posterior import PartyPosterior
from spatialvote.models.stored_draws import STATISTICS, Draws


@dataclass(frozen=True)
class PartySettings(NutsSettings):
    """Settings of the sampler, as `NutsSettings` has them; 1,000 draws of each chain unless told."""

    draws: int = 1000


@dataclass(frozen=True, eq=False)
class PartyCentring:
    """The sampler's coordinates of every logit.

    Attributes
    ----------
    posterior
        The density.
    each
        Those of each logit, as of its party alone against the rest.
    """

    posterior: PartyPosterior
    each: tuple[Centring, ...]

    @classmethod
    def of(cls, posterior: PartyPosterior, parametrisation: str = "measured") -> "PartyCentring":
        """Coordinates for a posterior."""
        each = tuple(centre(posterior.of_one(k), parametrisation) for k in range(posterior.logits))
        return cls(posterior, each)

    @cached_property
    def ties(self) -> np.ndarray:
        """a_k / (2 n) of each logit, shape (K,)."""
        return np.array([one.arrays.choice[2] for one in self.each])

    @property
    def signal_to_noise(self) -> float:
        """The smallest of the logits: how much votes say about a typical district."""
        return min(one.signal_to_noise for one in self.each)

    def theta(self, points: np.ndarray) -> np.ndarray:
        """Coordinates of the density's hyperparameters, shape (draws, h), at points of the sampler."""
        return draws_of_theta(np.ascontiguousarray(points), self.ties, self.posterior.arrays)

    def eta(self, points: np.ndarray, theta: np.ndarray) -> np.ndarray:
        """Logits, shape (draws, K, n)."""
        points = np.ascontiguousarray(points)
        arrays = self.posterior.arrays
        return np.stack(
            [draws_of_eta(points, theta, k, arrays, one.arrays) for k, one in enumerate(self.each)], axis=1
        )


def suited(settings: PartySettings, centring: PartyCentring) -> PartySettings:
    """The settings with what was left open chosen as `spatialvote.models.nuts.suited` does for one party."""
    easy = not HYPER[centring.posterior.family] and centring.signal_to_noise >= 10
    tune, accept = (300, 0.6) if easy else (500, 0.9)
    return replace(settings, tune=settings.tune or tune, target_accept=settings.target_accept or accept)


def starting_point(posterior: PartyPosterior, rng: np.random.Generator) -> np.ndarray:
    """A point near the bulk, overdispersed in what mixes slowest; shape (n_dim,)."""
    return np.concatenate(
        [
            rng.uniform(-2.5, 0.0, posterior.logits),
            rng.uniform(-2.0, 2.0, posterior.rhos),
            rng.uniform(-0.5, 0.5, posterior.correlations),
            rng.uniform(-6.0, -3.0, len(HYPER[posterior.family])),
            0.5 * rng.standard_normal(posterior.logits * posterior.n),
        ]
    )


def sample(
    posterior: PartyPosterior,
    centring: PartyCentring,
    settings: PartySettings,
    rng: np.random.Generator,
    progress: Progress | None = None,
) -> tuple[np.ndarray, np.ndarray, xr.Dataset]:
    """Sample the posterior.

    Parameters
    ----------
    posterior, centring, settings
        The density, its coordinates, and settings that leave nothing open (`suited`).
    rng
        Where the seeds of all chains come from.
    progress
        Called a few times a second.

    Returns
    -------
    theta, eta
        Shapes (chains, draws, h) and (chains, draws, K, n).
    statistics
        nutpie's sample statistics, dims (chain, draw).
    """
    # The first seeds the starting points, the second the chains.
    seeds = rng.integers(0, 2**63, size=2)
    start = partial(_start, posterior, int(seeds[0]))
    plans = [
        Plan(
            model=native_model(posterior.arrays, centring.each, posterior.n_dim, start),
            draws=settings.draws,
            tune=cast(int, settings.tune),
            seed=int(np.random.SeedSequence([int(seeds[1]), chain]).generate_state(1)[0]),
            target_accept=cast(float, settings.target_accept),
        )
        for chain in range(settings.chains)
    ]
    return _arrange(centring, run_chains(plans, settings.parallel, progress))


def _start(posterior: PartyPosterior, key: int, seed: int) -> np.ndarray:
    return starting_point(posterior, np.random.default_rng([key, seed]))


def _arrange(centring: PartyCentring, chains: Sequence[Draws]) -> tuple[np.ndarray, np.ndarray, xr.Dataset]:
    statistics = xr.Dataset(
        {name: (("chain", "draw"), np.stack([one.statistics[name] for one in chains])) for name in STATISTICS}
    )
    theta = np.stack([centring.theta(one.point) for one in chains])
    eta = np.stack([centring.eta(one.point, own) for one, own in zip(chains, theta, strict=True)])
    return theta, eta, statistics
