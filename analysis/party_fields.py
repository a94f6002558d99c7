r"""Do the parties' district effects go together? Correlations that do not depend on the baseline.

The model has correlations C of the logits against the rest; another baseline gives other numbers. Two scales
do not depend on it:

- **share**: the logit of a party's own share, l_ik = log p_ik / (1 - p_ik), as a model of that party alone
  has it. Its effect is l_ik at eta_i less l_ik at the fixed part alone (covariates at work, no district
  effects); the correlation is that of these effects over the districts of the map, draw by draw, where both
  parties stood. It is a statement about these districts.
- **clr**: log shares centred over all K + 1 categories (Aitchison 1986), whose covariance is T A A' T' with
  T = [I; 0'] - 11' / (K + 1). It is a statement about the distribution that fields come from. Centred log
  shares sum to zero, which alone pushes their correlations below zero, the more the fewer categories there
  are: with two parties and the rest it says little.

Both are given of the whole fields and, where fields have one, of the structured part.

Aitchison, J. (1986). The Statistical Analysis of Compositional Data. Chapman & Hall.
"""

from itertools import combinations

import numpy as np
import pandas as pd

from spatialvote.models.parties.fit import PartySharesFit
from spatialvote.models.parties.likelihood import shares

_BLOCK = 200


def field_correlations(fit: PartySharesFit) -> pd.DataFrame:
    """Correlation of every pair of categories with a logit, on every scale.

    Returns
    -------
    DataFrame
        Rows by ``first``, ``second``, ``scale`` ("share", "clr", "against the rest") and ``part`` ("whole",
        "structured"); columns mean, low, high (95 % interval) and ``probability_positive``.
    """
    names = fit.logits
    scales = {("share", "whole"): _of_shares(fit, "whole"), ("clr", "whole"): _of_clr(fit, structured=False)}
    if fit.has_structure:
        scales[("share", "structured")] = _of_shares(fit, "structured")
        scales[("clr", "structured")] = _of_clr(fit, structured=True)
    scales[("against the rest", "whole")] = fit.draws("correlation")
    rows = []
    for i, j in combinations(range(len(names)), 2):
        for (scale, part), draws in scales.items():
            one = draws[:, i, j]
            low, high = np.quantile(one, [0.025, 0.975])
            rows.append((names[i], names[j], scale, part, one.mean(), low, high, (one > 0).mean()))
    columns = ["first", "second", "scale", "part", "mean", "low", "high", "probability_positive"]
    return pd.DataFrame(rows, columns=columns).set_index(["first", "second", "scale", "part"])


def effects_on_shares(fit: PartySharesFit, at: np.ndarray | slice, part: str = "whole") -> np.ndarray:
    """Effect of each district on the logit of each category's own share, shape (draws, n, K).

    Parameters
    ----------
    at
        Positions over the joined chains.
    part
        ``whole``: of the whole field; ``structured``: of its structured part alone.
    """
    base = fit.fixed_part(at)
    moved = fit.draws("eta", at) if part == "whole" else base + fit.draws("structured", at)
    everywhere = np.ones(fit.stood.shape, dtype=bool)
    with_field, without = shares(moved, everywhere)[..., :-1], shares(base, everywhere)[..., :-1]
    return _logit(with_field) - _logit(without)


def _logit(p: np.ndarray) -> np.ndarray:
    return np.log(p) - np.log1p(-p)


def _of_shares(fit: PartySharesFit, part: str) -> np.ndarray:
    samples, k = len(fit.draws("sigma")), len(fit.logits)
    stood, found = fit.stood, np.full((samples, k, k), np.nan)
    for start in range(0, samples, _BLOCK):
        here = slice(start, start + _BLOCK)
        effects = effects_on_shares(fit, here, part)
        for i, j in combinations(range(k), 2):
            both = stood[:, i] & stood[:, j]
            a, b = (effects[:, both, one] for one in (i, j))
            a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
            scale = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
            found[here, i, j] = found[here, j, i] = (a * b).sum(axis=1) / scale
    return found


def _of_clr(fit: PartySharesFit, *, structured: bool) -> np.ndarray:
    """Correlations of the centred log shares' fields, shape (draws, K, K)."""
    sigma, correlation = fit.draws("sigma"), fit.draws("correlation")
    k = sigma.shape[1]
    mixing = sigma[:, :, None] * np.linalg.cholesky(correlation)
    if structured:
        rho = fit.draws("rho")
        mixing = mixing * np.sqrt(rho[:, None, None] if rho.ndim == 1 else rho[:, None, :])
    transform = np.vstack([np.eye(k), np.zeros(k)]) - 1 / (k + 1)
    moved = (transform @ mixing)[:, :k]
    covariance = moved @ np.swapaxes(moved, 1, 2)
    sd = np.sqrt(np.einsum("skk->sk", covariance))
    return covariance / (sd[:, :, None] * sd[:, None, :])
