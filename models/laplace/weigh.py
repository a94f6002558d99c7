"""Weights of the draws: smoothed, judged by k-hat, and resampled to equal ones."""

from typing import Any

import numpy as np
from scipy.special import logsumexp

from spatialvote.models.laplace.tail import hidden_part, smooth

#: The k-hat of points does not count where so many of them are effective and their tail hides no more.
_EVEN, _HIDDEN = 0.85, 0.01
#: Draws that together weigh less than this, with and without their ratio, say nothing about ratios, as long
#: as so many are left that do.
_IDLE, _FEWEST = 0.01, 100


def weigh(
    log_point: np.ndarray, log_ratio: np.ndarray, point: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, dict[str, Any]]:
    """Smooth the weights and resample.

    A weight is that of a point of the hyperparameters, shared by its draws, times that of a draw at the
    point. Each part is smoothed by itself: draws that share a point are no independent sample of its weight,
    and Pareto smoothing wants one.

    Returns
    -------
    ancestor
        For each place the draw that takes it, shape (draws,); a draw that survives keeps its own place.
    report
        ``k_hat_points`` and ``k_hat_draws``; ``hidden``, the part of the points' weight that their tail may
        hide; ``points_even``, whether by that and their effective number the points are even, whatever shape
        their tail has; ``k_hat``, the larger of both, or that of the draws where the points are even; and
        ``importance_ess``.
    """
    draws = len(log_ratio)
    smooth_point, k_point = smooth(log_point)
    shared = np.bincount(point, minlength=len(log_point))
    of_point = smooth_point[point] - np.log(shared[point])
    # Points of the far tails have one draw each, whose ratio is that of a bad approximation which does not
    # matter: the shape of the ratios' tail would be theirs.
    counts = _counting(of_point, of_point + log_ratio)
    smooth_ratio, k_draw = smooth(log_ratio[counts])
    # Smoothing moves the largest and shifts the rest by a constant.
    log_weight = of_point + log_ratio + np.median(smooth_ratio - log_ratio[counts])
    log_weight[counts] = of_point[counts] + smooth_ratio
    weight = np.exp(log_weight - logsumexp(log_weight))
    # Systematic resampling: a draw of weight w is taken floor(draws w) or one more times.
    at = (rng.random() + np.arange(draws)) / draws
    taken = np.bincount(np.minimum(np.searchsorted(np.cumsum(weight), at), draws - 1), minlength=draws)
    ancestor = np.arange(draws)
    ancestor[taken == 0] = np.repeat(np.arange(draws), np.maximum(taken - 1, 0))
    even, hidden = judge(log_point, smooth_point, k_point)
    return ancestor, {
        # NaN, where k-hat could not be estimated, must not be lost.
        "k_hat": k_draw if even else float(np.maximum(k_point, k_draw)),
        "k_hat_points": k_point,
        "k_hat_draws": k_draw,
        "hidden": hidden,
        "points_even": even,
        "importance_ess": float(1 / (weight**2).sum()),
    }


def _counting(of_point: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """All draws but those that weigh least, with and without ratio, and no more than `_IDLE` together."""
    part = np.exp(np.maximum(of_point - logsumexp(of_point), whole - logsumexp(whole)))
    order = np.argsort(part)
    counts = np.ones(len(part), dtype=bool)
    counts[order[np.cumsum(part[order]) < _IDLE]] = False
    return counts if counts.sum() >= _FEWEST else np.ones_like(counts)


def judge(log_weight: np.ndarray, smoothed: np.ndarray, k_hat: float) -> tuple[bool, float]:
    """Whether weights are even whatever their k-hat, and the part of their sum that their tail may hide.

    For points of a proposal whose tails are defended (`proposals.Defended`): of any other, weights that are
    even where it has points say nothing about where it has none.
    """
    hidden = hidden_part(smoothed, k_hat)
    weight = np.exp(log_weight - log_weight.max())
    effective = weight.sum() ** 2 / (len(weight) * (weight**2).sum())
    return bool(effective >= _EVEN and hidden <= _HIDDEN), hidden


def allot(log_weight: np.ndarray, draws: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Which draws belong to each point, at random.

    Every point has one, so that its weight is not lost, and the others go to points in proportion to their
    weight, up to the mean weight: draws at a point of the far tails would share next to nothing, and more
    draws at a heavy point are no more points.
    """
    points = len(log_weight)
    part = np.minimum(np.exp(log_weight - logsumexp(log_weight)) * points, 1.0)
    ends = np.round(np.cumsum(part) / part.sum() * (draws - points)).astype(int)
    return np.split(rng.permutation(draws), ends[:-1] + np.arange(1, points))
