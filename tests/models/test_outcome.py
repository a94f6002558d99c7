"""What each family takes for votes and sizes, where the party did not stand, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from spatialvote.data.errors import ModelError
from spatialvote.models.fit_groups import draw_prior
from spatialvote.models.outcome import absence_record, read_outcome
from spatialvote.models.priors import BetaRho, HalfNormal, PCOverdispersion, PCRho, PCSigma, Priors
from spatialvote.models.vote_share import VoteShareModel


def having(districts, **columns):
    """The same districts with other columns."""
    return replace(districts, table=districts.table.assign(**columns))


@pytest.fixture
def counted(make_districts):
    """Districts of which four have no votes for the party."""
    districts = make_districts()
    votes = districts.table["party"].to_numpy().copy()
    votes[[2, 5, 7, 30]] = 0
    return having(districts, party=votes)


@pytest.fixture
def shared(counted):
    """The same with shares in percent and nothing else known."""
    share = 100 * counted.table["party"] / counted.table["valid"]
    roles = replace(counted.roles, votes={"party": "party"}, valid=None, exposure=None)
    roles = replace(roles, units={**roles.units, "party": "percent"})
    return replace(having(counted, party=share), roles=roles)


@pytest.mark.parametrize("family", ["binomial", "beta_binomial", "poisson"])
def test_zeros_are_counts_unless_told_otherwise(counted, family):
    party = "party" if family != "poisson" else "cases"
    outcome = read_outcome(family, counted, party, "none")
    denominator = counted.exposure if family == "poisson" else counted.valid
    np.testing.assert_array_equal(outcome.votes, counted.votes(party))
    np.testing.assert_array_equal(outcome.size, denominator)
    assert outcome.stood.all()
    assert absence_record(outcome, counted, party, "none") == {"rule": "none", "count": 0, "ids": []}


@pytest.mark.parametrize("family", ["binomial", "beta_binomial"])
def test_a_party_without_votes_did_not_stand_there(counted, family):
    outcome = read_outcome(family, counted, "party", "zero votes")
    assert np.flatnonzero(~outcome.stood).tolist() == [2, 5, 7, 30]
    np.testing.assert_array_equal(outcome.size[~outcome.stood], 0)
    np.testing.assert_array_equal(outcome.denominator, counted.valid)
    record = absence_record(outcome, counted, "party", "zero votes")
    assert record == {"rule": "zero votes", "count": 4, "ids": ["D002", "D005", "D007", "D030"]}


def test_a_party_absent_from_most_districts_is_remarked_on(counted):
    votes = counted.table["party"].to_numpy().copy()
    votes[:20] = 0
    districts = having(counted, party=votes)
    record = absence_record(
        read_outcome("binomial", districts, "party", "zero votes"), districts, "party", "zero votes"
    )
    assert record["count"] == 21
    assert record["note"].startswith("'party' has no votes in 21 of 31 districts")
    assert 'use absent="none"' in record["note"]


def test_logits_come_from_counts_or_from_shares(counted, shared):
    from_counts = read_outcome("gaussian", counted, "party", "zero votes")
    from_shares = read_outcome("gaussian", shared, "party", "zero votes")
    stood = from_counts.stood
    np.testing.assert_allclose(expit(from_counts.votes[stood]), counted.share("party")[stood], rtol=1e-12)
    np.testing.assert_allclose(from_shares.votes, from_counts.votes, rtol=1e-12)
    np.testing.assert_array_equal(from_shares.size, stood)
    assert (from_counts.votes[~stood] == 0).all()


def test_shares_of_zero_and_one_have_no_logit(shared):
    share = shared.table["party"].to_numpy().copy()
    share[11] = 100.0
    with pytest.raises(ModelError) as raised:
        read_outcome("gaussian", having(shared, party=share), "party", "none")
    zero, one = map(str, raised.value.problems)
    assert zero == (
        "the share of 'party' is 0 in 4 districts (ids 'D002', 'D005', 'D007' and 1 more), which has no "
        "logit: use absent=\"zero votes\" where the party did not stand there, or family 'binomial' with "
        "counts"
    )
    assert one == (
        "the share of 'party' is 1 in 1 district (id 'D011'), which has no logit: leave these districts out, "
        "or use family 'binomial' with counts"
    )


@pytest.mark.parametrize(
    ("family", "wanted"),
    [("binomial", "valid votes"), ("beta_binomial", "valid votes"), ("poisson", "an exp")],
)
def test_families_of_counts_refuse_shares(shared, family, wanted):
    message = (
        rf"family '{family}' counts votes, and of 'party' these districts have shares only "
        rf"\(column 'party'\): choose family 'gaussian', or read the counts and name {wanted}"
    )
    with pytest.raises(ModelError, match=message):
        VoteShareModel("party ~ migrants", family).posterior(shared)


def test_other_outcomes_that_do_not_suit_the_family(counted):
    rates = replace(counted, roles=replace(counted.roles, valid=None))
    with pytest.raises(
        ModelError, match="family 'gaussian' needs shares of votes, and these districts have "
    ):
        read_outcome("gaussian", rates, "cases", "none")
    with pytest.raises(ModelError, match="family 'beta_binomial' needs the role 'valid'"):
        read_outcome("beta_binomial", rates, "cases", "none")
    for family in ("binomial", "gaussian"):
        with pytest.raises(ModelError, match="party 'party' has no votes everywhere"):
            read_outcome(family, having(counted, party=0), "party", "zero votes")
    with pytest.raises(ModelError, match="party 'party' has all votes everywhere"):
        read_outcome("binomial", having(counted, party=counted.valid), "party", "none")


def test_unknown_rule_is_refused():
    with pytest.raises(ModelError, match="absent 'missing' is unknown: use one of 'none', 'zero votes'"):
        VoteShareModel("a ~ b", absent="missing")


def test_groups_add_columns_after_the_covariates(counted):
    model = VoteShareModel("party ~ migrants + (1 | quarter)", "beta_binomial", absent="zero votes")
    posterior, design = model.posterior(counted)
    assert posterior.groups == ("quarter",)
    assert posterior.column_group.tolist() == [0, 0, 1, 1]
    np.testing.assert_array_equal(posterior.design[:, 2:], design.groups[0].matrix)
    assert posterior.prior_sd.tolist() == [1.5, 1.0, 1.0, 1.0]
    assert posterior.prior_mean[2:].tolist() == [0.0, 0.0]
    assert (posterior.size == 0).sum() == 4
    # The overall share is that of the districts where the party stood.
    there = posterior.size > 0
    level = expit(posterior.prior_mean[0])
    assert level == pytest.approx(posterior.votes.sum() / counted.valid[there].sum())


def test_prior_draws_cover_every_unknown(counted):
    priors = Priors(group=HalfNormal(0.5), overdispersion=PCOverdispersion(0.05, 0.05))
    model = VoteShareModel("party ~ migrants + (1 | quarter)", "beta_binomial", priors=priors)
    posterior, _ = model.posterior(counted)
    drawn = draw_prior(posterior, 4000, np.random.default_rng(1))
    assert set(drawn) == {
        *("intercept", "beta", "effect_quarter", "sigma", "rho", "overdispersion", "sd_quarter", "eta")
    }
    # Given their standard deviation the levels are Normal: the ratio is standard normal, to 4 errors.
    ratio = (drawn["effect_quarter"] / drawn["sd_quarter"][:, None]).ravel()
    assert ratio.std() == pytest.approx(1, abs=4 / np.sqrt(2 * len(ratio)))
    above = np.mean(drawn["overdispersion"] > 0.05)
    assert above == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 4000))


def test_specifications_survive_as_plain_values():
    priors = Priors(
        sigma=HalfNormal(0.4),
        overdispersion=PCOverdispersion(0.2, 0.05),
        noise=HalfNormal(0.1),
        group=PCSigma(0.5, 0.1),
    )
    for structure, rho in (("bym2", PCRho()), ("leroux", BetaRho()), ("iid", None)):
        model = VoteShareModel(
            "a ~ b + (1 | c)", "beta_binomial", structure, priors=priors, absent="zero votes"
        )
        assert model.priors.rho == rho
        assert VoteShareModel.from_dict(model.to_dict()) == model
    with pytest.raises(ModelError, match="PC prior of rho is made for structure 'bym2', not for 'sar'"):
        VoteShareModel("a ~ b", structure="sar", priors=Priors(rho=PCRho()))
