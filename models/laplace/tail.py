r"""How heavy the tail of importance weights is, and how much of their sum it may hide.

k-hat is the shape of a generalised Pareto distribution of the largest weights (Vehtari et al. 2024), and a
shape does not know its scale. Where nearly all weights are alike and a few points of the fringe weigh a tenth
more, the excesses over the rest span orders of magnitude: their k-hat is 0.7, 1 or more, although they hold a
thousandth of the sum and nothing could come of them. With 128 points it is estimated from 34 of them besides,
with a standard error of about (1 + k) / sqrt(34) = 0.3.

What matters of a tail is what it may hold that no point has shown. Of S weights let the M largest exceed a
threshold u by z, with P(excess > z) = (1 + k z / s)^(-1 / k), so that a fraction p of them exceeds

    z(p) = s (p^-k - 1) / k.

M points reach about p = 1 / M. The weight above that level, up to the largest of R times as many points, is
the **hidden part**

    H = M / sum w  *  integral from 1 / (R M) to 1 / M of [ z(p) - z(1 / M) ] dp,

which for k < 1 and any R is at most (s M^k / sum w) / (1 - k), and for k >= 1 grows with R: R = 100. If
weights above that level were cut off, no probability would move by more than H. Even weights have H near
1e-4, those of a proposal so narrow that k is 0.7 or 0.8 have 0.03 to 0.07 in the median. Where k-hat is well
above one H extrapolates it a hundredfold, and errs on the side of caution.

References
----------
Vehtari, A., Simpson, D., Gelman, A., Yao, Y., Gabry, J. (2024). Pareto smoothed importance sampling. JMLR 25.
"""

import numpy as np
from arviz_stats.base import array_stats

#: Log weights within this range are taken as alike.
_ALIKE = 0.1
#: Times as many points as there are, whose largest weight is looked for.
_REACH = 100.0


def smooth(log_weight: np.ndarray) -> tuple[np.ndarray, float]:
    """Pareto-smoothed log weights and k-hat; weights that are all equal need no smoothing."""
    finite = np.isfinite(log_weight)
    if not finite.any():
        raise ArithmeticError("no point of the hyperparameters has a Gaussian approximation")
    # Weights within ten per cent of each other lose less than 0.3 % of their effective number, whatever the
    # shape of their tail: where nothing is approximated (Gaussian logits) they differ by rounding alone, with
    # thousands of votes a district by little more.
    if np.ptp(log_weight[finite]) < _ALIKE:
        return log_weight - log_weight[finite].max(), 0.0
    # ArviZ takes log likelihoods, whose negatives are the log weights of leave-one-out.
    smoothed, k_hat = array_stats.psislw(-np.where(finite, log_weight, log_weight[finite].min() - 50.0))
    return smoothed, float(k_hat)


def hidden_part(log_weight: np.ndarray, k: float) -> float:
    """H of weights, given their k-hat: the part of their sum that their tail may hide; NaN where it is
    unknown.

    Examples
    --------
    Of weights that are Pareto distributed with k = 0.8 a good part is not seen by 500 points:

    >>> quantiles = (np.arange(500) + 0.5) / 500
    >>> hidden_part(-0.8 * np.log(quantiles), 0.8) > 0.05
    True
    >>> hidden_part(0.01 * np.sin(np.arange(500)), 0.8) < 1e-3
    True
    """
    size = len(log_weight)
    # As many as the fit of k-hat takes.
    tail = int(np.ceil(min(0.2 * size, 3 * np.sqrt(size))))
    weight = np.exp(log_weight - log_weight.max())
    if not np.isfinite(k) or tail < 5:
        return float("nan")
    if abs(k) < 1e-6:
        k = 1e-6
    ordered = np.sort(weight)[-tail - 1 :]
    # The scale from mean and k is that of the excesses' median, which a single large weight does not move.
    scale = np.median(ordered[1:] - ordered[0]) * k / (2.0**k - 1.0)
    first = 1.0 / tail
    last = first / _REACH

    def below(p: float) -> float:
        """Integral of p^-k from 0, where it exists, else from 1."""
        return np.log(p) if abs(1.0 - k) < 1e-6 else p ** (1.0 - k) / (1.0 - k)

    above = below(first) - below(last) - first**-k * (first - last)
    return float(tail * scale / k * above / weight.sum())
