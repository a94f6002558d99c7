"""The whole engine: weights, the step that refreshes sigma and rho, agreement with NUTS, and its messages."""

import arviz as az
import numpy as np
import pytest

from spatialvote.data.errors import FitError, ModelError
from spatialvote.models.draw_field import draw_phi, draw_structure
from spatialvote.models.engines import choose
from spatialvote.models.laplace.engine import laplace
from spatialvote.models.laplace.joint import quadratic_forms
from spatialvote.models.laplace.proposals import Mixture, SplitT
from spatialvote.models.laplace.refresh import refresh
from spatialvote.models.laplace.target import Target
from spatialvote.models.laplace.weigh import weigh
from spatialvote.models.recover import recover
from spatialvote.models.vote_share import VoteShareModel


@pytest.mark.parametrize("structure", ["bym2", "iid", "leroux", "dagar"])
def test_refreshing_leaves_the_posterior_as_it_is(make_districts, structure):
    """Hyperparameters and effects from the prior are joint draws of a posterior without votes; so are
    refreshed ones."""
    posterior, _ = VoteShareModel("party ~ migrants", structure=structure).posterior(make_districts())
    target, rng, draws = Target.of(posterior), np.random.default_rng(8), 4000
    hyper = posterior.draw_prior(rng, draws)
    # Priors reach where the graph's effects are all but singular; draws there say nothing about the step.
    theta = np.column_stack([np.log(hyper["sigma"])])
    if "rho" in hyper:
        hyper["rho"] = np.clip(hyper["rho"], 1e-3, 1 - 1e-3)
        theta = np.column_stack([theta, np.log(hyper["rho"] / (1 - hyper["rho"]))])
    graph, order = posterior.field.graph, target.pattern[0]
    if structure == "bym2":
        phi = draw_phi(graph, rng, draws)
        noise = rng.standard_normal(phi.shape) * np.sqrt(1 - hyper["rho"])[:, None]
        u = hyper["sigma"][:, None] * (np.sqrt(hyper["rho"])[:, None] * phi + noise)
        moments = np.column_stack([(u * u).sum(1), (u * phi).sum(1), (phi * phi).sum(1)])
    else:
        u = draw_structure(posterior.field, hyper["sigma"], hyper.get("rho"), rng)
        precision = posterior.field.precision
        moments = np.column_stack([(u * u).sum(1)] * 3)
        if precision is not None:
            columns = np.ascontiguousarray(u[:, order].T)
            moments = quadratic_forms(
                precision.below_terms, precision.diagonal_terms, columns, target.pattern
            )
    moved, accepted = refresh(target, theta, moments, rng)
    assert accepted > 0.2
    for before, after in zip(theta.T, moved.T, strict=True):
        # Four standard errors of a difference of means (the pairs are correlated, so this is generous) and of
        # sds.
        assert after.mean() == pytest.approx(before.mean(), abs=4 * before.std() / np.sqrt(draws))
        assert after.std() == pytest.approx(before.std(), rel=4 * np.sqrt(2 / draws))
        assert (after != before).mean() > 0.2


@pytest.mark.parametrize("structure", ["bym2", "iid", "sar"])
def test_agrees_with_nuts(make_districts, structure):
    districts = make_districts(rows=8, columns=9)
    model = VoteShareModel("party ~ migrants + education", structure=structure)
    fast = model.fit(districts, engine="laplace", draws=2000, seed=1, progress=False)
    slow = model.fit(districts, draws=1000, chains=2, seed=2, progress=False)
    assert fast.record["laplace"]["k_hat"] < 0.7
    assert fast.record["laplace"]["importance_ess"] > 1000
    effective = fast.record["laplace"]["importance_ess"]
    for name in ("intercept", "beta", "sigma", "rho", "eta"):
        if name not in slow.tree["posterior"]:
            continue
        ours, theirs = (one.tree["posterior"][name].to_numpy() for one in (fast, slow))
        ours, theirs = (one.reshape(*one.shape[:2], -1) for one in (ours, theirs))
        for q in range(min(ours.shape[-1], 4)):
            spread = theirs[..., q].std()
            error = np.hypot(float(az.mcse(theirs[..., q].astype(float))), spread / np.sqrt(effective / 4))
            assert ours[..., q].mean() == pytest.approx(theirs[..., q].mean(), abs=4 * error), (name, q)
            assert ours[..., q].std() == pytest.approx(spread, rel=0.15), (name, q)


def test_the_same_seed_gives_the_same_draws_on_any_number_of_cores(make_districts):
    posterior, _ = VoteShareModel("party ~ migrants").posterior(make_districts())
    one = laplace(posterior, 200, np.random.default_rng(5), cores=1)
    two = laplace(posterior, 200, np.random.default_rng(5), cores=3)
    for name in ("theta", "coefficients", "phi", "eta", "log_point", "log_ratio"):
        assert np.array_equal(getattr(one, name), getattr(two, name)), name


def test_resampled_draws_are_a_joint_posterior(make_districts):
    """Coefficients given eta are Gaussian: standardised by that, the engine's are standard normal."""
    posterior, _ = VoteShareModel("party ~ migrants").posterior(make_districts())
    drawn = laplace(posterior, 2000, np.random.default_rng(6))
    hyper = posterior.constrain(drawn.theta)
    again, _ = recover(posterior, hyper, drawn.eta.astype(np.float64), np.random.default_rng(7))
    # Two draws of the same conditional: their difference has mean zero, by draw.
    difference = again - drawn.coefficients
    error = difference.std(axis=0) / np.sqrt(drawn.report["importance_ess"])
    assert np.abs(difference.mean(axis=0)) == pytest.approx(np.zeros(2), abs=4 * error.max())
    assert again.std(axis=0) == pytest.approx(drawn.coefficients.std(axis=0), rel=0.1)


def test_weights_are_resampled_in_proportion():
    rng, draws = np.random.default_rng(3), 1000
    log_ratio = rng.normal(0, 0.5, draws)
    ancestor, report = weigh(np.zeros(10), log_ratio, rng.integers(0, 10, draws), rng)
    taken = np.bincount(ancestor, minlength=draws)
    weight = np.exp(log_ratio) / np.exp(log_ratio).sum() * draws
    # Systematic resampling takes a draw of weight w floor(w) or ceil(w) times; smoothing moves the largest
    # ones.
    middle = np.argsort(weight)[: draws // 2]
    assert np.all(np.abs(taken[middle] - weight[middle]) < 1.1)
    assert np.array_equal(ancestor[taken > 0], np.flatnonzero(taken > 0))
    assert report["k_hat_points"] == 0.0
    assert report["importance_ess"] == pytest.approx(draws * np.exp(-0.25), rel=0.1)


@pytest.mark.parametrize("kind", ["split", "mixture"])
def test_proposals_have_the_density_that_they_draw_from(kind):
    """The density integrates to one, and to the fraction of draws in a box."""
    rng = np.random.default_rng(1)
    split = SplitT(
        np.array([0.3, -1.0]), np.array([[1.0, 0.4], [0.2, 0.7]]), np.array([1.3, 0.8]), np.array([0.6, 1.0])
    )
    proposal, width = split, 2
    if kind == "mixture":
        points = rng.normal(size=(40, 2))
        proposal, width = Mixture.around(points, np.full(40, 1 / 40), split), 4
    draws = proposal.draw(rng.random((40_000, width)))
    axis = np.linspace(-25, 25, 1001)
    grid = np.array(np.meshgrid(axis, axis)).reshape(2, -1).T
    density = np.concatenate([np.exp(proposal.log_density(part)) for part in np.array_split(grid, 200)])
    cell = (axis[1] - axis[0]) ** 2
    assert density.sum() * cell == pytest.approx(1, abs=5e-3)
    inside = density[np.all(np.abs(grid) <= 1.0, axis=1)].sum() * cell
    fraction = np.all(np.abs(draws) < 1.0, axis=1).mean()
    # The grid's edge cells err by a few per cent of the box.
    assert fraction == pytest.approx(inside, abs=0.03)


def test_a_short_run_says_what_is_sound_where_weights_cannot_be_trusted(make_districts, monkeypatch):
    """Votes of a handful under a k-hat that is judged by a stricter limit."""
    monkeypatch.setattr("spatialvote.models.laplace.fitting.UNRELIABLE", -9.0)
    districts = make_districts(rows=8, columns=9, mean_votes=4)
    model = VoteShareModel("party ~ migrants", structure="leroux")
    fit = model.fit(districts, engine="laplace", draws=400, seed=1, progress=False)
    compared = fit.record["laplace"]["short_run"]["compared"]
    assert set(compared) == {"intercept", "beta[0]", "sigma", "rho"}
    assert compared["beta[0]"]["sound"]


def test_settings_and_engines_are_checked(make_districts):
    districts = make_districts()
    model = VoteShareModel("party ~ migrants")
    with pytest.raises(ModelError, match="engine 'laplace' has no 'chains'"):
        model.fit(districts, engine="laplace", chains=2, seed=1)
    with pytest.raises(ModelError, match="draws must be a whole number, 100 or more, got 7"):
        model.fit(districts, engine="laplace", draws=7, seed=1)
    with pytest.raises(ModelError, match="engine 'inla' is unknown"):
        model.fit(districts, engine="inla", seed=1)
    with pytest.raises(ModelError, match="keeps no draws of an interrupted fit"):
        model.fit(districts, engine="laplace", seed=1, store="anywhere", resume=True)


def test_what_cannot_be_approximated_is_refused_in_words(make_districts, monkeypatch):
    model = VoteShareModel("party ~ migrants")

    def nowhere(*_):
        raise ArithmeticError("no Gaussian approximation at the starting hyperparameters")

    monkeypatch.setattr("spatialvote.models.laplace.engine.find_mode", nowhere)
    with pytest.raises(FitError, match="cannot approximate this posterior"):
        model.fit(make_districts(), engine="laplace", seed=1, progress=False)


@pytest.mark.parametrize(
    ("structure", "n", "chosen"),
    [
        ("bym2", 400, "nuts"),
        ("bym2", 20_000, "laplace"),
        ("iid", 5_001, "laplace"),
        ("leroux", 20_000, "nuts"),
    ],
)
def test_auto_chooses_by_size_and_structure(structure, n, chosen):
    engine, reason = choose(structure, n)
    assert engine == chosen
    assert (f"{n:,}" in reason) or structure in reason


def test_auto_is_recorded(make_districts):
    fit = VoteShareModel("party ~ migrants", structure="none").fit(
        make_districts(), engine="auto", draws=100, tune=100, chains=1, seed=1, progress=False
    )
    assert fit.record["engine"] == "nuts"
    assert fit.record["engine_choice"]["asked"] == "auto"
