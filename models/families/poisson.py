r"""Counts with a known exposure: y_i ~ Poisson(E_i exp(eta_i)); eta is a log relative rate."""

import numpy as np
from scipy.special import gammaln, xlogy

from spatialvote.models.compiled import compiled

NAME = "poisson"
CODE = 1
LINK = "log"
HYPER: tuple[str, ...] = ()


def log_likelihood(
    eta: np.ndarray, votes: np.ndarray, size: np.ndarray, dispersion: np.ndarray | float = 0.0
) -> np.ndarray:
    """log p(y_i | eta_i) of each district; eta (..., n), counts and exposure (n,)."""
    return votes * eta + xlogy(votes, size) - size * np.exp(eta) - gammaln(votes + 1)


def mean(eta: np.ndarray) -> np.ndarray:
    """Relative rate, counts per unit of exposure."""
    return np.exp(eta)


def draw(
    rng: np.random.Generator, eta: np.ndarray, size: np.ndarray, dispersion: np.ndarray | float = 0.0
) -> np.ndarray:
    """Counts drawn at eta (..., n), int64; a mean beyond 1e15 (a wild prior draw) is cut there."""
    return rng.poisson(np.minimum(size * np.exp(np.minimum(eta, 50.0)), 1e15))


def crude(votes: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Empirical log rate with half a count added, finite also for zero counts; 0 without exposure."""
    return np.log(votes + 0.5) - np.log(np.where(size > 0, size, 0.5))


def overall(votes: np.ndarray, size: np.ndarray) -> float:
    """Log of the overall rate."""
    return float(np.log(votes.sum()) - np.log(size.sum()))


def score(
    eta: np.ndarray, votes: np.ndarray, size: np.ndarray, dispersion: np.ndarray | float = 0.0
) -> np.ndarray:
    """d log p / d eta_i: y_i - E_i exp(eta_i)."""
    return votes - size * np.exp(eta)


def information(eta: np.ndarray, size: np.ndarray, dispersion: np.ndarray | float = 0.0) -> np.ndarray:
    """Fisher information of eta_i: the mean count E_i exp(eta_i)."""
    return size * np.exp(eta)


@compiled()
def add_gradient(eta, votes, size, dispersion, gradient):
    """Add d log p / d eta_i = y_i - E_i exp(eta_i) to gradient (n,); return log p up to a constant, and 0."""
    total = 0.0
    for i in range(eta.size):
        expected = size[i] * np.exp(eta[i])
        total += votes[i] * eta[i] - expected
        gradient[i] += votes[i] - expected
    return total, 0.0


@compiled()
def derivatives(eta, vote, size, dispersion):
    """log p of one district, up to the constant of `add_gradient`, and three derivatives in eta."""
    expected = size * np.exp(eta)
    return vote * eta - expected, vote - expected, -expected, -expected
