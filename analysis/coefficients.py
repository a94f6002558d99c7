r"""Tables of what was estimated: coefficients on both scales, hyperparameters, and the spatial part.

The model estimates coefficients b on standardised columns, x_std = (x - center) / scale. On the original
scale the slope is b / scale, per unit of the column, and the intercept, at zero of every column,

    intercept_original = intercept - sum_k b_k center_k / scale_k.

The intercept on the standardised scale is the linear predictor of a district with average covariates.
"""

import numpy as np
import pandas as pd

from spatialvote.analysis.checks.convergence import diagnose
from spatialvote.data.errors import ModelError, Problem
from spatialvote.models.fit import Fit
from spatialvote.models.structures import STRUCTURES


def coefficients(fit: Fit) -> pd.DataFrame:
    """Intercept and coefficients, on the standardised and on the original scale.

    Returns
    -------
    DataFrame
        Index: "intercept", then the design's columns. Columns: ``mean``, ``sd``, ``low``, ``high`` (95 %,
        equal-tailed) and ``probability_positive`` on standardised columns, in logits (log rates for
        counts); the same first four with the ending ``_original`` per unit of the column; ``unit`` of the
        column where it is known, else empty; ``r_hat``, ``ess_bulk``, ``ess_tail``, which fits of the
        Laplace engine do not have.
    """
    intercept, beta = fit.draws("intercept"), fit.draws("beta")
    slope = beta / fit.constant("scale")
    at_zero = intercept - slope @ fit.constant("center")
    table = _summary(np.column_stack([intercept, beta]))
    original = _summary(np.column_stack([at_zero, slope]))
    for name in ("mean", "sd", "low", "high"):
        table[f"{name}_original"] = original[name]
    units = fit.record["roles"]["units"]
    table["unit"] = ["", *(str(units.get(name, "")) for name in fit.coefficients)]
    for name, values in _diagnosed(fit, ("intercept", "beta")).items():
        table[name] = list(values.values())
    table.index = pd.Index(["intercept", *fit.coefficients], name="coefficient")
    return table


def hyperparameters(fit: Fit) -> pd.DataFrame:
    """What the model estimates besides coefficients and effects.

    Returns
    -------
    DataFrame
        Index: those of sigma and rho that the structure has, the family's overdispersion or noise, and
        ``sd_<group>`` of each group. Columns: ``mean``, ``sd``, ``low``, ``high`` (95 %, equal-tailed),
        ``r_hat``, ``ess_bulk``, ``ess_tail``, the last three not for fits of the Laplace engine.
    """
    names = fit.hyperparameters
    diagnostics = () if fit.engine == "laplace" else ("r_hat", "ess_bulk", "ess_tail")
    index = pd.Index(names, name="hyperparameter", dtype="str")
    if not names:
        return pd.DataFrame(columns=["mean", "sd", "low", "high", *diagnostics], index=index, dtype=float)
    table = _summary(np.column_stack([fit.draws(name) for name in names]))
    table = table.drop(columns="probability_positive").set_axis(index)
    for name, values in _diagnosed(fit, names).items():
        table[name] = list(values.values())
    return table


def _diagnosed(fit: Fit, variables: tuple[str, ...]) -> dict[str, dict[str, float]]:
    """R-hat and effective sample sizes of chains; draws of the Laplace engine are independent."""
    return {} if fit.engine == "laplace" else diagnose(fit, variables)


def group_effects(fit: Fit, group: str) -> pd.DataFrame:
    """Effects of the levels of a group, largest first.

    Parameters
    ----------
    fit
        A fit whose formula has a term ``(1 | group)``.
    group
        The column.

    Returns
    -------
    DataFrame
        Index: the levels. Columns: ``mean``, ``sd``, ``low``, ``high`` (95 %, equal-tailed) and
        ``probability_positive``, in logits (log rates for counts), and ``districts``, how many a level has.

    Raises
    ------
    ModelError
        For a column that is no group of the fit.
    """
    if group not in fit.groups:
        raise ModelError(
            Problem(
                f"'{group}' is no group of this fit",
                f"its formula is '{fit.model.formula}'; a group is written '(1 | column)'",
            )
        )
    table = _summary(fit.draws(f"effect_{group}"))
    levels = fit.tree["posterior"].coords[f"level_{group}"].to_numpy()
    table["districts"] = np.bincount(fit.constant(f"index_{group}"), minlength=len(levels))
    table.index = pd.Index(levels.astype(str), name=group)
    return table.sort_values("mean", ascending=False, kind="stable")


def spatial_fraction(fit: Fit) -> np.ndarray:
    """Share of the district effects' variance, over these districts, that is spatially structured.

    At each draw var(s) / (var(s) + var(u)), where s = sigma sqrt(rho) phi and u = eta - mu - s, shape
    (samples,). It describes these districts; rho describes the distribution that they come from.

    Raises
    ------
    ModelError
        For a structure without a structured part, or with nothing else.
    """
    if fit.model.structure != "bym2":
        whole = "rho" in STRUCTURES[fit.model.structure]
        raise ModelError(
            Problem(
                f"structure '{fit.model.structure}' has no "
                + ("part that is not spatial" if whole else "spatially structured part"),
                "fit structure 'bym2' to ask for its share",
            )
        )
    structured = (fit.draws("sigma") * np.sqrt(fit.draws("rho")))[:, None] * fit.draws("phi")
    rest = fit.draws("eta") - fit.fixed_part() - structured
    variance = structured.var(axis=1)
    return variance / (variance + rest.var(axis=1))


def _summary(draws: np.ndarray) -> pd.DataFrame:
    """Mean, sd, 95 % interval and probability of being positive of each column of draws (samples, k)."""
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    return pd.DataFrame(
        {
            "mean": draws.mean(axis=0),
            "sd": draws.std(axis=0, ddof=1),
            "low": low,
            "high": high,
            "probability_positive": (draws > 0).mean(axis=0),
        }
    )
