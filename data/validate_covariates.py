"""Shares outside their unit, covariates that do not vary, and covariates that say the same."""

import numpy as np
import pandas as pd

from spatialvote.data.errors import Problem, name_some
from spatialvote.data.findings import in_districts
from spatialvote.data.roles import SHARE_UNITS, Roles

#: A standardised column whose part that others do not explain is below this share of its length is
#: collinear with them "exactly": round-off leaves about 1e-15, rounding to 0.1 percent about 1e-3.
_EXACT = 1e-8


def share_problems(numbers: pd.DataFrame, roles: Roles, names: np.ndarray) -> list[Problem]:
    """Say which shares lie outside 0 and one whole in the unit they were declared in."""
    problems = []
    for column, unit in _declared_shares(numbers, roles):
        whole = SHARE_UNITS[unit]
        value = numbers[column].to_numpy()
        below, above = value < 0, value > whole
        if below.any():
            problems.append(
                Problem(
                    f"share '{column}' is negative {in_districts(names[below])}",
                    "shares lie between 0 and one whole; a difference of shares is a covariate without unit",
                )
            )
        if above.any():
            problems.append(
                Problem(
                    f"share '{column}' is above {whole:g} {in_districts(names[above])}, which '{unit}' "
                    "cannot be",
                    f"declare the unit it is in ({name_some(SHARE_UNITS, 4)}), or mend the values",
                )
            )
    return problems


def share_notes(numbers: pd.DataFrame, roles: Roles) -> list[str]:
    """Remark on shares that fit their unit but look like fractions, lying wholly between 0 and 1."""
    return [
        f"share '{column}' was declared as '{unit}' and lies wholly between 0 and 1: "
        "make sure that it is not a fraction"
        for column, unit in _declared_shares(numbers, roles)
        if unit != "fraction" and numbers[column].max() <= 1
    ]


def _declared_shares(numbers: pd.DataFrame, roles: Roles) -> list[tuple[str, str]]:
    return [
        (column, roles.units[column])
        for column in numbers
        if column in roles.units and roles.units[column] in SHARE_UNITS
    ]


def design_problems(numbers: pd.DataFrame, roles: Roles) -> list[Problem]:
    """Say which of migrants and covariates are constant, and which are exact combinations of others.

    Only districts with a value in every one of these columns count. Each column, standardised, is
    projected on those before it; what is left must not vanish.
    """
    named = [roles.migrants, *roles.covariates]
    columns = [column for column in dict.fromkeys(named) if column in numbers]
    complete = numbers[columns].dropna()
    if len(complete) < 3:
        return []  # too few rows to tell; their number is a problem of its own
    problems, varying = [], []
    for column in columns:
        if np.ptp(complete[column].to_numpy()) == 0:
            problems.append(
                Problem(
                    f"covariate '{column}' is {complete[column].iloc[0]:g} in every district",
                    "leave it out: what does not vary cannot explain",
                )
            )
        else:
            varying.append(column)
    if len(varying) >= len(complete):
        problems.append(
            Problem(
                f"{len(varying)} covariates are too many for {len(complete)} districts",
                "name fewer covariates than districts",
            )
        )
        return problems
    values = complete[varying].to_numpy()
    standard = (values - values.mean(axis=0)) / values.std(axis=0)
    kept: list[int] = []
    for k in range(len(varying)):
        weights = np.linalg.lstsq(standard[:, kept], standard[:, k])[0] if kept else np.zeros(0)
        left = standard[:, k] - standard[:, kept] @ weights
        if np.linalg.norm(left) > _EXACT * np.linalg.norm(standard[:, k]):
            kept.append(k)
            continue
        others = [varying[one] for one, weight in zip(kept, weights, strict=True) if abs(weight) > _EXACT]
        problems.append(
            Problem(
                f"covariate '{varying[k]}' is an exact combination of {name_some(others, 8)}",
                "leave one of them out: their effects cannot be told apart",
            )
        )
    return problems
