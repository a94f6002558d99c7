"""Curves, turning points and counterfactuals against what can be computed otherwise."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from spatialvote.analysis.counterfactual import counterfactual
from spatialvote.analysis.curve import curve
from spatialvote.analysis.effects.design import design_of
from spatialvote.analysis.effects.effect import effect
from spatialvote.analysis.figures.curve import plot_curve
from spatialvote.data.errors import ModelError
from spatialvote.data.simulate import simulate_city
from spatialvote.models.vote_share import VoteShareModel


def fitted(districts, formula, **model):
    model = VoteShareModel(f"national_list ~ {formula}", **model)
    return model.fit(districts, engine="laplace", draws=400, seed=1, progress=False)


@pytest.fixture(scope="module")
def districts():
    """A city whose vote peaks where a quarter of the residents are migrants."""
    city = simulate_city(seed=11, n_districts=120).districts
    x = city.table["migrant_share"].to_numpy()
    rng = np.random.default_rng(2)
    eta = -1.0 - 0.0025 * (x - 25) ** 2 + rng.normal(0, 0.2, city.n)
    table = city.table.assign(national_list=rng.binomial(city.valid, expit(eta)), diversity_list=0)
    return replace(city, table=table)


@pytest.fixture(scope="module")
def curved(districts):
    return fitted(districts, "poly(migrant_share, 2) + income")


def test_a_peak_is_where_the_parabola_of_each_draw_has_its_vertex(districts, curved):
    found = curve(curved, districts)
    # Three points give each draw's parabola, whatever the basis.
    x = np.array([10.0, 20.0, 40.0])
    rows = districts.table.iloc[[0]].loc[lambda one: one.index.repeat(3)].drop(columns="geometry")
    heights = (
        design_of(curved, districts).evaluate(rows.assign(migrant_share=x))
        @ (curved.draws("beta") / curved.constant("scale")).T
    )
    vertex = []
    for one in heights.T:
        c, b, _ = np.polyfit(x, one, 2)
        vertex.append(-b / (2 * c) if c < 0 else np.nan)
    low, high = found.searched
    inside = [one for one in vertex if low < one < high]
    assert found.peak.probability == pytest.approx(len(inside) / len(vertex), abs=1e-9)
    np.testing.assert_allclose(np.sort(found.peak.location), np.sort(inside), atol=1e-6)
    assert found.peak.interval[0] < 25 < found.peak.interval[1]
    assert found.trough.probability == 0


def test_the_curve_is_the_mean_of_the_districts_shares(districts, curved):
    found = curve(curved, districts)
    at = found.table.index[20]
    change = counterfactual(curved, districts, {"migrant_share": float(at)})
    now = 100 * expit(curved.draws("eta")).mean()
    # The curve takes 400 of the 400 draws, so only rounding differs.
    assert found.table.loc[at, "mean"] == pytest.approx(now + change.mean, rel=1e-6)


def test_weights_of_voters(districts, curved):
    by_voters = curve(curved, districts, weighting="voters")
    assert not np.allclose(by_voters.table["mean"], curve(curved, districts).table["mean"])
    all_at = counterfactual(curved, districts, {"migrant_share": 20.0}, weighting="voters")
    weight = districts.valid / districts.valid.sum()
    now = 100 * (expit(curved.draws("eta")) @ weight).mean()
    expected = np.interp(20, by_voters.table.index, by_voters.table["mean"])
    # The curve is read between two of its points.
    assert now + all_at.mean == pytest.approx(expected, abs=0.05)


def test_a_line_has_no_turning_point(districts):
    found = curve(fitted(districts, "migrant_share"), districts)
    assert (found.peak.probability, found.trough.probability) == (0, 0)
    assert np.isnan(found.peak.median)
    assert np.isnan(found.peak.interval).all()


def test_a_counterfactual_is_the_effect_of_the_same_change(districts, curved):
    values = districts.table["migrant_share"] + 5
    found = counterfactual(curved, districts, {"migrant_share": values})
    expected = effect(curved, districts, "migrant_share", points=5)
    np.testing.assert_allclose(found.draws, expected.draws)
    np.testing.assert_allclose(found.by_district[["mean", "low", "high"]], expected.by_district)


def test_the_probability_of_a_districts_change(districts):
    fit = fitted(districts, "migrant_share + income")
    found = counterfactual(fit, districts, {"migrant_share": 25.0}).by_district
    slope = fit.draws("beta")[:, 0]
    above = districts.table["migrant_share"].to_numpy() > 25
    expected = np.where(above, (slope < 0).mean(), (slope > 0).mean())
    np.testing.assert_allclose(found["probability_positive"], expected)


def test_two_columns_change_together(districts):
    fit = fitted(districts, "migrant_share + income")
    both = counterfactual(fit, districts, {"migrant_share": 25.0, "income": 30.0})
    assert both.columns == ("migrant_share", "income")
    eta, slope = fit.draws("eta"), fit.draws("beta") / fit.constant("scale")
    table = districts.table
    by = slope[:, [0]] * (25 - table["migrant_share"].to_numpy()) + slope[:, [1]] * (
        30 - table["income"].to_numpy()
    )
    expected = 100 * (expit(eta + by) - expit(eta)).mean(axis=1)
    np.testing.assert_allclose(both.draws, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "no column is changed"),
        ({"halo": 0.0}, "columns 'halo' are not in the table"),
        ({"migrant_share": np.nan}, "'migrant_share' is given no finite value"),
        ({"migrant_share": [1.0, 2.0]}, "for 120 districts"),
        ({"higher_education": 10.0}, "change nothing in formula"),
    ],
)
def test_counterfactuals_that_are_none(districts, curved, values, message):
    with pytest.raises(ModelError, match=message):
        counterfactual(curved, districts, values)


def test_columns_without_a_single_curve(districts):
    crossed = fitted(districts, "migrant_share * income")
    with pytest.raises(ModelError, match="'migrant_share' interacts with another column"):
        curve(crossed, districts)
    with pytest.raises(ModelError, match="'higher_education' is not in formula"):
        curve(crossed, districts, "higher_education")
    with pytest.raises(ModelError, match="there is no column 'halo'"):
        curve(crossed, districts, "halo")
    with pytest.raises(ModelError, match="weighting 'people' is unknown"):
        curve(crossed, districts, weighting="people")


def test_the_figure_tells_the_turning_point(districts, curved):
    found = curve(curved, districts)
    figure = plot_curve(found, name="migrants")
    texts = " ".join(one.get_text() for one in figure.texts).replace("\n", " ")
    assert f"Diamond: peak, at {found.peak.median:.0f} (95 %" in texts
    marks = [one for one in figure.axes[0].lines if one.get_gid() == "peak"]
    assert marks[0].get_xdata() == pytest.approx([found.peak.median])
    flat = plot_curve(curve(fitted(districts, "migrant_share"), districts), name="migrants")
    assert "No turning point is likely" in " ".join(one.get_text() for one in flat.texts)
