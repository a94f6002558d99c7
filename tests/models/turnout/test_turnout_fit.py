import numpy as np
import pytest
from scipy.special import expit, gammaln
from scipy.stats import norm
from threadpoolctl import threadpool_info, threadpool_limits

from spatialvote.data.errors import FitError, ModelError
from spatialvote.data.turnout_simulate import simulate_register
from spatialvote.models.turnout.explore import explore
from spatialvote.models.turnout.fit import TurnoutFit
from spatialvote.models.turnout.model import TurnoutModel
from spatialvote.models.turnout.posterior import TurnoutPosterior, cell_precision
from spatialvote.models.turnout.terms import walk_structure


@pytest.fixture(scope="module")
def register():
    return simulate_register(1, electorate=8000, areas=9)


@pytest.fixture(scope="module")
def fit(register):
    return TurnoutModel().fit(register.cells, seed=1, draws=800)


@pytest.mark.parametrize("order", [1, 2])
def test_walks_are_scaled_and_their_null_space_is_polynomial(order):
    vectors, values = walk_structure(9, order)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(9), atol=1e-10)
    assert (values[:order] == 0).all()
    assert (values[order:] > 0).all()
    marginal = (vectors[:, order:] ** 2 / values[order:]).sum(axis=1)
    assert np.log(marginal).mean() == pytest.approx(0, abs=1e-10)
    line = np.linspace(0, 1, 9) ** (order - 1)
    inside = vectors[:, :order] @ (vectors[:, :order].T @ line)
    np.testing.assert_allclose(inside, line, atol=1e-10)


def whole_precision(prior):
    """Q, the eliminated term last."""
    return np.block(
        [
            [prior.kept, np.zeros((len(prior.kept), prior.own.size))],
            [np.zeros((prior.own.size, len(prior.kept))), np.diag(prior.own)],
        ]
    )


def rows(posterior):
    """A, dense."""
    matrix = np.zeros((posterior.voted.size, posterior.size))
    for term in range(posterior.index.shape[1]):
        matrix[np.arange(len(matrix)), posterior.index[:, term]] += posterior.scale[:, term]
    return matrix


MODELS = {
    "an interaction is eliminated": TurnoutModel(),
    "the larger of two interactions": TurnoutModel(interactions=(("group", "area"), ("age", "area"))),
    "nothing is eliminated": TurnoutModel(interactions=(), cell=False),
}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_precision_and_factor_are_those_of_dense_algebra(register, model):
    posterior = TurnoutPosterior.of(model, register.cells)
    rng = np.random.default_rng(1)
    theta = rng.normal(size=len(posterior.hypers))
    point = posterior.point(theta)
    prior = whole_precision(point.prior)
    assert np.linalg.slogdet(prior)[1] == pytest.approx(point.prior.log_det, rel=1e-8)
    x = rng.normal(size=posterior.size)
    np.testing.assert_allclose(point.prior.times(x), prior @ x, rtol=1e-10)
    a = rows(posterior)
    np.testing.assert_allclose(posterior.predictor(x), posterior.offset + a @ x, rtol=1e-10)
    whole = prior + a.T @ (point.cells[2][:, None] * a)
    assert point.factor.half_log_det == pytest.approx(np.linalg.slogdet(whole)[1] / 2, rel=1e-8)
    np.testing.assert_allclose(point.factor.solve(x), np.linalg.solve(whole, x), rtol=1e-6, atol=1e-9)
    # Colouring unit vectors gives a root of the inverse.
    root = point.factor.colour(np.eye(posterior.size))
    np.testing.assert_allclose(root @ root.T, np.linalg.inv(whole), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_the_mode_is_where_the_slope_is_zero(register, model):
    """At the mode the derivative of the log density in each term's values is zero, by finite differences."""
    posterior = TurnoutPosterior.of(model, register.cells)
    point = posterior.point(np.zeros(len(posterior.hypers)))
    t = cell_precision(posterior.values(np.zeros(len(posterior.hypers))))
    out = np.empty_like(point.cells)

    def height(x):
        return posterior.height(x, point.prior, t, point.cells[8].copy(), out)

    whole = np.diag(whole_precision(point.prior))
    for position in (0, 3, posterior.size - 1):
        step = np.zeros(posterior.size)
        step[position] = 1e-4
        slope = (height(point.mode + step) - height(point.mode - step)) / 2e-4
        # Newton's method ends within 1e-4 posterior standard deviations of the mode.
        assert abs(slope) < 1e-3 * np.sqrt(whole[position] + 1)


def test_scores_are_standard_normal_under_the_prior(register):
    """A hyperparameter below its prior's quantile has a score below the Normal's, exactly."""
    posterior = TurnoutPosterior.of(TurnoutModel(), register.cells)
    scores = np.array([-4.0, -1.0, 0.0, 2.0])
    for hyper in posterior.hypers:
        values = hyper.value(scores)
        assert (np.diff(values) > 0).all()
        if hyper.name == "rho":
            # P(rho < 0.5) = 2/3 is how the prior is stated.
            assert hyper.value(norm.ppf(2 / 3)) == pytest.approx(0.5, abs=1e-6)
        else:
            rate = -np.log(hyper.prior.tail) / hyper.prior.upper
            np.testing.assert_allclose(-np.expm1(-rate * values), norm.cdf(scores), rtol=1e-10)


def test_the_ends_of_the_scores_have_a_density(register):
    """Standard deviations of next to nothing or of many logits must not break the factorisation."""
    posterior = TurnoutPosterior.of(TurnoutModel(), register.cells)
    size = len(posterior.hypers)
    near = posterior.point(np.zeros(size)).value
    for place in range(size):
        for score in (-6.4, 6.4):
            theta = np.zeros(size)
            theta[place] = score
            assert np.isfinite(posterior.point(theta).value)
    assert np.isfinite(posterior.point(np.full(size, -6.4)).value)
    # A priori the far end has a density e^(-6.4^2 / 2) = e^(-20) times smaller in each.
    assert posterior.point(np.full(size, -6.4)).value < near - 20


def test_one_thread_of_blas_is_enough(register, monkeypatch):
    """Threads of BLAS on small matrices wait for each other by spinning: a fit must not start them."""
    seen = []

    def note(posterior, rng):
        seen.extend(one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas")
        return explore(posterior, rng)

    monkeypatch.setattr("spatialvote.models.turnout.fitting.explore", note)
    TurnoutModel(interactions=(), cell=False, area="iid").fit(register.cells, seed=1, draws=100)
    assert seen
    assert set(seen) == {1}


def test_points_cover_what_a_long_walk_finds(register):
    """Means and spreads of the scores agree with a random walk over the same marginal."""
    posterior = TurnoutPosterior.of(TurnoutModel(interactions=(), area="iid"), register.cells)
    with threadpool_limits(limits=1, user_api="blas"):
        explored = explore(posterior, np.random.default_rng(1))
        mean = explored.weight @ explored.theta
        spread = np.sqrt(explored.weight @ (explored.theta - mean) ** 2)
        rng = np.random.default_rng(2)
        theta, walk = mean, []
        now = posterior.point(theta)
        for _ in range(1500):
            proposed = theta + spread * rng.normal(size=theta.size)
            new = posterior.point(proposed, now.mode)
            if np.log(rng.random()) < new.value - now.value:
                theta, now = proposed, new
            walk.append(theta)
    walk = np.array(walk)
    # A walk of five dimensions is worth about a thirtieth of its length: 50 draws, a standard error of 0.14
    # standard deviations of a mean and 0.1 of a spread, and the points' own error of 0.07.
    np.testing.assert_allclose((walk.mean(axis=0) - mean) / spread, 0, atol=0.6)
    np.testing.assert_allclose(walk.std(axis=0) / spread, 1, atol=0.45)
    assert explored.k < 0.7


def test_one_cell_integrates_to_the_exact_posterior():
    """Two levels and no hyperparameter: the posterior has three dimensions and is had on a grid."""
    cells = simulate_register(3, electorate=3000, areas=4).cells
    table = cells.table.groupby("age", as_index=False)[["entitled", "voted"]].sum().iloc[:2]
    from spatialvote.data.turnout import TurnoutCells

    small = TurnoutCells(table.assign(sex=[0, 1]).drop(columns="age"), {"sex": ("men", "women")})
    model = TurnoutModel(interactions=(), cell=False)
    draws = model.fit(small, seed=1, draws=4000).probability
    offset = TurnoutPosterior.of(model, small).offset
    grid = np.linspace(-4, 4, 161)
    common, first, second = np.meshgrid(grid, grid[::4] / 2, grid[::4] / 2, indexing="ij")
    log = -0.5 * (common / 1.5) ** 2 - 0.5 * (first / 0.5) ** 2 - 0.5 * (second / 0.5) ** 2
    for k, one in enumerate((first, second)):
        eta = offset + common + one
        n, y = small.entitled[k], small.voted[k]
        log = log + y * eta - n * np.logaddexp(0, eta) + gammaln(n + 1)
    weight = np.exp(log - log.max())
    weight /= weight.sum()
    for k, one in enumerate((first, second)):
        exact = (weight * expit(offset + common + one)).sum()
        # Four Monte Carlo standard errors, and the grid's own error.
        error = 4 * draws[:, k].std() / np.sqrt(4000) + 2e-3
        assert draws[:, k].mean() == pytest.approx(exact, abs=error)


def test_pooled_rates_beat_raw_ones(register, fit):
    n, y, p = register.cells.entitled, register.cells.voted, register.probability
    few = (n > 0) & (n < 10)
    raw = ((y[few] / n[few] - p[few]) ** 2).mean()
    pooled = ((fit.probability.mean(axis=0)[few] - p[few]) ** 2).mean()
    assert pooled < raw / 5


def test_intervals_hold_the_truth(register, fit):
    low, high = np.quantile(fit.probability, [0.025, 0.975], axis=0)
    covered = ((low <= register.probability) & (register.probability <= high)).mean()
    # Cells share their group's and area's error, so that coverage within one register varies widely.
    assert covered > 0.75


def test_a_seed_gives_the_same_fit_and_the_file_keeps_it(register, fit, tmp_path):
    again = TurnoutModel().fit(register.cells, seed=1, draws=800)
    np.testing.assert_array_equal(again.draws("eta"), fit.draws("eta"))
    read = TurnoutFit.load(fit.save(tmp_path / "fit.nc"))
    np.testing.assert_array_equal(read.draws("eta"), fit.draws("eta"))
    assert read.model == fit.model
    assert read.cells.fingerprint == register.cells.fingerprint
    assert read.record["seed"] == 1


def test_prediction_of_a_cell_agrees_with_its_terms(fit):
    cells = fit.cells
    positions = {name: cells.index(name)[:5] for name in cells.factors}
    predicted = fit.predict(positions, np.random.default_rng(1)).mean(axis=0)
    own = fit.probability[:, :5].mean(axis=0)
    # They differ by the cells' own effects, small here, and by Monte Carlo error.
    np.testing.assert_allclose(predicted, own, atol=0.05)


def test_damaged_files_are_refused(fit, tmp_path, monkeypatch):
    with pytest.raises(FitError, match="no fit at"):
        TurnoutFit.load(tmp_path / "none.nc")
    (tmp_path / "text.nc").write_text("text", encoding="utf-8")
    with pytest.raises(FitError, match="cannot be read as netCDF"):
        TurnoutFit.load(tmp_path / "text.nc")
    changed = TurnoutFit(fit.tree, fit.model, fit.cells, {**fit.record, "fingerprints": {"cells": "0"}})
    with pytest.raises(FitError, match="not those that were fitted"):
        TurnoutFit.load(changed.save(tmp_path / "other.nc"))
    saved = fit.save(tmp_path / "long.nc")
    monkeypatch.setattr("spatialvote.models.fit_file._LONGEST", 10)
    with pytest.raises(FitError, match=r"the cells in '.*' has .* letters, and 10 at most are read"):
        TurnoutFit.load(saved)


@pytest.mark.parametrize("age", ["rw2", "iid"])
def test_other_walks_and_iid_areas_fit(register, age):
    model = TurnoutModel(age=age, area="iid", interactions=())
    found = model.fit(register.cells, seed=1, draws=200)
    assert found.probability.shape == (200, len(register.cells.table))
    assert "rho" not in found.hyperparameters
    assert TurnoutModel.from_dict(model.to_dict()) == model


def test_models_that_cannot_be(register):
    with pytest.raises(ModelError, match="age is 'ar1'"):
        TurnoutModel(age="ar1")
    with pytest.raises(ModelError, match="area is 'car'"):
        TurnoutModel(area="car")
    with pytest.raises(ModelError, match="group x group is none of two factors"):
        TurnoutModel(interactions=(("group", "group"),))
    with pytest.raises(ModelError, match="sex x age needs factors"):
        TurnoutModel(interactions=(("sex", "age"),)).fit(register.cells, seed=1)
    with pytest.raises(ModelError, match="a turnout model has no 'ages'"):
        TurnoutModel.from_dict({"ages": "rw1"})
