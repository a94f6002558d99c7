r"""Log likelihoods and predicted votes of a fit: computed from its draws of eta when they are asked for.

Each has a value for every draw and district, as eta has: a thousand draws of 35,000 districts are 140 MB. Who
looks at the coefficients needs neither, and a file is written one variable after the other, so they are kept
nowhere: what is asked for is computed, block of draws by block of draws. Predictions come from seeds that
belong to the fit, one for each block, so that asking again gives the same votes. ``Dataset.load()`` keeps
them where they are needed often.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from xarray.backends import BackendArray
from xarray.core import indexing

from spatialvote.models.families import FAMILIES
from spatialvote.models.outcome import DENOMINATORS
from spatialvote.models.posterior import Posterior

#: Draws are computed in so many blocks at least, each with a random generator of its own, on as many threads
#: as there are cores: the same seed gives the same predictions on any machine.
_BLOCKS = 16
#: Values of a draw and district that are computed together at most, because each passes through several
#: arrays in double precision.
VALUES = 500_000

#: From predictors (k, n), the dispersions of these draws and the block's generator to values (k, n).
Compute = Callable[[np.ndarray, np.ndarray | float, np.random.Generator], np.ndarray]


class Derived(BackendArray):
    """An array (chain, draw, district) that is computed when it is indexed; xarray's adapters do the rest.

    Parameters
    ----------
    eta
        Linear predictors, shape (chain, draw, n).
    dispersion
        The family's dispersion of each draw, shape (chain, draw); 0 for a family without one.
    dtype
        Type of the values.
    compute
        What they are.
    seeds
        One for each block of draws.
    """

    def __init__(
        self,
        eta: np.ndarray,
        dispersion: np.ndarray | float,
        dtype: type[np.number],
        compute: Compute,
        seeds: list[np.random.SeedSequence],
    ) -> None:
        self.shape, self.dtype = eta.shape, np.dtype(dtype)
        self._eta, self._dispersion = eta, dispersion
        self._compute, self._seeds = compute, seeds

    def __getitem__(self, key: indexing.ExplicitIndexer) -> np.ndarray:
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.BASIC, self._values_at
        )

    def _values_at(self, key: tuple[int | slice, ...]) -> np.ndarray:
        """Values at a whole number or a slice of each dimension."""
        chains, draws, n = self.shape
        wanted = np.arange(chains * draws).reshape(chains, draws)[key[:2]]
        values = np.empty((wanted.size, *np.empty(n)[key[2]].shape), dtype=self.dtype)
        eta = self._eta.reshape(-1, n)
        own = np.ndim(self._dispersion) > 0
        dispersion = np.broadcast_to(self._dispersion, (chains, draws)).ravel()
        blocks = np.array_split(np.arange(chains * draws), len(self._seeds))

        def fill(block: int) -> None:
            rows = blocks[block]
            here = np.flatnonzero((wanted.ravel() >= rows[0]) & (wanted.ravel() <= rows[-1]))
            if here.size:
                # All of the block, because its predictions are one stream of random numbers.
                computed = self._compute(
                    eta[rows[0] : rows[-1] + 1].astype(np.float64),
                    dispersion[rows] if own else 0.0,
                    np.random.default_rng(self._seeds[block]),
                )
                values[here] = computed[wanted.ravel()[here] - rows[0], key[2]]

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(fill, range(len(blocks))))
        return values.reshape((*wanted.shape, *values.shape[1:]))


def derive(
    posterior: Posterior, eta: np.ndarray, dispersion: np.ndarray | float, rng: np.random.Generator
) -> tuple[indexing.LazilyIndexedArray, indexing.LazilyIndexedArray]:
    """Log likelihoods and predicted votes of draws, both (chain, draw, n), to be computed when needed.

    Parameters
    ----------
    posterior
        What was fitted.
    eta, dispersion
        As in `Derived`.
    rng
        Where the seeds of the predictions come from.
    """
    family = FAMILIES[posterior.family]
    chains, draws, _ = eta.shape
    count = min(chains * draws, max(_BLOCKS, -(-eta.size // VALUES)))
    seeds = rng.bit_generator.seed_seq.spawn(count)  # pyright: ignore[reportAttributeAccessIssue]

    def log_likelihood(eta: np.ndarray, dispersion: np.ndarray | float, _: np.random.Generator) -> np.ndarray:
        return family.log_likelihood(eta, posterior.votes, posterior.size, dispersion)

    def predicted(eta: np.ndarray, dispersion: np.ndarray | float, rng: np.random.Generator) -> np.ndarray:
        return draw_votes(posterior, eta, dispersion, rng)

    parts = (
        Derived(eta, dispersion, np.float32, log_likelihood, seeds),
        Derived(eta, dispersion, type_of_votes(posterior, eta), predicted, seeds),
    )
    return indexing.LazilyIndexedArray(parts[0]), indexing.LazilyIndexedArray(parts[1])


def draw_votes(
    posterior: Posterior, eta: np.ndarray, dispersion: np.ndarray | float, rng: np.random.Generator
) -> np.ndarray:
    """Votes, counts or logits of shares drawn at linear predictors (..., n)."""
    counted = DENOMINATORS.get(posterior.family) == "valid"
    size = posterior.size.astype(np.int64) if counted else posterior.size
    return FAMILIES[posterior.family].draw(rng, eta, size, dispersion)


def type_of_votes(posterior: Posterior, eta: np.ndarray) -> type[np.number]:
    """Type that holds every vote drawn at eta: 32 bits for all electorates, and where counts allow it."""
    if posterior.family == "gaussian":
        return np.float32
    if DENOMINATORS.get(posterior.family) == "valid":
        return np.int32 if posterior.size.max() < 2**31 else np.int64
    # A Poisson count above 2^31 is impossible where no mean exceeds a thousand million.
    largest = np.log(posterior.size.max()) + float(eta.max())
    return np.int32 if largest < np.log(1e9) else np.int64
