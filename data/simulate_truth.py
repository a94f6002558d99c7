"""The true values behind a simulated city, and the parameters that set them."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from spatialvote.data.errors import DataError, Problem, name_some

#: Columns whose effects are simulated, with their units.
COVARIATES: Mapping[str, str] = {
    "migrant_share": "percent",
    "higher_education": "percent",
    "income": "1000 EUR",
}


@dataclass(frozen=True)
class PartyParameters:
    """How a party's vote share arises: eta = intercept + sum_k b_k (x_k - mean x_k) + sigma BYM2(rho).

    Attributes
    ----------
    intercept
        Logits, at average covariates.
    coefficients
        Column of `COVARIATES` to slope, logits per unit of the column; a column left out has slope 0.
    sigma
        Standard deviation of the whole district effect, logits, at least 0.
    rho
        Part of the district effect's variance that is spatially structured, 0 to 1.

    Raises
    ------
    DataError
        If a column is unknown or a value is outside its range; all of it at once.
    """

    intercept: float
    coefficients: Mapping[str, float]
    sigma: float = 0.35
    rho: float = 0.7

    def __post_init__(self) -> None:
        problems = _coefficient_problems(self.coefficients)
        if not np.isfinite(self.intercept):
            problems.append(
                Problem(f"intercept must be finite ({self.intercept} came)", "give logits, such as -1.4")
            )
        if not (np.isfinite(self.sigma) and self.sigma >= 0):
            problems.append(
                Problem(f"sigma must be finite and not negative ({self.sigma} came)", "give it in logits")
            )
        if not 0 <= self.rho <= 1:
            problems.append(
                Problem(f"rho must lie between 0 and 1 ({self.rho} came)", "give a part of the variance")
            )
        if problems:
            raise DataError(problems)


@dataclass(frozen=True)
class TurnoutParameters:
    """Who may vote, who does, and who leaves the ballot blank.

    logit turnout = intercept + sum_k b_k (x_k - mean x_k) + N(0, sigma^2), per district.

    Attributes
    ----------
    entitled
        Column of persons by origin to the share of them (fraction) who are adult citizens.
    intercept, coefficients, sigma
        Logits at average covariates; logits per unit of a column of `COVARIATES`; logits.
    blank
        Share of those who vote (fraction) whose ballot is blank.

    Raises
    ------
    DataError
        If a column is unknown or a value is outside its range; all of it at once.
    """

    entitled: Mapping[str, float]
    intercept: float
    coefficients: Mapping[str, float]
    sigma: float = 0.12
    blank: float = 0.004

    def __post_init__(self) -> None:
        problems = _coefficient_problems(self.coefficients)
        if set(self.entitled) != {"origin_native", "origin_eu", "origin_non_eu"} or not all(
            0 < share <= 1 for share in self.entitled.values()
        ):
            problems.append(
                Problem(
                    f"entitled must give each origin a share above 0, up to 1 ({dict(self.entitled)} came)",
                    "name origin_native, origin_eu and origin_non_eu",
                )
            )
        if not np.isfinite(self.intercept) or not (np.isfinite(self.sigma) and self.sigma >= 0):
            problems.append(
                Problem(
                    f"intercept and sigma of turnout must be finite, sigma not negative "
                    f"({self.intercept} and {self.sigma} came)",
                    "give both in logits",
                )
            )
        if not 0 <= self.blank < 1:
            problems.append(
                Problem(f"blank must be a fraction below 1 ({self.blank} came)", "give 0.004 for 0.4 percent")
            )
        if problems:
            raise DataError(problems)


def _coefficient_problems(coefficients: Mapping[str, float]) -> list[Problem]:
    """Say what is wrong with slopes by column."""
    problems = []
    if unknown := sorted(set(coefficients) - set(COVARIATES)):
        problems.append(
            Problem(
                f"coefficients for unknown columns ({name_some(unknown)})",
                f"the simulated columns are {', '.join(COVARIATES)}",
            )
        )
    if bad := sorted(name for name, value in coefficients.items() if not np.isfinite(value)):
        problems.append(Problem(f"coefficients are not finite ({name_some(bad)})", "give logits per unit"))
    return problems


@dataclass(frozen=True, eq=False)
class PartyTruth:
    """The true values of one party.

    With x the columns of the table, and center and scale those of `Truth`:
    eta = intercept + sum_k coefficients_standardised_k (x_k - center_k) / scale_k
    + sigma (sqrt(1 - rho) theta + sqrt(rho) phi).

    Attributes
    ----------
    intercept
        Logits, at average covariates; goes with either set of coefficients once columns are centred.
    intercept_at_zero
        Logits, where all covariates are 0 on their original scale.
    coefficients
        Logits per unit of the column.
    coefficients_standardised
        Logits per (population) standard deviation of the column over the table's districts.
    sigma, rho
        Standard deviation (logits) of the district effect, and the structured part of its variance.
    eta
        Log-odds of the vote share among valid votes, shape (n,).
    phi
        Structured effect, scaled within components so that the geometric mean of its variances is 1,
        shape (n,).
    theta
        Unstructured effect, iid N(0, 1), shape (n,).
    effect_10_points
        Average over districts of the change in expected vote share, percentage points, when
        `migrant_share` rises by 10 points and all else stays.
    effect_10_points_by_votes
        The same, districts weighted by valid votes.
    """

    intercept: float
    intercept_at_zero: float
    coefficients: Mapping[str, float]
    coefficients_standardised: Mapping[str, float]
    sigma: float
    rho: float
    eta: np.ndarray
    phi: np.ndarray
    theta: np.ndarray
    effect_10_points: float
    effect_10_points_by_votes: float


@dataclass(frozen=True, eq=False)
class Truth:
    """Every true value behind a simulated city.

    Attributes
    ----------
    arguments
        What `simulate_city` was called with: seed, n_districts, islands, second_component.
    district
        Ids, in the order of all arrays.
    center, scale
        Mean and population standard deviation (ddof = 0) of each covariate over the districts.
    parties
        Party name to its true values.
    turnout
        The parameters of electorate, turnout and blank votes.
    turnout_rate
        True probability (fraction) that an entitled person votes, shape (n,).
    """

    arguments: Mapping[str, int | bool]
    district: tuple[str, ...]
    center: Mapping[str, float]
    scale: Mapping[str, float]
    parties: Mapping[str, PartyTruth]
    turnout: TurnoutParameters
    turnout_rate: np.ndarray

    def to_dict(self) -> dict:
        """Plain dictionaries, lists and numbers, as written to ``truth.json``."""
        return {each.name: _plain(getattr(self, each.name)) for each in dataclasses.fields(self)}


def _plain(value: object) -> object:
    """Turn dataclasses, mappings and arrays into what JSON knows; floats keep every digit."""
    if dataclasses.is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, np.ndarray | tuple):
        return [_plain(one) for one in value]
    return value.item() if isinstance(value, np.generic) else value
