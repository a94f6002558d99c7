r"""Moderators of a slope that vary between upper-level units alone: what few of them can tell.

A cross-level interaction ``x * policy + (1 + x | country)``, with ``policy`` the same in all districts of a
country, asks whether the slope of x is another where policy is. The districts say what the slope is in each
country; what goes with it is learnt from as many points as there are **countries**, however many districts.
Told beside the estimate are

- the number of units, and their effective number (sum w)^2 / sum w^2, with w_g = 1 - pooling of unit g: a
  unit whose own slope is hardly known counts little;
- the **prior's weight**, Var(interaction | votes) / Var(interaction) of the prior: near 1 the votes taught
  nothing, near 0 the prior has no say;
- whether the slope itself varies between the units: without ``(1 + x | country)`` districts of one country
  count as independent witnesses of its policy, and the interval is far too narrow.

Bryan, M. L., Jenkins, S. P. (2016). Multilevel modelling of country effects: a cautionary tale. European
Sociological Review 32.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from spatialvote.analysis.belonging import require_same_districts
from spatialvote.analysis.levels import slopes_by_level, varying_slopes
from spatialvote.data.districts import Districts
from spatialvote.data.errors import ModelError, Problem, name_some
from spatialvote.models.fit import Fit

#: Fewer units than these are few (Bryan and Jenkins 2016 find 25 or more needed for linear models).
FEW = 25


@dataclass(frozen=True, eq=False)
class Moderation:
    """A moderator of a slope.

    Attributes
    ----------
    covariate, moderator, group
        Whose slope is moderated by what, which varies between the units of which group.
    coefficient
        Name of the interaction's column.
    draws
        Of its coefficient on the model's own scale, shape (samples,).
    units, effective_units
        Number of units, and the effective one; they are equal where the slope does not vary between units.
    prior_weight
        Share of the prior's variance that the posterior's is.
    slope_varies
        Whether the formula lets the slope vary between the units.
    """

    covariate: str
    moderator: str
    group: str
    coefficient: str
    draws: np.ndarray
    units: int
    effective_units: float
    prior_weight: float
    slope_varies: bool

    @property
    def words(self) -> str:
        """What can be said of it, in sentences."""
        low, high = np.quantile(self.draws, [0.025, 0.975])
        text = (
            f"The slope of {self.covariate} changes with {self.moderator} by {self.draws.mean():+.3g} "
            f"(95 % {low:+.3g} to {high:+.3g}, log-odds, on the scale of the model's columns). This rests on "
            f"{self.units} units of {self.group}, {self.effective_units:.1f} of them effective, not on the "
            f"number of districts; the prior's weight in it is {100 * self.prior_weight:.0f} %."
        )
        if self.units < FEW:
            text += (
                f" With fewer than {FEW} units whatever else differs between them may be what goes with the "
                "slope, and single units decide."
            )
        if not self.slope_varies:
            text += (
                f" The slope does not vary between units beyond {self.moderator} in this formula, so that "
                f"the interval is too narrow: add (1 + {self.covariate} | {self.group})."
            )
        return text

    def __repr__(self) -> str:
        return f"Moderation({self.words})"


def moderations(fit: Fit, districts: Districts) -> tuple[Moderation, ...]:
    """Every cross-level interaction of a fit: ``x:z`` with z constant within the levels of one of its groups.

    Parameters
    ----------
    fit, districts
        A fit and the districts it was made from.

    Raises
    ------
    FitError
        If the fit is of other districts.
    """
    require_same_districts(fit, districts)
    found = []
    for name in fit.coefficients:
        parts = name.split(":")
        if len(parts) != 2 or not all(_numeric(districts, part) for part in parts):
            continue
        for covariate, moderator in (parts, parts[::-1]):
            group = _between(fit, districts, moderator)
            if group and _between(fit, districts, covariate) != group:
                found.append(moderation(fit, districts, covariate, moderator, group))
                break
    return tuple(found)


def moderation(fit: Fit, districts: Districts, covariate: str, moderator: str, group: str) -> Moderation:
    """What a fit says of one moderator of a slope.

    Parameters
    ----------
    fit, districts
        A fit and the districts it was made from.
    covariate, moderator
        The formula has their interaction.
    group
        A group of the formula, within whose levels the moderator must not vary.

    Raises
    ------
    ModelError
        Where the formula lacks the interaction or the group, or the moderator varies within levels.
    FitError
        If the fit is of other districts.
    """
    require_same_districts(fit, districts)
    names = [f"{covariate}:{moderator}", f"{moderator}:{covariate}"]
    coefficient = next((one for one in names if one in fit.coefficients), "")
    effect = next((one for one in fit.effects if one.group == group), None)
    if not coefficient or effect is None:
        raise ModelError(
            Problem(
                f"formula '{fit.model.formula}' lacks "
                + (
                    f"the interaction of '{covariate}' and '{moderator}'"
                    if not coefficient
                    else f"group '{group}'"
                ),
                f"write '{covariate} * {moderator} + (1 + {covariate} | {group})'",
            )
        )
    index = fit.constant(f"index_{effect.name}")
    within = _spread_within(districts, moderator, index)
    levels = fit.tree["posterior"].coords[f"level_{effect.name}"].to_numpy().astype(str)
    varying = levels[within]
    if len(varying):
        raise ModelError(
            Problem(
                f"'{moderator}' varies within {len(varying)} levels of '{group}' ({name_some(varying)})",
                "a moderator of levels has one value in each: give it, or read the interaction as one of "
                "districts",
            )
        )
    k = fit.coefficients.index(coefficient)
    draws = fit.draws("beta")[:, k]
    varies = any(one.covariate == covariate and one.group == group for one in varying_slopes(fit))
    weight = np.ones(len(levels))
    if varies:
        weight = np.maximum(1 - slopes_by_level(fit, covariate, group).table["pooling"].to_numpy(), 0.0)
    effective = float(weight.sum() ** 2 / (weight**2).sum()) if weight.any() else 0.0
    prior = fit.model.priors.coefficient_sd
    return Moderation(
        covariate, moderator, group, coefficient, draws, len(levels), effective,
        float(min(draws.var() / prior**2, 1.0)), varies,
    )  # fmt: skip


def _numeric(districts: Districts, column: str) -> bool:
    return column in districts.table and pd.api.types.is_numeric_dtype(districts.table[column])


def _spread_within(districts: Districts, column: str, index: np.ndarray) -> np.ndarray:
    """Which levels have more than one value of a column, shape (levels,)."""
    values = districts.table[column].to_numpy(np.float64)
    by = pd.Series(values).groupby(index)
    return (by.max() - by.min()).to_numpy() > 1e-9 * max(1.0, float(np.abs(values).max()))


def _between(fit: Fit, districts: Districts, column: str) -> str:
    """The first group within whose levels a column does not vary; empty if there is none."""
    for effect in fit.effects:
        if not _spread_within(districts, column, fit.constant(f"index_{effect.name}")).any():
            return effect.group
    return ""
