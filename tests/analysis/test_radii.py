"""Distances at which surroundings matter."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.special import expit, softmax

from spatialvote.analysis.radii import WITHOUT, Radii, compare_radii
from spatialvote.analysis.stacking import stacking_weights
from spatialvote.data.add_columns import add_columns
from spatialvote.data.errors import ModelError
from spatialvote.data.simulate import simulate_city
from spatialvote.models.vote_share import VoteShareModel

MODEL = VoteShareModel("national_list ~ migrant_share + surroundings + income")
COLUMNS = {"near": "near", "middle": "middle", "far": "far"}


@pytest.fixture(scope="module")
def city():
    """A city with three measures of surroundings that are not alike."""
    districts = simulate_city(seed=7, n_districts=120).districts
    rng = np.random.default_rng(1)
    columns = pd.DataFrame(rng.normal(0, 5, (120, 3)), index=districts.ids, columns=list(COLUMNS))
    return add_columns(districts, columns)


def voted(city, effect):
    rng = np.random.default_rng(2)
    table = city.table
    eta = -1 - 0.02 * (table["migrant_share"] - 27) + effect * table["middle"] + rng.normal(0, 0.2, city.n)
    votes = rng.binomial(city.valid, expit(eta))
    return replace(city, table=table.assign(national_list=votes, diversity_list=0))


@pytest.fixture(scope="module")
def found(city):
    return compare_radii(MODEL, voted(city, 0.04), COLUMNS, seed=1, cores=1)


def test_the_radius_that_made_the_votes_is_found(found):
    assert found.matter
    assert found.plausible == ("middle",)
    row = found.table.loc["middle"]
    assert row["low"] < 0.04 < row["high"]
    assert row["weight"] > 0.9
    assert row["difference"] == 0
    assert "most probably 'middle'" in found.words


def test_probabilities_follow_from_the_evidence(found):
    table = found.table
    np.testing.assert_allclose(table["probability"], softmax(table["log_evidence"]))
    assert table["weight"].sum() == pytest.approx(1)
    assert np.isnan(table.loc[WITHOUT, "mean"])


def test_where_there_is_no_halo_it_says_so(city):
    none = compare_radii(MODEL, voted(city, 0.0), COLUMNS, seed=1, cores=1)
    assert not none.matter
    assert none.words.startswith("These votes do not show that surroundings at 3 distances matter")


def test_an_interval_that_disagrees_with_the_probability_is_told():
    table = pd.DataFrame(
        {
            "probability": [0.4, 0.5, 0.1],
            "plausible": True,
            "low": [np.nan, 0.01, -1],
            "high": [np.nan, 0.03, 1],
        },
        index=[WITHOUT, "1 km", "2 km"],
    )
    told = Radii(table, "party ~ surroundings").words
    assert told.startswith("These votes do not show that surroundings at 2 distances matter")
    assert "interval of '1 km' leaves zero out, though" in told
    table.loc["1 km", "low"] = -0.01
    assert "leaves zero out" not in Radii(table, "party ~ surroundings").words


def test_a_curve_of_the_surroundings(city):
    model = replace(MODEL, formula="national_list ~ bs(surroundings, df=3) + income")
    bent = compare_radii(model, voted(city, 0.04), COLUMNS, seed=1, cores=1)
    assert bent.plausible == ("middle",)
    assert bent.table["mean"].isna().all()


def test_processes_give_the_same(city, found):
    again = compare_radii(MODEL, voted(city, 0.04), COLUMNS, seed=1, cores=2)
    pd.testing.assert_frame_equal(again.table, found.table)


@pytest.mark.parametrize(
    ("formula", "columns", "message"),
    [
        ("national_list ~ income", COLUMNS, "has no term of 'surroundings'"),
        ("national_list ~ surroundings", {"near": "near"}, "1 candidates are nothing to compare"),
        (
            "national_list ~ surroundings",
            {"near": "near", "x": "halo"},
            "columns 'halo' are not in the table",
        ),
        ("national_list ~ surroundings", {"none": "near", "far": "far"}, "a candidate is called 'none'"),
    ],
)
def test_what_cannot_be_compared(city, formula, columns, message):
    with pytest.raises(ModelError, match=message):
        compare_radii(replace(MODEL, formula=formula), city, columns, seed=1)


def test_stacking_weights_are_the_best_there_are():
    rng = np.random.default_rng(4)
    elpd = rng.normal(-3, 0.7, (3, 60)) + np.array([[0.2], [0.0], [-0.1]])

    def loss(free):
        return -np.log(softmax(np.r_[free, 0.0]) @ np.exp(elpd)).sum()

    expected = softmax(np.r_[minimize(loss, np.zeros(2), tol=1e-10).x, 0.0])
    np.testing.assert_allclose(stacking_weights(elpd), expected, atol=1e-3)
    # Where the party did not stand there is nothing to weigh by.
    gaps = np.column_stack([elpd, np.full((3, 5), np.nan)])
    np.testing.assert_allclose(stacking_weights(gaps), stacking_weights(elpd))
