"""Effects against the same arithmetic written out by hand."""

from dataclasses import replace

import numpy as np
import pytest
from formulae import design_matrices
from scipy.special import expit

from spatialvote.analysis.curve import curve
from spatialvote.analysis.effects.effect import effect
from spatialvote.data.districts import Districts
from spatialvote.data.errors import FitError, ModelError
from spatialvote.data.roles import Roles
from spatialvote.models.vote_share import VoteShareModel

QUICK = {"seed": 2, "draws": 200, "tune": 300, "chains": 2, "progress": False}


def test_by_hand(fits, districts):
    fit = fits("bym2")
    slope = fit.draws("beta")[:, 0] / districts.table["migrants"].std(ddof=0)
    eta = fit.draws("eta")
    change = 100 * (expit(eta + 10 * slope[:, None]) - expit(eta))
    found = effect(fit, districts)
    # eta is kept in single precision, the arithmetic is the same.
    np.testing.assert_allclose(found.draws, change.mean(axis=1), rtol=1e-9)
    np.testing.assert_allclose(found.by_district["mean"], change.mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(
        found.by_district[["low", "high"]].T, np.quantile(change, [0.025, 0.975], axis=0), rtol=1e-9
    )
    assert (found.column, found.points, found.change, found.unit) == ("migrants", 10, 10, "percentage points")
    assert list(found.by_district.index) == list(districts.ids)
    assert found.low < found.mean < found.high < 0
    assert found.probability_positive == 0


def test_the_truth_is_inside(fits, districts):
    """True slope -0.03 a point, at the true shares to first order: 100 x 10 x -0.03 x mean p (1 - p)."""
    found = effect(fits("bym2"), districts, points=1)
    share = districts.share("pvv")
    assert found.low < 100 * -0.03 * (share * (1 - share)).mean() < found.high


def test_weighed_by_voters(fits, districts):
    fit = fits("iid")
    change = 100 * (
        expit(fit.draws("eta") + 5 * fit.draws("beta")[:, :1] / fit.constant("scale")[0])
        - expit(fit.draws("eta"))
    )
    found = effect(fit, districts, points=5, weighting="voters")
    np.testing.assert_allclose(found.draws, change @ districts.valid / districts.valid.sum(), rtol=1e-9)


def test_weighed_by_the_persons_of_a_column(fits, districts):
    fit = fits("iid")
    persons = np.random.default_rng(5).integers(0, 4000, districts.n)
    counted = replace(districts, table=districts.table.assign(residents=persons))
    change = 100 * (
        expit(fit.draws("eta") + 5 * fit.draws("beta")[:, :1] / fit.constant("scale")[0])
        - expit(fit.draws("eta"))
    )
    found = effect(fit, counted, points=5, weighting="residents")
    np.testing.assert_allclose(found.draws, change @ persons / persons.sum(), rtol=1e-9)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ("many", r"weighting 'residents' is a column without numbers"),
        (-1, r"weighting 'residents' is no number of persons in 146 districts"),
        (np.nan, r"weighting 'residents' is no number of persons in 146 districts"),
        (0, r"weighting 'residents' is 0 in every district"),
    ],
)
def test_what_counts_no_persons(fits, districts, values, message):
    counted = replace(districts, table=districts.table.assign(residents=values))
    for ask in (effect, curve):
        with pytest.raises(ModelError, match=message):
            ask(fits("iid"), counted, weighting="residents")


def test_many_districts_are_taken_in_blocks(fits, districts, monkeypatch):
    whole = effect(fits("iid"), districts)
    monkeypatch.setattr("spatialvote.analysis.effects.change._BLOCK", 7)
    parts = effect(fits("iid"), districts)
    np.testing.assert_allclose(parts.draws, whole.draws, rtol=1e-12)
    np.testing.assert_array_equal(parts.by_district, whole.by_district)


def test_percent_or_fraction_does_not_matter(districts):
    """The same table with the share as a fraction: the same seed gives the same effect of ten points."""
    roles = Roles(**{**vars(districts.roles), "units": {"migrants": "fraction"}})
    table = districts.table.assign(migrants=districts.table["migrants"] / 100)
    as_fraction = Districts(table, roles, districts.graph, districts.graph_report, districts.about)
    model = VoteShareModel("pvv ~ migrants", structure="none")
    percent, fraction = (effect(model.fit(one, **QUICK), one) for one in (districts, as_fraction))
    assert (percent.change, fraction.change) == (10, pytest.approx(0.1))
    # Standardised columns differ by rounding, which the sampler's paths may amplify: Monte Carlo error.
    error = percent.draws.std() / np.sqrt(100)
    assert fraction.mean == pytest.approx(percent.mean, abs=5 * error)
    assert fraction.outside_bounds == percent.outside_bounds


def test_one_standard_deviation_of_what_is_no_share(fits, districts):
    found = effect(fits("bym2"), districts, "income", points=None)
    assert found.change == pytest.approx(districts.table["income"].std(ddof=0))
    assert found.outside_bounds == ()
    assert "(one sd)" in repr(found)
    # On the standardised scale that is beta itself.
    fit = fits("bym2")
    change = 100 * (expit(fit.draws("eta") + fit.draws("beta")[:, 1:]) - expit(fit.draws("eta")))
    np.testing.assert_allclose(found.draws, change.mean(axis=1), rtol=1e-9)


def test_curves_and_interactions_follow_the_changed_table(districts):
    model = VoteShareModel("pvv ~ bs(migrants, df=4) + migrants:income", structure="none")
    fit = model.fit(districts, **QUICK)
    found = effect(fit, districts, points=2)
    migrants = districts.table["migrants"].to_numpy()
    common = design_matrices("bs(migrants, df=4) + migrants:income", districts.table).common
    changed = common.evaluate_new_data(districts.table.assign(migrants=migrants + 2)).design_matrix[:, 1:]
    standardised = (np.asarray(changed) - fit.constant("center")) / fit.constant("scale")
    eta = fit.draws("intercept")[:, None] + fit.draws("beta") @ standardised.T
    expected = 100 * (expit(eta) - expit(fit.draws("eta"))).mean(axis=1)
    # eta is kept in single precision.
    np.testing.assert_allclose(found.draws, expected, rtol=1e-4, atol=1e-5)
    beyond = migrants + 2 > migrants.max()
    assert found.outside_range == tuple(districts.ids[beyond])
    assert f"in {beyond.sum()} of 146 districts the curve is read outside" in found.note


def test_districts_that_leave_the_bounds_are_counted_and_not_clipped(fits, districts):
    found = effect(fits("bym2"), districts, points=-10)
    beyond = districts.table["migrants"] < 10
    assert found.outside_bounds == tuple(districts.ids[beyond])
    assert f"in {beyond.sum()} of 146 districts the share would leave 0 to 100 %" in found.note
    assert effect(fits("bym2"), districts, points=1).note == ""


def test_a_large_change_leads_beyond_what_was_observed(fits, districts):
    assert "leads beyond every observed value" in effect(fits("bym2"), districts, points=39).note


def test_counts_change_by_percent(counts):
    fit = VoteShareModel("pvv ~ migrants", family="poisson", structure="iid").fit(counts, **QUICK)
    found = effect(fit, counts)
    expected = 100 * (np.exp(10 * fit.draws("beta")[:, 0] / fit.constant("scale")[0]) - 1)
    np.testing.assert_allclose(found.draws, expected, rtol=1e-9)
    assert found.unit == "percent"


def test_repr_says_the_answer(fits, districts):
    found = effect(fits("bym2"), districts)
    assert repr(found).startswith(f"Effect(migrants +10 points: {found.mean:+.2f} percentage points, 95 % ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"column": "education"}, r"column 'education' is not in the table.*use one of 'pvv', 'valid'"),
        ({"column": "income"}, r"'income' is not known to be a share.*points=None"),
        ({"column": "valid", "points": None}, r"'valid' is not in formula 'pvv ~ migrants \+ income'"),
        ({"column": "name", "points": None}, r"column 'name' holds no numbers"),
        ({"points": 0}, r"points must be finite and not zero, got 0"),
        ({"points": float("nan")}, r"points must be finite and not zero, got nan"),
        (
            {"weighting": "area"},
            r"weighting 'area' is unknown: use one of 'districts', 'voters', or a",
        ),
        ({"points": 0, "weighting": "area"}, r"2 problems"),
    ],
)
def test_what_cannot_be_asked(fits, districts, arguments, message):
    named = Districts(
        districts.table.assign(name="a"),
        districts.roles,
        districts.graph,
        districts.graph_report,
        districts.about,
    )
    with pytest.raises(ModelError, match=message):
        effect(fits("bym2"), named, **arguments)


def test_without_a_migrants_column_one_must_be_named(fits, districts):
    roles = Roles(**{**vars(districts.roles), "migrants": None})
    nameless = Districts(districts.table, roles, districts.graph, districts.graph_report, districts.about)
    with pytest.raises(ModelError, match="no migrants' column: name the column"):
        effect(fits("bym2"), nameless)


def test_a_term_without_a_value_after_the_change(districts):
    fit = VoteShareModel("pvv ~ np.log(migrants)", structure="none").fit(districts, **QUICK)
    assert effect(fit, districts).mean < 0
    with pytest.raises(
        ModelError, match=r"changed by -10, a term of the formula has no value in \d+ districts"
    ):
        effect(fit, districts, points=-10)


def test_other_covariates_or_districts_than_the_fits(fits, altered, counts):
    def change(table) -> None:
        table.loc["D001", "income"] += 1

    with pytest.raises(FitError, match="covariates of these districts are not those of the fit"):
        effect(fits("bym2"), altered(change))
    with pytest.raises(FitError, match="ids are only in the fit"):
        effect(fits("bym2"), counts)
