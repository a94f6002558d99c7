"""Elections over time: the prior against dense Kronecker algebra, gradients, invariances, both engines."""

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pytest

from spatialvote.data.elections import Elections
from spatialvote.data.elections_simulate import ElectionsTruth, change_factors, simulate_elections
from spatialvote.data.errors import FitError, ModelError
from spatialvote.data.neighbours import graph_from_edges, report_graph
from spatialvote.models.elections.fit import ElectionsFit
from spatialvote.models.elections.model import ElectionsModel
from spatialvote.models.elections.posterior import bind_elections
from spatialvote.models.elections.steps import make_steps
from spatialvote.models.latent.target import LatentTarget
from spatialvote.models.latent.terms import GROUND

FORMULA = "party ~ migrant_share + education"
MODELS = {
    "walk": ElectionsModel(FORMULA, varying=True),
    "autoregression": ElectionsModel(FORMULA, time="ar1", spacing="time", by_election=("education",)),
    "independent": ElectionsModel(FORMULA, path="free", interaction="independent"),
}


@pytest.fixture(scope="module")
def elections() -> Elections:
    """Twelve linked districts and an island at five elections, two district-elections not known."""
    made = simulate_elections(11, 13, islands=1).elections
    return replace(made, table=made.table.drop(index=[4, 40]), times=(2001.0, 2005.0, 2007.0, 2011.0, 2015.0))


@pytest.fixture(scope="module")
def fit(elections) -> ElectionsFit:
    return MODELS["walk"].fit(elections, seed=3, draws=400, cores=2)


def some_theta(bound) -> np.ndarray:
    middle = {"rho": 0.4, "persistence": 0.7}
    names = bound.posterior.hyperparameters
    return np.array([middle.get(name, -1.2 + 0.17 * q) for q, name in enumerate(names)])


def latent_covariance(bound, theta) -> np.ndarray:
    """Covariance of A z from the terms, by dense algebra on the constraints."""
    values = bound.posterior.constrain(theta)
    total = np.zeros((len(bound.column),) * 2)
    for term in bound.posterior.terms:
        q, keep = term.precision(values).toarray(), np.eye(term.size)
        if term.constraints is not None:
            c = term.constraints.toarray()
            keep -= np.linalg.pinv(c) @ c
        a = term.matrix.toarray()
        total += a @ np.linalg.pinv(keep @ q @ keep, rcond=1e-10, hermitian=True) @ a.T
    return total


def scaled(inverse: np.ndarray) -> np.ndarray:
    return inverse / np.exp(np.log(np.diag(inverse)).mean())


@pytest.mark.parametrize("name", MODELS)
def test_prior_is_that_of_kronecker_products(elections, name):
    model = MODELS[name]
    bound = bind_elections(model, elections)
    theta = some_theta(bound)
    v = {key: float(value) for key, value in bound.posterior.constrain(theta).items()}
    # The generalised inverse of R, component by component; the island stands for itself.
    i, j, w = elections.edges
    laplacian = np.zeros((13, 13))
    np.add.at(laplacian, (np.r_[i, j], np.r_[j, i]), -np.r_[w, w])
    np.fill_diagonal(laplacian, -laplacian.sum(axis=1))
    space = np.eye(13)
    space[:12, :12] = scaled(np.linalg.pinv(laplacian[:12, :12]))
    centring = np.eye(5) - 1 / 5
    if model.time == "ar1":
        years = np.array(elections.times)
        gap = np.abs(years[:, None] - years) / np.diff(years).mean()
        over_time = scaled(centring @ v["persistence"] ** gap @ centring)
    else:
        walk = np.diff(np.eye(5), axis=0)
        over_time = scaled(np.linalg.pinv(walk.T @ walk))
    t, d, z = elections.election, elections.district, bound.column
    rows = np.ix_
    expected = v["sigma"] ** 2 * ((1 - v["rho"]) * np.eye(13) + v["rho"] * space)[rows(d, d)]
    if model.interaction == "structured":
        whole = np.kron(over_time, space)
        at = t * 13 + d
        expected += v["sigma_change"] ** 2 * whole[rows(at, at)]
    if model.path == "walk":
        expected += v["sigma_path"] ** 2 * over_time[rows(t, t)] * np.outer(z, z)
    if model.varying:
        expected += v["sigma_slope"] ** 2 * space[rows(d, d)] * np.outer(z, z)
    # Fields are grounded by 1e-6 of an entry at one district of each component, whose variance is about one.
    assert np.allclose(latent_covariance(bound, theta), expected, atol=GROUND)


@pytest.mark.parametrize("name", MODELS)
def test_gradient_is_that_of_differences(elections, name):
    target = LatentTarget(bind_elections(MODELS[name], elections).posterior)
    bound = bind_elections(MODELS[name], elections)
    theta = some_theta(bound)
    mode = target.mode(theta, target.cold())
    assert mode is not None
    slope, step = target.slope(mode), 1e-4
    for q in range(len(theta)):
        ends = []
        for sign in (1, -1):
            moved = theta.copy()
            moved[q] += sign * step
            at = target.mode(moved, mode.start)
            assert at is not None
            ends.append(at.value)
        # F is about 1e4 and known to 1e-12 of that: differences to 1e-4.
        assert np.isclose(slope[q], (ends[0] - ends[1]) / (2 * step), rtol=1e-4, atol=2e-3)


def test_a_component_in_which_nothing_varies_is_no_obstacle(elections):
    """The covariate is the same in a whole component, and the component is known at one election only."""
    i, j, w = elections.edges
    apart = (i < 3) == (j < 3)
    graph = graph_from_edges(list(elections.ids), i[apart], j[apart], w[apart])
    table = elections.table.copy()
    small = table["district"] < 3
    table.loc[small, "migrant_share"] = 12.0
    known = replace(elections, table=table, graph=graph)
    once = replace(known, table=table[~small | (table["election"] == 1)].reset_index(drop=True))
    for one in (known, once):
        bound = bind_elections(MODELS["walk"], one)
        target = LatentTarget(bound.posterior)
        assert target.mode(some_theta(bound), target.cold()) is not None


def permuted(elections: Elections, order: np.ndarray) -> Elections:
    """The same elections with districts in another order: the new district k is the old order[k]."""
    place = np.argsort(order)
    table = elections.table.assign(district=place[elections.district])
    i, j, w = elections.edges
    ids = list(elections.ids[order])
    graph = graph_from_edges(ids, place[i], place[j], w)
    return replace(
        elections,
        table=table.sort_values(["election", "district"], ignore_index=True),
        places=gpd.GeoDataFrame(elections.places.iloc[order]),
        graph=graph,
        graph_report=report_graph(graph, "rook contiguity"),
    )


def test_order_of_districts_does_not_matter(elections):
    other = permuted(elections, np.random.default_rng(0).permutation(13))
    values = []
    for one in (elections, other):
        bound = bind_elections(MODELS["walk"], one)
        target = LatentTarget(bound.posterior)
        mode = target.mode(some_theta(bound), target.cold())
        assert mode is not None
        values.append(mode.value)
    # Another district is the first of its component, where the field is grounded.
    assert np.isclose(*values, rtol=0, atol=10 * GROUND)


def test_an_autoregression_lies_between_independence_and_the_walk():
    steps = make_steps("ar1", np.array([2001.0, 2005.0, 2007.0, 2015.0]))

    def over_time(r: float) -> np.ndarray:
        return steps.loadings @ steps.covariance({"persistence": np.array(r)}) @ steps.loadings.T

    free = np.eye(4) - 1 / 4
    assert np.allclose(over_time(1e-30), free / 0.75, atol=1e-9)
    walk = make_steps("rw1", np.array([2001.0, 2005.0, 2007.0, 2015.0])).loadings
    # Off the limit by about 1 - r.
    assert np.allclose(over_time(1 - 1e-6), walk @ walk.T, atol=1e-4)


def test_equal_steps_are_those_of_the_simulation():
    walk = make_steps("rw1", np.arange(5.0)).loadings
    assert np.allclose(walk @ walk.T, change_factors(5) @ change_factors(5).T)


def test_two_elections_are_a_model_of_the_change_between_them():
    walk = make_steps("rw1", np.array([2011.0, 2015.0])).loadings
    assert np.allclose(walk @ walk.T, [[1, -1], [-1, 1]])
    truth = ElectionsTruth(level=(0.12, 0.21), slopes=(0.1, -0.3))
    fit = ElectionsModel(FORMULA).fit(simulate_elections(8, 49, truth).elections, seed=1, draws=300, cores=2)
    change = np.diff(fit.draws("effect"), axis=1)[:, 0]
    low, high = np.quantile(change, [0.0005, 0.9995])
    assert low < -0.4 < high
    assert (change < 0).mean() > 0.99


def test_a_fit_has_what_it_says_and_comes_back_from_its_file(fit, elections, tmp_path):
    assert fit.draws("effect").shape == (400, 5)
    assert fit.draws("change").shape == (400, 5, 13)
    assert fit.draws("slope").shape == (400, 13)
    assert fit.hyperparameters == ("sigma_own", "sigma", "rho", "sigma_change", "sigma_path", "sigma_slope")
    change = fit.draws("change")
    # Single precision.
    assert np.allclose(change.sum(axis=1), 0, atol=1e-5)
    assert np.allclose(change[:, :, :12].sum(axis=2), 0, atol=1e-5)
    back = ElectionsFit.load(fit.save(tmp_path / "fit.nc"))
    assert np.array_equal(back.draws("eta"), fit.draws("eta"))
    assert back.model == fit.model
    back.require(elections)
    with pytest.raises(FitError, match="data and graph differ"):
        back.require(permuted(elections, np.arange(13)[::-1]))


def test_the_same_seed_gives_the_same_draws(fit, elections):
    again = MODELS["walk"].fit(elections, seed=3, draws=400, cores=1)
    assert np.array_equal(again.draws("effect"), fit.draws("effect"))


def test_both_engines_draw_from_one_posterior(fit, elections):
    exact = MODELS["walk"].fit(elections, "metropolis", seed=4, draws=400, cores=2)
    assert exact.tree["posterior"].sizes["chain"] == 4
    assert 0.2 < exact.record["drawn"]["accepted_fields"] < 1
    for name in ("effect", "persistent"):
        ours, theirs = fit.draws(name), exact.draws(name)
        # At least 100 effective draws on either side: means agree within four standard errors of their
        # difference, 0.14 standard deviations each.
        assert (np.abs(ours.mean(axis=0) - theirs.mean(axis=0)) < 0.57 * theirs.std(axis=0)).all()
        assert np.allclose(ours.std(axis=0), theirs.std(axis=0), rtol=0.4)


def test_eta_is_the_sum_of_its_parts(fit, elections):
    t, d = elections.election, elections.district
    column, others = fit.constant("column"), fit.constant("others")
    rest = (
        fit.draws("eta")
        - fit.draws("intercept")[:, t]
        - fit.draws("effect")[:, t] * column
        - fit.draws("beta") @ others.T
        - fit.draws("persistent")[:, d]
        - fit.draws("change")[:, t, d]
        - fit.draws("slope")[:, d] * column
    )
    # What is left is e ~ N(0, sigma_own^2), which the votes move: its square over the rows is about that, and
    # much less than if a part had been left out.
    ratio = rest.std(axis=1) / fit.draws("sigma_own")
    assert 0.7 < np.median(ratio) < 1.3


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"path": "straight"}, "path 'straight' is unknown"),
        ({"time": "rw2"}, "time 'rw2' is unknown"),
        ({"interaction": "III"}, "interaction 'III' is unknown"),
        ({"spacing": "months"}, "spacing 'months' is unknown"),
        ({"formula": "party ~ migrant_share + (1 | city)"}, "terms of groups"),
    ],
)
def test_impossible_models_are_refused(changes, said):
    with pytest.raises(ModelError, match=said):
        ElectionsModel(**({"formula": FORMULA} | changes))


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (ElectionsModel("party ~ education"), "'migrant_share' is no column"),
        (ElectionsModel("other ~ migrant_share"), "asks for party 'other'"),
        (ElectionsModel(FORMULA, by_election=("income",)), "by_election names 'income'"),
        (ElectionsModel(FORMULA, by_election=("migrant_share",)), "followed over time and named"),
    ],
)
def test_models_that_do_not_suit_the_elections_are_refused(elections, model, said):
    with pytest.raises(ModelError, match=said):
        bind_elections(model, elections)


def test_engines_and_settings_that_do_not_exist_are_refused(elections):
    with pytest.raises(ModelError, match="engine 'gibbs' is unknown"):
        MODELS["walk"].fit(elections, "gibbs", seed=1)
    with pytest.raises(ModelError, match="no chains"):
        MODELS["walk"].fit(elections, seed=1, chains=4)
    with pytest.raises(ModelError, match="draws are too few"):
        MODELS["walk"].fit(elections, seed=1, draws=10)


def test_a_model_comes_back_from_plain_values():
    model = ElectionsModel(FORMULA, time="ar1", by_election=("education",))
    assert ElectionsModel.from_dict(model.to_dict()) == model
    with pytest.raises(ModelError, match="no model of elections has 'walk'"):
        ElectionsModel.from_dict({"formula": FORMULA, "walk": 1})
    with pytest.raises(ModelError, match="there is no prior of 'tau'"):
        ElectionsModel.from_dict({"formula": FORMULA, "priors": {"tau": 1.0}})


def test_files_that_are_no_fits_are_refused(fit, tmp_path):
    path = fit.save(tmp_path / "fit.nc")
    tree = fit.tree.copy()
    tree.attrs = {"model": "{}"}
    tree.to_netcdf(tmp_path / "other.nc", engine="h5netcdf")
    with pytest.raises(FitError, match="is not a fit of elections"):
        ElectionsFit.load(tmp_path / "other.nc")
    with pytest.raises(FitError, match="no fit at"):
        ElectionsFit.load(path.with_name("absent.nc"))
