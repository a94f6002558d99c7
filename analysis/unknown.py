r"""Values of covariates that were not published, as a fit finds them, and what they cost its coefficients.

By the law of total variance, with x the unknown values,

    Var(b) = E[Var(b | x)] + Var(E[b | x]),

and the second term is what is uncertain of a coefficient b because x is. E[b | x] is taken as linear in x,
which it is where both are jointly normal, so the share Var(E[b | x]) / Var(b) is R^2 of the regression of the
draws of b on those of x, adjusted for the number of values by the effective number of draws.
"""

import numpy as np
import pandas as pd
from arviz_stats.base.array import array_stats

from spatialvote.models.fit import Fit

#: Effective draws that each unknown value needs, so that the share means anything.
_PER_VALUE = 5


def unknown_table(fit: Fit) -> pd.DataFrame:
    """Unknown values before and after the votes were seen.

    Returns
    -------
    DataFrame
        One row for each value, indexed by ``column[id]``: ``column``, ``district``; ``mean``, ``sd``, ``low``
        and ``high`` (95 %) of the posterior; the same with ``prior_`` before the name of what the covariates
        alone say. In the column's unit. Empty where everything is known.
    """
    if not fit.unknown:
        return pd.DataFrame()
    posterior = fit.tree["posterior"]
    columns = posterior.coords["uncertain"].to_numpy()
    ids = posterior.coords["district"].to_numpy()
    table = pd.DataFrame(
        {
            "column": columns[fit.constant("unknown_covariate")].astype(str),
            "district": ids[fit.constant("unknown_district")].astype(str),
        },
        index=pd.Index(fit.unknown, name="value"),
    )
    alone = fit.tree["covariates"]["unknown"].to_numpy()[0]
    for prefix, draws in (("", fit.draws("unknown")), ("prior_", alone)):
        low, high = np.quantile(draws, [0.025, 0.975], axis=0)
        told = {"mean": draws.mean(axis=0), "sd": draws.std(axis=0), "low": low, "high": high}
        table = table.assign(**{prefix + name: one for name, one in told.items()})
    return table


def share_of_uncertainty(fit: Fit) -> pd.Series:
    """Share of each coefficient's posterior variance that comes from unknown values; see the module.

    Returns
    -------
    Series
        Indexed by coefficient, between 0 and 1; NaN where the draws are too few for so many values.
    """
    x, names = fit.draws("unknown"), fit.coefficients
    sizes = fit.tree["posterior"].sizes
    centred = x - x.mean(axis=0)
    shares = []
    for b in fit.draws("beta").T:
        effective = float(np.asarray(array_stats.ess(b.reshape(sizes["chain"], sizes["draw"]))))
        effective = min(effective, float(len(b)))
        if effective < _PER_VALUE * x.shape[1] + 2:
            shares.append(np.nan)
            continue
        deviation = b - b.mean()
        weights = np.linalg.lstsq(centred, deviation)[0]
        left = float(((deviation - centred @ weights) ** 2).sum() / (deviation**2).sum())
        shares.append(max(0.0, 1 - left * (effective - 1) / (effective - x.shape[1] - 1)))
    return pd.Series(shares, index=pd.Index(names, name="coefficient"))
