"""Places of votes in what is expected of them: exact integrals, uniform under the true model."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import binom, binomtest, kstest, poisson

from spatialvote.analysis.checks import dispersion, pit
from spatialvote.analysis.checks.case import Case
from spatialvote.analysis.pit import Before, before_votes, transforms
from spatialvote.data.simulate import simulate_city
from spatialvote.models.families import FAMILIES
from spatialvote.models.fit_groups import draw_prior
from spatialvote.models.priors import Priors
from spatialvote.models.vote_share import VoteShareModel
from spatialvote.models.whiten import whiten

LAWS = {
    "binomial": lambda votes, size, eta: binom.cdf(votes, size, expit(eta)),
    "poisson": lambda votes, size, eta: poisson.cdf(votes, size * np.exp(eta)),
}


@pytest.mark.parametrize("family", LAWS)
@pytest.mark.parametrize("size", [3, 300, 100_000])
@pytest.mark.parametrize("sd", [0.02, 0.3, 1.0])
def test_places_are_the_integral_over_the_own_effect(counts, family, size, sd):
    votes = np.round(size * np.array([0, 0.05, 0.2, 0.5, 0.9]))
    posterior = replace(
        VoteShareModel("pvv ~ migrants", family="poisson").posterior(counts)[0],
        family=family,
        votes=votes,
        size=np.full(5, float(size)),
    )
    before = Before(np.full((1, 5), -1.4), np.full((1, 5), sd))
    at = np.linspace(-8, 8, 4001)
    weight = np.exp(-(at**2) / 2) / np.exp(-(at**2) / 2).sum()
    for part, last in ((1.0, votes), (0.0, votes - 1)):
        expected = [weight @ LAWS[family](one, size, -1.4 + sd * at) for one in last]
        found = transforms(posterior, before, 0.0, np.full(5, part), np.random.default_rng(0))[0]
        # Places are read to two digits of a percent; the grid's own error is far smaller.
        np.testing.assert_allclose(found, expected, atol=2e-4)


@pytest.mark.parametrize("structure", ["bym2", "iid", "leroux", "sar"])
def test_what_is_expected_before_the_votes(districts, structure):
    """At its mean and sd, an effect is a standard normal: the pivotal residual where that has a form."""
    fit = VoteShareModel("pvv ~ migrants", structure=structure).fit(
        districts, engine="laplace", seed=1, draws=100, progress=False
    )
    at = np.arange(20)
    case = Case.of(fit, districts, np.random.default_rng(0))
    before = before_votes(fit, at, case.precision)
    score = (fit.draws("eta", at) - before.mean) / before.sd
    # 20 draws of 146 districts; those of a district hang together, so take five sd of 146 numbers' variance.
    assert (score**2).mean() == pytest.approx(1, abs=5 * np.sqrt(2 / districts.n))
    if case.precision is not None:
        # L' applied to the k-th unit vector has L_kk at place k.
        sigma, rho = (np.full(districts.n, fit.draws(one, at)[0]) for one in ("sigma", "rho"))
        diagonal = whiten(case.precision, np.eye(districts.n), sigma, rho)[0].diagonal()
        np.testing.assert_allclose(before.sd[0], 1 / diagonal, rtol=1e-9)


@pytest.mark.parametrize("n", [25, 146, 3000])
def test_the_band_has_its_level(n):
    rng = np.random.default_rng(n)
    p_values = pit.judge_uniform(rng.random((2000, n)), rng)[0]
    # 2,000 independent samples: a sound test leaves these bounds once in ten thousand seeds.
    for level in (0.01, 0.05, 0.5):
        assert binomtest(int((p_values < level).sum()), 2000, level).pvalue > 1e-4


def test_the_band_holds_what_it_says():
    rng = np.random.default_rng(1)
    u = rng.random((1000, 200))
    _, points, ecdf, gamma = pit.judge_uniform(u, rng)
    low, high = (binom.ppf(one, 200, points) / 200 for one in (gamma / 2, 1 - gamma / 2))
    inside = ((ecdf >= low) & (ecdf <= high)).all(axis=1)
    # Steps of a discrete band are coarser than its level: at least 95 %, within four standard errors.
    assert inside.mean() > 0.95 - 4 * np.sqrt(0.95 * 0.05 / 1000)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda u: u**0.7, "higher than expected"),
        (lambda u: u**1.4, "lower than expected"),
        (lambda u: np.where(u < 0.5, 2 * u**2, 1 - 2 * (1 - u) ** 2), "More districts have extreme"),
        (lambda u: 0.25 + u / 2, "Fewer districts have extreme"),
    ],
)
def test_a_bent_ecdf_is_told_in_words(change, words):
    rng = np.random.default_rng(2)
    check = pit._uniform(change(rng.random((20, 400))), rng)
    assert check.verdict == "fail"
    assert words in check.advice


def test_the_most_extreme_district_is_named(districts):
    table = districts.table.copy()
    table.loc["D007", "pvv"] = 0
    changed = replace(districts, table=table)
    fit = VoteShareModel("pvv ~ migrants + income").fit(
        changed, engine="laplace", seed=1, draws=300, progress=False
    )
    found = {one.name: one for one in pit.run(Case.of(fit, changed, np.random.default_rng(0)))}
    assert found["pit_extreme"].verdict == "warn"
    assert found["pit_extreme"].details["beyond"] == ["D007"]
    assert found["pit_extreme"].details["tails"]["D007"] < 1e-6
    assert "'D007'" in found["pit_extreme"].advice


@pytest.mark.slow
@pytest.mark.parametrize(
    ("structure", "family"),
    [
        ("bym2", "binomial"),
        ("iid", "poisson"),
        ("none", "binomial"),
        ("leroux", "binomial"),
        ("bym2", "gaussian"),
        ("iid", "beta_binomial"),
    ],
)
def test_places_at_one_draw_are_uniform_and_checks_keep_their_level(structure, family):
    """Parameters from the prior, votes from them, a fit, its last draw: forty times."""
    replicates = 40
    priors = Priors(intercept_mean=-1.0, intercept_sd=0.3, coefficient_sd=0.3)
    model = VoteShareModel("national_list ~ migrant_share", family, structure, priors)
    rng = np.random.default_rng(20)
    districts = simulate_city(seed=5, n_districts=60).districts
    table = districts.table.copy()
    roles = districts.roles
    if family == "poisson":
        roles = replace(roles, valid=None, exposure="valid", electorate=None)
    districts = replace(districts, table=table, roles=roles)
    posterior = model.posterior(districts)[0]
    single, combined = [], {}
    for k in range(replicates):
        drawn = draw_prior(posterior, 1, rng)
        hyper = FAMILIES[family].HYPER
        dispersed = drawn[hyper[0]] if hyper else 0.0
        size = posterior.size.astype(np.int64) if "binomial" in family else posterior.size
        votes = FAMILIES[family].draw(rng, drawn["eta"], size, dispersed)[0]
        # Logits of shares are kept to a hundred-thousandth: the table counts votes.
        if family == "gaussian":
            table["valid"] = 1_000_000
            votes = np.round(1_000_000 * expit(votes)).clip(1, 999_999)
        table["national_list"] = votes.astype(np.int64)
        fit = model.fit(districts, engine="laplace", seed=k, draws=100, progress=False)
        case = Case.of(fit, districts, rng)
        last = np.array([99])
        before = before_votes(fit, last, case.precision)
        u = transforms(case.rebuilt[0], before, fit.dispersion(last), rng.random((1, 60)), rng)
        single.append(pit.judge_uniform(u, rng)[0][0])
        for check in (*pit.run(case), *dispersion.run(case)):
            combined.setdefault(check.name, []).append(check.value)
    # A sound place falls below this once in ten thousand seeds; the seeds are fixed.
    assert kstest(single, "uniform").pvalue > 1e-4
    for name, values in combined.items():
        # At most the stated level of 5 %, with the binomial error of forty fits.
        below = int((np.array(values) < (pit.EXTREME if name == "pit_extreme" else pit.LEVEL)).sum())
        assert binomtest(below, replicates, 0.05, alternative="greater").pvalue > 1e-3
