"""Formulas: what they give, how they are standardised, and what is refused."""

import numpy as np
import pytest

from spatialvote.data.errors import ModelError
from spatialvote.models.design import build_design
from spatialvote.models.vote_share import VoteShareModel


def test_columns_are_standardised_with_the_population_deviation(make_districts):
    design = build_design("party ~ migrants + education", make_districts())
    assert design.party == "party"
    assert design.names == ("migrants", "education")
    np.testing.assert_allclose(design.standardised.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(design.standardised.std(axis=0, ddof=0), 1)


def test_categories_are_centred_and_keep_their_scale(make_districts):
    design = build_design("party ~ quarter", make_districts())
    assert design.names == ("quarter[old]",)
    assert design.scale.tolist() == [1.0]
    assert np.ptp(design.standardised) == pytest.approx(1.0)


def test_published_fits_can_keep_the_original_scale(make_districts):
    design = build_design("party ~ migrants", make_districts(), standardise=False)
    np.testing.assert_array_equal(design.standardised, design.matrix)


def test_counterfactual_tables_use_the_first_tables_splines(make_districts):
    districts = make_districts()
    design = build_design("party ~ bs(migrants, df=4)", districts)
    np.testing.assert_allclose(design.evaluate(districts.table.drop(columns="geometry")), design.matrix)
    moved = districts.table.drop(columns="geometry").assign(migrants=lambda t: t.migrants * 0.9 + 1)
    assert np.abs(design.evaluate(moved) - design.matrix).max() > 1e-3


def test_natural_splines_are_linear_beyond_the_data_and_hold_straight_lines(make_districts):
    districts = make_districts()
    column = "migrants"
    design = build_design(f"party ~ cr({column}, df=4)", districts)
    values = districts.table[column].to_numpy()
    rows = districts.table.drop(columns="geometry").iloc[[0] * 5]
    beyond = values.max() + np.linspace(1, 9, 5) * np.ptp(values)
    evaluated = design.evaluate(rows.assign(**{column: beyond}))
    # Rounding, against values of that size; those of `bs` differ by as much as the values.
    assert np.abs(np.diff(evaluated, n=2, axis=0)).max() < 1e-11 * np.abs(evaluated).max()
    basis = np.column_stack([np.ones(len(values)), design.matrix])
    left = values - basis @ np.linalg.lstsq(basis, values, rcond=None)[0]
    assert np.abs(left).max() < 1e-9 * np.abs(values).max()


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("party", "not of the form 'party ~ covariates'"),
        ("party ~ ", "not of the form"),
        ("a ~ b ~ c", "not of the form"),
        ("greens ~ migrants", "asks for party 'greens', which has no votes: use one of 'party', 'cases'"),
        ("party ~ wealth", "uses 'wealth', which is no column"),
        ("party ~ 0 + migrants", "removes the intercept"),
        ("party ~ migrants +", "cannot be read"),
        ("party ~ __import__('os').system('true')", "calls '__import__'"),
        ("party ~ np.linalg.inv(migrants)", r"calls 'np\.linalg\.inv'"),
        ("party ~ migrants + I(2 * migrants)", "determine each other"),
        ("party ~ I(0 * migrants)", "do not vary"),
    ],
)
def test_wrong_formulas_are_refused(make_districts, formula, message):
    with pytest.raises(ModelError, match=message):
        build_design(formula, make_districts())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"family": "probit"},
            "family 'probit' is unknown: use one of 'binomial', 'poisson', 'beta_binomial'",
        ),
        ({"structure": "car"}, "structure 'car' is unknown: use one of 'bym2', 'iid', 'none'"),
    ],
)
def test_unknown_choices_are_refused(arguments, message):
    with pytest.raises(ModelError, match=message):
        VoteShareModel("party ~ migrants", **arguments)


def test_all_wrong_choices_are_told_at_once():
    with pytest.raises(ModelError, match="2 problems") as caught:
        VoteShareModel("party ~ migrants", family="probit", structure="car")
    assert len(caught.value.problems) == 2
