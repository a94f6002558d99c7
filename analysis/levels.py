r"""The slope of a covariate in every level of a group, in a new level, and how far levels are pooled.

With ``x + (1 + x | city)`` the slope in city g is beta + v_g, v_g ~ Normal(0, sd^2). A new city of the same
kind has beta + Normal(0, sd^2), the draws of beta and sd of the posterior with it. Levels with few districts
are drawn to the pooled slope beta: the **pooling** of level g is

    Var(v_g | votes) / E(sd^2 | votes),

near 0 where its own districts decide and near 1 where they say nothing, and over all levels
1 - Var_g(E v_g) / E Var_g(v_g) (Gelman and Pardoe 2006). Levels are units of districts: that a city's slope
differs does not say that its inhabitants do.

Gelman, A., Pardoe, I. (2006). Bayesian measures of explained variance and pooling in multilevel
(hierarchical) models. Technometrics 48.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from spatialvote.data.errors import ModelError, Problem, name_some
from spatialvote.data.roles import SHARE_UNITS
from spatialvote.models.correlated import SD
from spatialvote.models.fit import Fit
from spatialvote.models.groups import Effect


@dataclass(frozen=True, eq=False)
class LevelSlopes:
    """Slopes of one covariate by level, in logits (log rates for counts) per `step` of the covariate.

    Attributes
    ----------
    covariate, group
        Whose slopes, and of what the levels are.
    step
        What the covariate moves by, in its own unit: ten points of a share, else one standard deviation.
    step_words
        The same in words.
    table
        Index: levels, from the lowest mean. Columns: ``mean``, ``sd``, ``low``, ``high`` (95 %,
        equal-tailed), ``probability_positive``, ``districts`` and ``pooling``.
    pooled, new
        Draws of the pooled slope, and of the slope in a level that was not seen, shape (samples,).
    spread
        Draws of the standard deviation of slopes between levels, shape (samples,).
    pooling
        Over all levels.
    """

    covariate: str
    group: str
    step: float
    step_words: str
    table: pd.DataFrame
    pooled: np.ndarray
    new: np.ndarray
    spread: np.ndarray
    pooling: float

    def __repr__(self) -> str:
        low, high = np.quantile(self.pooled, [0.025, 0.975])
        new_low, new_high = np.quantile(self.new, [0.025, 0.975])
        return (
            f"LevelSlopes({self.covariate} in {len(self.table)} levels of {self.group}, per "
            f"{self.step_words}: pooled {self.pooled.mean():+.3g}, 95 % {low:+.3g} to {high:+.3g}; new level "
            f"{new_low:+.3g} to {new_high:+.3g})"
        )


def slopes_by_level(
    fit: Fit, covariate: str | None = None, group: str | None = None, *, seed: int = 1
) -> LevelSlopes:
    """The slope of a covariate in every level of a group.

    Parameters
    ----------
    fit
        A fit with a term such as ``(1 + covariate | group)``.
    covariate, group
        Which; None where the formula has one only. A group of nested levels is named ``country:city``; its
        slopes have those of the levels that they lie in within them.
    seed
        Of the slope in a new level.

    Returns
    -------
    LevelSlopes

    Raises
    ------
    ModelError
        For a covariate or a group without varying slopes, or where several could be meant.

    Examples
    --------
    >>> import spatialvote
    >>> city = spatialvote.simulate_city(seed=1, n_districts=40)
    >>> formula = "national_list ~ migrant_share + (1 + migrant_share | quarter)"
    >>> fit = spatialvote.VoteShareModel(formula).fit(
    ...     city.districts, "laplace", seed=1, draws=100, progress=False
    ... )
    >>> slopes_by_level(fit).table.index.name
    'quarter'
    """
    effect = _asked(fit, covariate, group)
    step, words = slope_step(fit, effect.covariate)
    k = fit.coefficients.index(effect.covariate)
    factor = step / float(fit.constant("scale")[k])
    pooled = fit.draws("beta")[:, k]
    own = fit.draws(f"effect_{effect.name}")
    index = fit.constant(f"index_{effect.name}")
    slope = pooled[:, None] + own
    spread_square = fit.draws(SD + effect.name) ** 2
    total_square = spread_square.copy()
    # Slopes of the levels that these levels lie in belong to them, too.
    for other in fit.effects:
        if other.covariate != effect.covariate or other.name == effect.name:
            continue
        above = pd.Series(fit.constant(f"index_{other.name}")).groupby(index)
        if (above.nunique() == 1).all():
            slope = slope + fit.draws(f"effect_{other.name}")[:, above.first().to_numpy()]
            total_square = total_square + fit.draws(SD + other.name) ** 2
    low, high = np.quantile(factor * slope, [0.025, 0.975], axis=0)
    levels = fit.tree["posterior"].coords[f"level_{effect.name}"].to_numpy().astype(str)
    table = pd.DataFrame(
        {
            "mean": factor * slope.mean(axis=0),
            "sd": factor * slope.std(axis=0, ddof=1),
            "low": low,
            "high": high,
            "probability_positive": (slope > 0).mean(axis=0),
            "districts": np.bincount(index, minlength=len(levels)),
            # Above 1 only by Monte Carlo error.
            "pooling": np.minimum(own.var(axis=0) / spread_square.mean(), 1.0),
        },
        index=pd.Index(levels, name=effect.group),
    )
    noise = np.random.default_rng(seed).standard_normal(len(pooled))
    return LevelSlopes(
        effect.covariate,
        effect.group,
        step,
        words,
        table.sort_values("mean", kind="stable"),
        factor * pooled,
        factor * (pooled + np.sqrt(total_square) * noise),
        factor * np.sqrt(spread_square),
        float(1 - own.mean(axis=0).var() / own.var(axis=1).mean()),
    )


def varying_slopes(fit: Fit) -> tuple[Effect, ...]:
    """The slopes that vary between levels, in the formula's order."""
    return tuple(one for one in fit.effects if one.covariate)


def _asked(fit: Fit, covariate: str | None, group: str | None) -> Effect:
    slopes = varying_slopes(fit)
    fitting = [one for one in slopes if covariate in (None, one.covariate) and group in (None, one.group)]
    if len(fitting) == 1:
        return fitting[0]
    there = name_some([one.name for one in slopes], limit=12)
    asked = "" if covariate is None else f" of '{covariate}'"
    asked += "" if group is None else f" between levels of '{group}'"
    if not fitting:
        raise ModelError(
            Problem(
                f"formula '{fit.model.formula}' has no slope{asked} that varies between levels",
                f"use one of {there}" if slopes else "write a term such as '(1 + covariate | group)'",
            )
        )
    raise ModelError(
        Problem(f"several slopes{asked} vary between levels", f"name covariate and group of one of {there}")
    )


def slope_step(fit: Fit, covariate: str) -> tuple[float, str]:
    """Ten points of a share, or one standard deviation, in the column's unit; and its words."""
    unit = fit.record["roles"]["units"].get(covariate, "")
    if unit in SHARE_UNITS:
        return SHARE_UNITS[unit] / 10, "10 percentage points"
    spread = float(fit.constant("design")[:, fit.coefficients.index(covariate)].std())
    return spread, f"standard deviation ({spread:.3g} {unit}".rstrip() + ")"
