"""Fits of several parties, their file, and what is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest

from spatialvote.data.errors import FitError, ModelError
from spatialvote.models.parties.fit import PartySharesFit
from spatialvote.models.parties.model import PartySharesModel
from spatialvote.models.parties.outcome import NO_VOTE, REST
from spatialvote.models.parties.priors import PartyPriors
from spatialvote.models.priors import BetaRho, HalfNormal

FORMULA = "anti + immigrant ~ migrants"


@pytest.fixture(scope="module")
def districts(make_parties):
    return make_parties()


@pytest.fixture(scope="module")
def fit(districts):
    return PartySharesModel(FORMULA).fit(districts, seed=1, draws=150, tune=150, chains=2, progress=False)


def test_a_fit_holds_what_it_says(fit, districts):
    assert fit.logits == ("anti", "immigrant")
    assert fit.categories == ("anti", "immigrant", REST)
    assert fit.hyperparameters == ("sigma", "rho", "correlation")
    np.testing.assert_array_equal(fit.counts.sum(axis=1), districts.valid)
    np.testing.assert_allclose(fit.shares().sum(axis=2), 1, rtol=1e-12)
    # Votes were drawn with slopes of -0.4 and 0.5 a standard deviation; these districts tell them apart.
    slopes = fit.draws("beta")[:, :, 0]
    assert (np.quantile(slopes[:, 0], 0.975) < 0) & (np.quantile(slopes[:, 1], 0.025) > 0)


def test_the_same_seed_gives_the_same_fit(fit, districts):
    again = PartySharesModel(FORMULA).fit(
        districts, seed=1, draws=150, tune=150, chains=2, cores=1, progress=False
    )
    for group in ("posterior", "posterior_predictive"):
        for name, values in fit.tree[group].data_vars.items():
            np.testing.assert_array_equal(values, again.tree[group][name])


def test_a_fit_survives_its_file(fit, tmp_path):
    path = fit.save(tmp_path / "fit.nc")
    loaded = PartySharesFit.load(path)
    assert loaded.model == fit.model
    # What a file keeps are plain values: lists in place of tuples.
    assert json.dumps(loaded.record) == json.dumps(fit.record)
    np.testing.assert_array_equal(loaded.draws("eta"), fit.draws("eta"))
    with pytest.raises(FitError, match="none"):
        PartySharesFit.load(tmp_path / "none.nc")


def test_the_electorate_as_a_whole(districts):
    counts = PartySharesModel(FORMULA, whole="electorate").counts(districts)
    assert counts.categories == ("anti", "immigrant", NO_VOTE, REST)
    np.testing.assert_array_equal(counts.size, districts.table["entitled"])
    np.testing.assert_array_equal(counts.counts[:, 2], districts.table["entitled"] - districts.valid)


def test_parties_that_did_not_stand_are_recorded(districts):
    table = districts.table.copy()
    table.iloc[:3, table.columns.get_loc("immigrant")] = 0
    some = replace(districts, table=table)
    counts = PartySharesModel(FORMULA, absent="zero votes").counts(some)
    assert (~counts.stood).sum(axis=0).tolist() == [0, 3]
    assert PartySharesModel(FORMULA).counts(some).stood.all()


def test_specifications_survive_plain_values():
    priors = PartyPriors(sigma=HalfNormal(0.5), rho=BetaRho(1, 2), coefficient_sd=0.7)
    model = PartySharesModel("a + `b c` ~ x", "dirichlet_multinomial", fields="coregional", priors=priors)
    assert model.parties == ("a", "b c")
    assert PartySharesModel.from_dict(model.to_dict()) == model


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"formula": "a + ~ x"}, "lacks a party beside a"),
        ({"formula": "a + b + a ~ x"}, "'a' stands twice in the formula"),
        ({"formula": "a + rest ~ x"}, "a party is called 'rest'"),
        ({"formula": "a + b ~ x + (1 | g)"}, "has group-level terms"),
        ({"formula": "a + b ~ x", "fields": "alike"}, "fields 'alike' is unknown"),
        ({"formula": "a + b ~ x", "whole": "people"}, "whole 'people' is unknown"),
        ({"formula": "a + b ~ x", "family": "binomial"}, "family 'binomial' is unknown"),
    ],
)
def test_specifications_that_are_refused(arguments, message):
    with pytest.raises(ModelError, match=message):
        PartySharesModel(**arguments)


@pytest.mark.parametrize(
    ("change", "formula", "whole", "message"),
    [
        ({}, "anti + other ~ migrants", "valid", "asks for 'other', without votes"),
        ({"entitled": 10}, FORMULA, "electorate", "valid votes exceed the electorate in 31 districts"),
        ({"immigrant": 0}, FORMULA, "valid", "party 'immigrant' has no votes everywhere"),
        ({"anti": 10**6}, FORMULA, "valid", "parties together have more votes than are valid"),
    ],
)
def test_districts_that_are_refused(districts, change, formula, whole, message):
    wrong = replace(districts, table=districts.table.assign(**change))
    with pytest.raises(ModelError, match=message):
        PartySharesModel(formula, whole=whole).counts(wrong)


def test_an_electorate_is_needed(districts):
    without = replace(districts, roles=replace(districts.roles, electorate=None))
    with pytest.raises(ModelError, match="needs the role 'electorate'"):
        PartySharesModel(FORMULA, whole="electorate").counts(without)
