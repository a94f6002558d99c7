"""Electorate, turnout and votes of a simulated city, drawn from the model."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.special import expit

from spatialvote.data.errors import DataError, Problem, name_some
from spatialvote.data.simulate_field import draw_scaled_icar
from spatialvote.data.simulate_truth import COVARIATES, PartyParameters, PartyTruth, TurnoutParameters


def draw_turnout(
    rng: np.random.Generator, people: pd.DataFrame, parameters: TurnoutParameters
) -> tuple[pd.DataFrame, np.ndarray]:
    """Draw who may vote and who does.

    Returns
    -------
    DataFrame
        `electorate`, `votes_cast`, `blank`, `valid` (persons), indexed as `people`.
    ndarray
        True turnout (fraction), shape (n,).
    """
    electorate = sum(
        rng.binomial(people[origin].to_numpy(), share) for origin, share in parameters.entitled.items()
    )
    noise = rng.normal(0, parameters.sigma, size=len(people))
    rate = expit(parameters.intercept + _linear(people, parameters.coefficients) + noise)
    cast = rng.binomial(electorate, rate)
    blank = rng.binomial(cast, parameters.blank)
    columns = {"electorate": electorate, "votes_cast": cast, "blank": blank, "valid": cast - blank}
    return pd.DataFrame(columns, index=people.index), rate


def draw_votes(
    rng: np.random.Generator,
    people: pd.DataFrame,
    valid: np.ndarray,
    edges: tuple[np.ndarray, np.ndarray],
    parties: Mapping[str, PartyParameters],
) -> tuple[pd.DataFrame, dict[str, PartyTruth]]:
    """Draw the votes of each party, one after the other, from what the earlier ones left.

    Votes of the first party are Binomial(valid, p_1), of the next Binomial(valid - votes_1,
    p_2 / (1 - p_1)), and so on, so that each party's votes are marginally Binomial(valid, p_k).

    Raises
    ------
    DataError
        If the parties' expected shares sum to one or more somewhere.
    """
    n = len(people)
    phi = draw_scaled_icar(rng, n, *edges, draws=len(parties))
    theta = rng.normal(size=(len(parties), n))
    truths = {
        name: _truth(people, valid, parameters, phi[k], theta[k])
        for k, (name, parameters) in enumerate(parties.items())
    }
    shares = {name: expit(truth.eta) for name, truth in truths.items()}
    crowded = np.sum(list(shares.values()), axis=0) >= 1
    if crowded.any():
        raise DataError(
            Problem(
                f"the expected shares of {' and '.join(parties)} reach 100 % in {crowded.sum()} districts "
                f"({name_some(people.index[crowded])})",
                "lower an intercept, a coefficient or sigma",
            )
        )
    left, left_share, votes = valid, np.ones(n), {}
    for name, share in shares.items():
        votes[name] = rng.binomial(left, share / left_share)
        left, left_share = left - votes[name], left_share - share
    return pd.DataFrame(votes, index=people.index), truths


def _linear(people: pd.DataFrame, coefficients: Mapping[str, float]) -> np.ndarray:
    """Linear predictor at centred covariates, logits, shape (n,)."""
    total = np.zeros(len(people))
    for name, slope in coefficients.items():
        x = people[name].to_numpy()
        total += slope * (x - x.mean())
    return total


def _truth(
    people: pd.DataFrame, valid: np.ndarray, parameters: PartyParameters, phi: np.ndarray, theta: np.ndarray
) -> PartyTruth:
    """Put a party's true values together for the districts at hand."""
    slopes = {name: float(parameters.coefficients.get(name, 0.0)) for name in COVARIATES}
    sigma, rho = parameters.sigma, parameters.rho
    effect = sigma * (np.sqrt(1 - rho) * theta + np.sqrt(rho) * phi)
    eta = parameters.intercept + _linear(people, slopes) + effect
    change = 100 * (expit(eta + 10 * slopes["migrant_share"]) - expit(eta))
    columns = {name: people[name].to_numpy() for name in COVARIATES}
    at_zero = parameters.intercept - sum(slopes[name] * x.mean() for name, x in columns.items())
    return PartyTruth(
        intercept=float(parameters.intercept),
        intercept_at_zero=float(at_zero),
        coefficients=slopes,
        coefficients_standardised={name: float(slopes[name] * x.std()) for name, x in columns.items()},
        sigma=float(sigma),
        rho=float(rho),
        eta=eta,
        phi=phi,
        theta=theta,
        effect_10_points=float(change.mean()),
        effect_10_points_by_votes=float(np.average(change, weights=valid)),
    )
