"""Districts whose votes are held out: no likelihood, their place in the graph, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from spatialvote.analysis.belonging import require_complete
from spatialvote.data.errors import FitError, ModelError
from spatialvote.models.fit import Fit
from spatialvote.models.priors import HalfNormal, Priors
from spatialvote.models.vote_share import VoteShareModel

HELD = ("D007", "D002", "D030")
AT = [2, 7, 30]


def having(districts, **columns):
    """The same districts with other columns."""
    return replace(districts, table=districts.table.assign(**columns))


@pytest.mark.parametrize("family", ["binomial", "beta_binomial", "poisson", "gaussian"])
@pytest.mark.parametrize("structure", ["bym2", "iid", "none", "leroux"])
def test_held_out_votes_do_not_matter_to_the_posterior(make_districts, family, structure):
    districts = make_districts()
    party = "cases" if family == "poisson" else "party"
    model = VoteShareModel(f"{party} ~ migrants", family, structure)
    if family == "gaussian":
        districts = replace(districts, roles=replace(districts.roles, exposure=None))
    posterior, design = model.posterior(districts, HELD)
    votes = districts.votes(party).copy()
    votes[AT] = [1, 2, 3]
    other, _ = model.posterior(having(districts, **{party: votes}), HELD)
    point = np.random.default_rng(1).normal(0, 0.3, posterior.n_dim)
    value, slope = posterior.function()(point)
    again, same = other.function()(point)
    assert value == again
    np.testing.assert_array_equal(slope, same)
    complete, full = model.posterior(districts)
    assert complete.function()(point)[0] != value
    # Covariates stand on the same scale, so that coefficients can be compared.
    np.testing.assert_array_equal(design.standardised, full.standardised)
    assert (posterior.size[AT] == 0).all()
    assert (np.delete(posterior.size, AT) > 0).all()


def test_the_overall_share_is_that_of_the_others(make_districts):
    districts = make_districts()
    posterior, _ = VoteShareModel("party ~ migrants").posterior(districts, HELD)
    votes, valid = np.delete(districts.votes("party"), AT), np.delete(districts.valid, AT)
    assert expit(posterior.prior_mean[0]) == pytest.approx(votes.sum() / valid.sum(), rel=1e-12)


def test_a_held_out_district_is_one_where_the_party_did_not_stand(make_districts):
    """The likelihood is switched off in the same way, so both posteriors are the same to the last digit."""
    districts = make_districts()
    votes = districts.votes("party").copy()
    votes[AT] = 0
    absent, _ = VoteShareModel("party ~ migrants", absent="zero votes").posterior(
        having(districts, party=votes)
    )
    held, _ = VoteShareModel("party ~ migrants").posterior(districts, HELD)
    point = np.random.default_rng(2).normal(0, 0.3, held.n_dim)
    assert held.function()(point)[0] == absent.function()(point)[0]


@pytest.mark.parametrize(("engine", "settings"), [("laplace", {}), ("nuts", {"draws": 100, "tune": 200})])
def test_fits_say_what_was_held_out(make_districts, tmp_path, engine, settings):
    model = VoteShareModel("party ~ migrants")
    districts = make_districts()
    fit = model.fit(districts, engine, seed=3, held_out=HELD, progress=False, **settings)
    fit = Fit.load(fit.save(tmp_path / "fit.nc"))
    assert fit.held_out == ("D002", "D007", "D030")
    assert np.flatnonzero(~fit.stood).tolist() == AT
    assert np.isnan(fit.share[AT]).all()
    assert not np.isnan(np.delete(fit.share, AT)).any()
    np.testing.assert_array_equal(fit.size, districts.valid)
    for group in ("log_likelihood", "posterior_predictive"):
        assert (fit.tree[group]["votes"].to_numpy()[..., AT] == 0).all()
    # The party stood everywhere.
    assert fit.record["absent"]["count"] == 0
    with pytest.raises(
        FitError,
        match=r"the fit did not see the votes in 3 districts \(ids 'D002', 'D007', 'D030'\): they were held "
        "out: give a fit to the votes of all",
    ):
        require_complete(fit)
    assert model.fit(districts, "laplace", seed=3, progress=False).held_out == ()


def test_held_out_districts_are_more_uncertain(make_districts):
    model = VoteShareModel("party ~ migrants", priors=Priors(sigma=HalfNormal(0.5)))
    districts = make_districts()
    known = model.fit(districts, "laplace", seed=3, progress=False).draws("eta").std(axis=0)
    held = model.fit(districts, "laplace", seed=3, held_out=HELD, progress=False).draws("eta").std(axis=0)
    # Hundreds of votes tell a logit to 0.1; without them its prior spread of about 0.3 is left.
    assert (held[AT] > 1.8 * known[AT]).all()


def test_stored_draws_belong_to_what_was_held_out(make_districts, tmp_path):
    districts, model = make_districts(), VoteShareModel("party ~ migrants", structure="none")
    settings = {"seed": 1, "draws": 20, "tune": 50, "chains": 1, "progress": False, "store": tmp_path / "s"}
    model.fit(districts, held_out=HELD, **settings)
    with pytest.raises(FitError, match="belong to another fit: another 'held_out'"):
        model.fit(districts, resume=True, **settings)
    assert model.fit(districts, held_out=HELD, resume=True, **settings).held_out == ("D002", "D007", "D030")


def test_what_cannot_be_held_out(make_districts):
    districts = make_districts()
    model = VoteShareModel("party ~ migrants")
    with pytest.raises(ModelError, match=r"3 of 4 ids to be held out are unknown \('7', 'X', 'Y'\): hold"):
        model.fit(districts, seed=1, held_out=["D001", "Y", "X", 7])
    with pytest.raises(ModelError, match="1 of 1 ids to be held out are unknown \\('districts'\\)"):
        model.outcome(districts, "districts")
    with pytest.raises(ModelError, match="all 31 districts are held out, so nothing is left"):
        model.posterior(districts, list(districts.ids))
    votes = np.zeros(31, dtype=np.int64)
    votes[[2, 7]] = 5
    few = having(districts, party=votes)
    with pytest.raises(ModelError, match="without the 3 districts held out, 'party' has no votes everywhere"):
        model.outcome(few, HELD)
    with pytest.raises(ModelError, match="without the 3 districts held out, 'party' has no votes everywhere"):
        VoteShareModel("party ~ migrants", absent="zero votes").outcome(few, HELD)
    full = having(districts, party=np.where(votes > 0, votes, districts.valid))
    with pytest.raises(ModelError, match="without the 3 districts held out, 'party' has all votes"):
        model.outcome(full, HELD)
