"""Values that were not published: their table, what they cost, districts with their means, their figure."""

import numpy as np
import pytest
import xarray as xr

from spatialvote.analysis.figures.unknown import plot_unknown
from spatialvote.analysis.report.unknown import unknown_part
from spatialvote.analysis.review import review
from spatialvote.analysis.settled import settled
from spatialvote.analysis.unknown import share_of_uncertainty, unknown_table
from spatialvote.data.declare_uncertain import declare_uncertain
from spatialvote.data.simulate import simulate_city
from spatialvote.data.uncertain import Uncertain
from spatialvote.models.fit import Fit
from spatialvote.models.vote_share import VoteShareModel

MODEL = VoteShareModel("national_list ~ migrant_share + income", structure="none")


@pytest.fixture(scope="module")
def city():
    """A city whose income is not known in three districts."""
    districts = simulate_city(seed=1, n_districts=40, islands=1).districts
    income = districts.table[["income"]].copy()
    income.iloc[[4, 20, 33]] = np.nan
    return declare_uncertain(districts, {"income": Uncertain(missing=True, scale="log")}, income)


@pytest.fixture(scope="module")
def fit(city):
    return MODEL.fit(city, seed=2, draws=150, tune=300, chains=2, cores=1, progress=False)


def drawn(noise: float, values: int = 2, draws: int = 1000) -> Fit:
    """A fit whose first coefficient is the sum of two values and noise, and whose second is all noise."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=(2, draws, values))
    beta = np.stack([x[..., :2].sum(axis=-1), np.zeros((2, draws))], axis=-1)
    beta += noise * rng.normal(size=beta.shape)
    posterior = xr.Dataset(
        {
            "beta": (("chain", "draw", "coefficient"), beta),
            "unknown": (("chain", "draw", "unknown_value"), x),
        },
        coords={"coefficient": ["a", "b"], "unknown_value": [f"x[{k}]" for k in range(values)]},
    )
    return Fit(xr.DataTree.from_dict({"posterior": posterior}), MODEL, {})


@pytest.mark.parametrize("noise", [0.5, 1.0, 3.0])
def test_the_share_of_a_variance_that_comes_from_unknown_values(noise):
    shares = share_of_uncertainty(drawn(noise))
    expected = 2 / (2 + noise**2)
    # The standard error of R^2 of 2,000 independent draws is below 2 (1 - R^2) sqrt(R^2 / 2000).
    assert shares["a"] == pytest.approx(expected, abs=4 * 2 * (1 - expected) * np.sqrt(expected / 2000))
    assert shares["b"] == pytest.approx(0.0, abs=0.01)


def test_too_few_draws_for_too_many_values_tell_nothing():
    assert share_of_uncertainty(drawn(1.0, values=50, draws=40)).isna().all()


def test_the_table_is_that_of_the_draws(fit):
    table = unknown_table(fit)
    values = fit.draws("unknown")
    assert list(table.index) == list(fit.unknown)
    np.testing.assert_allclose(table["mean"], values.mean(axis=0))
    np.testing.assert_allclose(table["high"], np.quantile(values, 0.975, axis=0))
    np.testing.assert_allclose(table["prior_sd"], fit.tree["covariates"]["unknown"].values[0].std(axis=0))


def test_settled_districts_have_the_posterior_means_and_no_declaration(fit, city):
    known = settled(fit, city)
    district = fit.constant("unknown_district")
    np.testing.assert_allclose(known.table["income"].iloc[district], fit.draws("unknown").mean(axis=0))
    others = np.setdiff1d(np.arange(city.n), district)
    assert known.table["income"].iloc[others].equals(city.table["income"].iloc[others])
    assert len(known.unknown) == 0
    assert known.roles.uncertain == {}


def test_a_review_rebuilds_first_guesses_and_the_report_shows_values(fit, city):
    checks = review(fit, city)
    verdicts = {name: checks[name].verdict for name in ("stored_data", "data_fingerprint", "draws_agree")}
    assert verdicts == dict.fromkeys(verdicts, "pass")
    part = unknown_part(fit, checks, city)
    assert part is not None
    assert "Of income, 3 of 41 values are not known exactly (missing)" in part.words[0].replace(
        f"of {city.n} values", "of 41 values"
    )
    assert [len(one.rows) for one in part.tables] == [3, 2]
    without = MODEL.fit(settled(fit, city), "laplace", seed=1, draws=100, progress=False)
    assert unknown_part(without, checks, city) is None


def test_the_figure_has_two_intervals_a_row(fit):
    figure = plot_unknown(["A", "B", "C"], unknown_table(fit), title="Values", xlabel="income")
    (axes,) = figure.axes
    lines = [one for one in axes.get_lines() if len(one.get_xdata()) == 3]
    assert len(lines) == 2
    np.testing.assert_allclose(lines[1].get_xdata(), unknown_table(fit)["mean"])
