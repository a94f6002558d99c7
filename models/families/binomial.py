r"""Votes out of valid votes: y_i ~ Binomial(N_i, logit^-1(eta_i))."""

import numpy as np
from scipy.special import expit, gammaln

from spatialvote.models.compiled import compiled

NAME = "binomial"
CODE = 0
#: What the linear predictor and its inverse are called in reports.
LINK = "logit"
#: Names of the family's own hyperparameters.
HYPER: tuple[str, ...] = ()


def log_likelihood(
    eta: np.ndarray, votes: np.ndarray, size: np.ndarray, dispersion: np.ndarray | float = 0.0
) -> np.ndarray:
    """log p(y_i | eta_i) of each district; eta (..., n), votes and valid votes (n,)."""
    choose = gammaln(size + 1) - gammaln(votes + 1) - gammaln(size - votes + 1)
    return choose + votes * eta - size * np.logaddexp(0, eta)


def mean(eta: np.ndarray) -> np.ndarray:
    """Vote share, 0..1."""
    return expit(eta)


def draw(
    rng: np.random.Generator, eta: np.ndarray, size: np.ndarray, dispersion: np.ndarray | float = 0.0
) -> np.ndarray:
    """Votes drawn at eta (..., n), int64."""
    return rng.binomial(size, expit(eta))


def crude(votes: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Empirical logit with half a vote added to each side, finite also for zero votes."""
    return np.log(votes + 0.5) - np.log(size - votes + 0.5)


def overall(votes: np.ndarray, size: np.ndarray) -> float:
    """Logit of the overall share."""
    return float(np.log(votes.sum()) - np.log((size - votes).sum()))


def score(
    eta: np.ndarray, votes: np.ndarray, size: np.ndarray, dispersion: np.ndarray | float = 0.0
) -> np.ndarray:
    """d log p / d eta_i: y_i - N_i p_i."""
    return votes - size * expit(eta)


def information(eta: np.ndarray, size: np.ndarray, dispersion: np.ndarray | float = 0.0) -> np.ndarray:
    """Fisher information of eta_i: N_i p_i (1 - p_i)."""
    share = expit(eta)
    return size * share * (1 - share)


@compiled()
def add_gradient(eta, votes, size, dispersion, gradient):
    """Add d log p / d eta_i = y_i - N_i p_i to gradient (n,); return log p up to a constant, and 0."""
    total = 0.0
    for i in range(eta.size):
        decay = np.exp(-abs(eta[i]))
        share = (1.0 if eta[i] >= 0 else decay) / (1.0 + decay)
        total += votes[i] * eta[i] - size[i] * (max(eta[i], 0.0) + np.log1p(decay))
        gradient[i] += votes[i] - size[i] * share
    return total, 0.0


@compiled()
def derivatives(eta, vote, size, dispersion):
    """log p of one district, up to the constant of `add_gradient`, and three derivatives in eta."""
    decay = np.exp(-abs(eta))
    share = (1.0 if eta >= 0 else decay) / (1.0 + decay)
    spread = decay / (1.0 + decay) ** 2
    # 1 - 2 p, from the side on which nothing cancels.
    skew = (1.0 - decay) / (1.0 + decay) * (-1.0 if eta >= 0 else 1.0)
    value = vote * eta - size * (max(eta, 0.0) + np.log1p(decay))
    return value, vote - size * share, -size * spread, -size * spread * skew
