import numpy as np
import pytest
from scipy.special import expit, gammaln

from spatialvote.data.errors import FitError, ModelError
from spatialvote.data.turnout_simulate import simulate_register
from spatialvote.models.turnout.fit import TurnoutFit
from spatialvote.models.turnout.model import TurnoutModel
from spatialvote.models.turnout.posterior import TurnoutPosterior
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


def test_precision_is_the_inverse_of_the_covariance(register):
    posterior = TurnoutPosterior.of(TurnoutModel(), register.cells)
    values = posterior.values(posterior.start())
    precision, log_det = posterior.precision(values)
    assert np.linalg.slogdet(precision)[1] == pytest.approx(log_det, rel=1e-8)


def test_the_mode_is_where_the_slope_is_zero(register):
    """At the mode the derivative of the log density in each term's values is zero, by finite differences."""
    posterior = TurnoutPosterior.of(TurnoutModel(cell=False), register.cells)
    theta = posterior.start()
    point = posterior.point(theta)
    prior, _ = posterior.precision(posterior.values(theta))

    def height(x):
        m = posterior.offset + x[posterior.index].sum(axis=1)
        return (posterior.voted * m - posterior.entitled * np.logaddexp(0, m)).sum() - 0.5 * x @ prior @ x

    for position in (0, 3, posterior.size - 1):
        step = np.zeros(posterior.size)
        step[position] = 1e-4
        slope = (height(point.mode + step) - height(point.mode - step)) / 2e-4
        # Newton's method ends within 1e-4 posterior standard deviations of the mode.
        assert abs(slope) < 1e-3 * np.sqrt(prior[position, position] + 1)


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
