r"""Shares without counts, Gaussian on the logit scale: logit(s_i) ~ Normal(eta_i, noise^2).

For tables that give shares only. Every district weighs the same, whatever its size, because its size is not
known: where counts are known, `binomial` and `beta_binomial` say more. In place of votes stands the logit of
the share, and the size is 1 where the party stood, else 0.
"""

import numpy as np
from scipy.special import expit

from spatialvote.models.compiled import compiled

NAME = "gaussian"
CODE = 3
LINK = "logit"
HYPER: tuple[str, ...] = ("noise",)

_HALF_LOG_TAU = 0.5 * np.log(2 * np.pi)


def log_likelihood(
    eta: np.ndarray, votes: np.ndarray, size: np.ndarray, dispersion: np.ndarray | float
) -> np.ndarray:
    """log density of the logit of each district's share; eta (..., n), logits and sizes (n,)."""
    noise = np.asarray(dispersion)[..., None]
    return size * (-0.5 * ((votes - eta) / noise) ** 2 - np.log(noise) - _HALF_LOG_TAU)


def mean(eta: np.ndarray) -> np.ndarray:
    """Vote share, 0..1, at the mean of its logit: the median of the shares that eta gives rise to."""
    return expit(eta)


def draw(
    rng: np.random.Generator, eta: np.ndarray, size: np.ndarray, dispersion: np.ndarray | float
) -> np.ndarray:
    """Logits of shares drawn at eta (..., n), float64; 0 where the size is 0."""
    noise = np.asarray(dispersion)[..., None]
    return np.where(size > 0, eta + noise * rng.standard_normal(np.shape(eta)), 0.0)


def crude(votes: np.ndarray, size: np.ndarray) -> np.ndarray:
    """The logit of the share itself."""
    return np.asarray(votes, dtype=np.float64)


def overall(votes: np.ndarray, size: np.ndarray) -> float:
    """Mean logit of the districts where the party stood."""
    return float(np.sum(votes * size) / np.sum(size))


def score(eta: np.ndarray, votes: np.ndarray, size: np.ndarray, dispersion: np.ndarray | float) -> np.ndarray:
    """d log p / d eta_i."""
    return size * (votes - eta) / np.asarray(dispersion)[..., None] ** 2


def information(eta: np.ndarray, size: np.ndarray, dispersion: np.ndarray | float) -> np.ndarray:
    """Fisher information of eta_i: 1 / noise^2."""
    return size / np.asarray(dispersion)[..., None] ** 2 * np.ones_like(eta)


@compiled()
def add_gradient(eta, votes, size, dispersion, gradient):
    """Add d log p / d eta_i to gradient (n,); return log p up to a constant, and its slope in the noise."""
    precision = 1.0 / (dispersion * dispersion)
    squares, stood = 0.0, 0.0
    for i in range(eta.size):
        residual = votes[i] - eta[i]
        squares += size[i] * residual * residual
        stood += size[i]
        gradient[i] += size[i] * residual * precision
    value = -0.5 * squares * precision - stood * np.log(dispersion)
    return value, (squares * precision - stood) / dispersion


@compiled()
def derivatives(eta, vote, size, dispersion):
    """log p of one district, up to the constant of `add_gradient`, and three derivatives in eta."""
    precision = size / (dispersion * dispersion)
    residual = vote - eta
    value = -0.5 * precision * residual * residual - size * np.log(dispersion)
    return value, precision * residual, -precision, 0.0
