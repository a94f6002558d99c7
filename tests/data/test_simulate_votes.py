import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from spatialvote.data.errors import DataError
from spatialvote.data.simulate import DIVERSITY_LIST, NATIONAL_LIST, TURNOUT
from spatialvote.data.simulate_truth import PartyParameters, TurnoutParameters
from spatialvote.data.simulate_votes import draw_turnout, draw_votes

EDGES = (np.array([0, 1, 2]), np.array([1, 2, 3]))


@pytest.fixture
def people():
    return pd.DataFrame(
        {
            "origin_native": [1500, 1200, 900, 2000],
            "origin_eu": [100, 150, 200, 90],
            "origin_non_eu": [200, 500, 900, 100],
            "migrant_share": [16.7, 35.1, 55.0, 8.7],
            "higher_education": [30.0, 45.0, 25.0, 38.0],
            "income": [28.0, 33.0, 24.0, 36.0],
        },
        index=pd.Index(["D1", "D2", "D3", "D4"], name="district"),
    )


def test_each_party_is_marginally_binomial(people):
    parties = {
        "national_list": PartyParameters(-1.0, {"migrant_share": -0.02}, sigma=0.0),
        "diversity_list": PartyParameters(-1.5, {"migrant_share": 0.03}, sigma=0.0),
    }
    valid = np.array([900, 1000, 800, 1200])
    rng = np.random.default_rng(4)
    draws = 1500
    both = [draw_votes(rng, people, valid, EDGES, parties)[0] for _ in range(draws)]
    x = people["migrant_share"].to_numpy() - people["migrant_share"].mean()
    p = {"national_list": expit(-1.0 - 0.02 * x), "diversity_list": expit(-1.5 + 0.03 * x)}
    for party, share in p.items():
        votes = np.array([one[party] for one in both])
        variance = valid * share * (1 - share)
        assert np.abs((votes.mean(axis=0) - valid * share) / np.sqrt(variance / draws)).max() < 4
        # The variance of a sample variance of near-normal counts is 2 sigma^4 / (m - 1).
        assert np.abs((votes.var(axis=0, ddof=1) / variance - 1) / np.sqrt(2 / (draws - 1))).max() < 4
    # Shares of one whole: the covariance of two parties is -N p q.
    a, b = (np.array([one[party] for one in both]) for party in p)
    covariance = ((a - a.mean(axis=0)) * (b - b.mean(axis=0))).mean(axis=0)
    expected = -valid * p["national_list"] * p["diversity_list"]
    spread = np.sqrt((a.var(axis=0) * b.var(axis=0) + expected**2) / draws)
    assert np.abs((covariance - expected) / spread).max() < 4


def test_parties_that_leave_nothing_are_refused(people):
    parties = {
        "national_list": PartyParameters(1.0, {}, sigma=0.0),
        "diversity_list": PartyParameters(0.5, {}, sigma=0.0),
    }
    with pytest.raises(
        DataError, match=r"national_list and diversity_list reach 100 % in 4 districts \('D1'"
    ):
        draw_votes(np.random.default_rng(1), people, np.full(4, 500), EDGES, parties)


def test_turnout_is_nested_and_follows_its_rate(people):
    rng = np.random.default_rng(8)
    ballots, rate = draw_turnout(rng, people, TURNOUT)
    assert (ballots["votes_cast"] <= ballots["electorate"]).all()
    assert (ballots["valid"] + ballots["blank"] == ballots["votes_cast"]).all()
    n = ballots["electorate"].to_numpy()
    z = (ballots["votes_cast"].to_numpy() - n * rate) / np.sqrt(n * rate * (1 - rate))
    assert np.abs(z).max() < 4
    assert TURNOUT.coefficients["higher_education"] > 0


def test_party_parameters_tell_everything_wrong_at_once():
    with pytest.raises(DataError, match="5 problems") as caught:
        PartyParameters(np.nan, {"unemployment": 0.1, "income": np.inf}, sigma=-1.0, rho=1.2)
    message = str(caught.value)
    for part in ("'unemployment'", "'income'", "intercept", "sigma", "rho must lie between 0 and 1"):
        assert part in message


def test_turnout_parameters_tell_everything_wrong_at_once():
    with pytest.raises(DataError, match="4 problems") as caught:
        TurnoutParameters({"origin_native": 1.5}, np.nan, {"age": 1.0}, sigma=0.1, blank=1.0)
    message = str(caught.value)
    for part in ("entitled", "intercept and sigma", "'age'", "blank"):
        assert part in message


def test_default_parties_have_opposite_slopes():
    assert NATIONAL_LIST.coefficients["migrant_share"] == -0.02
    assert DIVERSITY_LIST.coefficients["migrant_share"] > 0
    assert NATIONAL_LIST.coefficients["higher_education"] < 0
