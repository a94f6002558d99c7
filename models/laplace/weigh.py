"""Weights of the draws: smoothed, judged by k-hat, and resampled to equal ones."""

from typing import Any

import numpy as np
from arviz_stats.base import array_stats
from scipy.special import logsumexp

#: Log weights within this range are taken as alike.
_ALIKE = 0.1


def weigh(
    log_point: np.ndarray, log_ratio: np.ndarray, point: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, dict[str, Any]]:
    """Smooth the weights and resample.

    A weight is that of a point of the hyperparameters times that of a draw at the point. Each part is
    smoothed by itself: draws that share a point are no independent sample of its weight, and Pareto smoothing
    wants one.

    Returns
    -------
    ancestor
        For each place the draw that takes it, shape (draws,); a draw that survives keeps its own place.
    report
        ``k_hat`` (the larger of both), ``k_hat_points``, ``k_hat_draws`` and ``importance_ess``.
    """
    draws = len(log_ratio)
    smooth_point, k_point = smooth(log_point)
    smooth_ratio, k_draw = smooth(log_ratio)
    log_weight = smooth_point[point] + smooth_ratio
    weight = np.exp(log_weight - logsumexp(log_weight))
    # Systematic resampling: a draw of weight w is taken floor(draws w) or one more times.
    at = (rng.random() + np.arange(draws)) / draws
    taken = np.bincount(np.minimum(np.searchsorted(np.cumsum(weight), at), draws - 1), minlength=draws)
    ancestor = np.arange(draws)
    ancestor[taken == 0] = np.repeat(np.arange(draws), np.maximum(taken - 1, 0))
    return ancestor, {
        # NaN, where k-hat could not be estimated, must not be lost.
        "k_hat": float(np.maximum(k_point, k_draw)),
        "k_hat_points": k_point,
        "k_hat_draws": k_draw,
        "importance_ess": float(1 / (weight**2).sum()),
    }


def smooth(log_weight: np.ndarray) -> tuple[np.ndarray, float]:
    """Pareto-smoothed log weights and k-hat; weights that are all equal need no smoothing."""
    finite = np.isfinite(log_weight)
    if not finite.any():
        raise ArithmeticError("no point of the hyperparameters has a Gaussian approximation")
    # The shape of a tail does not know its scale. Weights within ten per cent of each other lose less than
    # 0.3 % of their effective number, whatever that shape: where nothing is approximated (Gaussian logits)
    # they differ by rounding alone, with thousands of votes a district by little more.
    if np.ptp(log_weight[finite]) < _ALIKE:
        return log_weight - log_weight[finite].max(), 0.0
    # ArviZ takes log likelihoods, whose negatives are the log weights of leave-one-out.
    smoothed, k_hat = array_stats.psislw(-np.where(finite, log_weight, log_weight[finite].min() - 50.0))
    return smoothed, float(k_hat)
