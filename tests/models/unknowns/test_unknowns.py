"""Unknown values of covariates: density against dense algebra, slopes against differences, limits."""

import ctypes
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import root
from scipy.special import expit, logit
from scipy.stats import multivariate_normal

from spatialvote.data.declare_uncertain import declare_uncertain
from spatialvote.data.errors import ModelError
from spatialvote.data.neighbours import graph_from_edges
from spatialvote.data.scales import to_line
from spatialvote.data.uncertain import Uncertain
from spatialvote.models.centring import centre
from spatialvote.models.engines import choose
from spatialvote.models.fit import Fit
from spatialvote.models.native import native_model
from spatialvote.models.nuts import NutsSettings, starting_point, suited
from spatialvote.models.priors import log_prior_rho
from spatialvote.models.recover import recover
from spatialvote.models.scaled_graph import scale_graph
from spatialvote.models.unknowns.alone import draw_alone
from spatialvote.models.unknowns.bind import COEFFICIENT_SD, INTERCEPT_SD, TAU, bind_unknowns
from spatialvote.models.unknowns.native import joint_density
from spatialvote.models.vote_share import VoteShareModel

Reals = ctypes.POINTER(ctypes.c_double)
FORMULA = "party ~ migrants + education + migrants:expected"


@pytest.fixture(scope="module")
def whole(make_districts):
    """Every value is known."""
    districts = make_districts(rows=5, columns=6)
    return replace(districts, roles=replace(districts.roles, covariates=("education", "expected")))


@pytest.fixture(scope="module")
def uncertain(whole):
    """Migrants are rounded and suppressed, education is estimated, `expected` is known."""
    return spoil(whole)


def spoil(whole):
    """Round, suppress and estimate values of some districts, whatever their order."""
    ids = sorted(whole.ids)
    migrants = whole.table["migrants"].clip(0.5, 60).round(0)
    migrants.loc[[ids[3], ids[11]]] = np.nan
    education, se = whole.table["education"].copy(), pd.Series(3.0, index=whole.ids)
    education.loc[ids[7]], se.loc[ids[7]] = np.nan, np.nan
    se.loc[ids[:3]] = 0.0
    columns = pd.DataFrame({"migrants": migrants, "education": education, "se": se, "count": 400.0})
    declared = {
        "migrants": Uncertain(rounded=4, suppressed_below=10, denominator="count"),
        "education": Uncertain(missing=True, se="se"),
    }
    return declare_uncertain(whole, declared, columns)


def blanked(whole, *, rows=(2, 9, 17), **how):
    """Districts without education in some rows."""
    education = whole.table[["education"]].copy()
    education.iloc[list(rows)] = np.nan
    return declare_uncertain(whole, {"education": Uncertain(missing=True, **how)}, education)


def bound(districts, structure="bym2", formula=FORMULA):
    posterior, design = VoteShareModel(formula, structure=structure).posterior(districts)
    unknowns = bind_unknowns(districts, posterior, design)
    return posterior, centre(posterior) if posterior.has_field else None, unknowns


def values_at(posterior, centring, unknowns, rest, votes):
    """Unknown values at coordinates, on which those of the votes' field have an influence."""
    named = posterior.constrain(centring.theta(votes[None]))
    return unknowns.draws(rest[None], named["sigma"], named["rho"])["unknown"][0]


def a_point(posterior, unknowns, seed=4):
    rng = np.random.default_rng(seed)
    return np.concatenate([starting_point(posterior, rng), unknowns.start(rng)])


@pytest.mark.parametrize(
    ("structure", "largest"), [("bym2", 1500), ("bym2", 0), ("iid", 1500), ("none", 1500)]
)
def test_slopes_against_differences(uncertain, structure, largest, monkeypatch):
    monkeypatch.setattr("spatialvote.models.unknowns.whitened.LARGEST", largest)
    posterior, centring, unknowns = bound(uncertain, structure)
    assert (len(unknowns.arrays.basis) > 0) == (largest > 0)
    density = joint_density(posterior, centring, unknowns)
    point = a_point(posterior, unknowns)
    _, slope = density(point)
    step = 1e-5
    differences = np.array(
        [
            (density(point + one)[0] - density(point - one)[0]) / (2 * step)
            for one in step * np.eye(point.size)
        ]
    )
    # Differences lose about 1e-16 |log p| / step, log p being some 1e4, and err by step^2.
    np.testing.assert_allclose(slope, differences, rtol=1e-5, atol=1e-5 * max(1, np.abs(slope).max() / 100))


def test_density_against_dense_algebra(uncertain, dense):
    posterior, centring, unknowns = bound(uncertain)
    graph = scale_graph(uncertain.n, *uncertain.edges)
    density = joint_density(posterior, centring, unknowns)
    given, arrays = uncertain.table, unknowns.arrays
    frame = uncertain.unknown.frame.set_index(["column", "district"])
    expected = given["expected"].to_numpy()
    others = np.column_stack([np.ones(uncertain.n), (expected - expected.mean()) / expected.std()])
    start = {"migrants": logit(given["migrants"] / 100), "education": logit(given["education"] / 100)}
    centres = {name: (z.mean(), z.std(ddof=0)) for name, z in start.items()}

    def by_hand(point):
        votes, rest = point[: posterior.n_dim], point[posterior.n_dim :]
        theta, v = rest[:4], rest[4:]
        values = values_at(posterior, centring, unknowns, rest, votes)
        x = given.copy()
        for label, value in zip(unknowns.labels, values, strict=True):
            column, district = label[:-1].split("[")
            x.loc[district, column] = value
        moved = np.column_stack([x["migrants"], x["education"], x["migrants"] * x["expected"]])
        plain = np.column_stack(
            [given["migrants"], given["education"], given["migrants"] * given["expected"]]
        )
        design = np.column_stack([np.ones(uncertain.n), (moved - plain.mean(axis=0)) / plain.std(axis=0)])
        # The votes' density with another design, and the sampler's Jacobian, which does not depend on it.
        other = replace(posterior, design=design)
        first = posterior.n_hyper
        at = np.concatenate([centring.theta(votes[None])[0], centring.eta(votes[None])[0]])
        assert len(at) == first + uncertain.n
        total = other.function()(at)[0] - posterior.function()(at)[0] + plain_value(votes)
        columns = others
        for c, name in enumerate(("migrants", "education")):
            z = (logit(x[name].to_numpy() / 100) - centres[name][0]) / centres[name][1]
            tau, share = np.exp(theta[2 * c]), expit(theta[2 * c + 1])
            sd = np.r_[INTERCEPT_SD, np.full(columns.shape[1] - 1, COEFFICIENT_SD)]
            covariance = dense(graph, tau, share) + (columns * sd**2) @ columns.T
            total += multivariate_normal(np.zeros(uncertain.n), covariance).logpdf(z)
            rate = TAU.code()[1]
            total += np.log(rate * tau) - rate * tau + prior_of_rho(share)
            columns = np.column_stack([columns, z])
        for e, label in enumerate(unknowns.labels):
            column, district = label[:-1].split("[")
            row = frame.loc[(column, district)]
            if row["se"] > 0:
                total -= 0.5 * ((row["value"] - values[e]) / row["se"]) ** 2
        # The Jacobian of the standardised values in their coordinates, by differences.
        step, columns = 1e-5, []
        sds = np.array([centres[unknowns.columns[c]][1] for c in arrays.owner])
        for e in range(len(v)):
            up, down = rest.copy(), rest.copy()
            up[4 + e] += step
            down[4 + e] -= step
            ends = [logit(values_at(posterior, centring, unknowns, one, votes) / 100) for one in (up, down)]
            columns.append((ends[0] - ends[1]) / sds / (2 * step))
        return total + np.linalg.slogdet(np.array(columns))[1]

    def plain_value(votes):
        """Of the votes' posterior by itself, from the C function that the sampler calls without unknowns."""
        model, value = native_model(posterior, centring, None), np.empty(1)
        pointers = [one.ctypes.data_as(Reals) for one in (votes.copy(), np.empty(votes.size), value)]
        model.compiled_logp_func.ctypes(votes.size, *pointers, model.user_data.ctypes.data)
        return float(value[0])

    def prior_of_rho(share):
        kind, first, second = int(arrays.prior_kind[1]), *arrays.prior_number[1]
        return log_prior_rho(share, kind, first, second, arrays.node, arrays.node_weight)[0]

    points = [a_point(posterior, unknowns, seed) for seed in (4, 5)]
    # Up to a constant; the Jacobian by differences is right to about 1e-8 for each of 60 values.
    assert density(points[0])[0] - density(points[1])[0] == pytest.approx(
        by_hand(points[0]) - by_hand(points[1]), abs=1e-5
    )


def test_the_order_of_districts_does_not_matter(whole, uncertain):
    rng = np.random.default_rng(8)
    order = rng.permutation(whole.n)
    i, j, weight = whole.edges
    place = np.argsort(order)
    graph = graph_from_edges(list(whole.ids[order]), place[i], place[j], weight)
    turned = spoil(replace(whole, table=whole.table.iloc[order], graph=graph))
    posterior, centring, unknowns = bound(uncertain)
    other, other_centring, other_unknowns = bound(turned)
    point = a_point(posterior, unknowns)
    first, m = posterior.n_hyper, len(unknowns.labels)
    votes = np.concatenate([point[:first], point[first : first + whole.n][order]])
    rest = point[first + whole.n :]
    line = to_line("logit", 100, values_at(posterior, centring, unknowns, rest, point[: first + whole.n]))
    found = dict(zip(unknowns.labels, line, strict=True))
    wanted = np.array([found[label] for label in other_unknowns.labels])

    def away(v):
        at = np.concatenate([rest[:-m], v])
        return to_line("logit", 100, values_at(other, other_centring, other_unknowns, at, votes)) - wanted

    # Values that move together are a straight line in their coordinates, but not the same one in both.
    moved = np.concatenate([votes, rest[:-m], root(away, np.zeros(m), tol=1e-13).x])
    value, slope = joint_density(posterior, centring, unknowns)(point)
    # Solved to about 1e-8 in every coordinate.
    assert joint_density(other, other_centring, other_unknowns)(moved)[0] == pytest.approx(
        value, abs=1e-7 * np.abs(slope).sum()
    )


@pytest.mark.parametrize(("tau", "share"), [(0.05, 0.3), (0.7, 0.5), (0.6, 0.99)])
def test_estimates_and_field_together_are_standard_normal(whole, dense, tau, share):
    """Mean and covariance of all values in their coordinates, against the conditional normal."""
    # Without the island: the mean of all is then a direction that the field leaves alone.
    graph = graph_from_edges(list(whole.ids[:-1]), *whole.edges)
    roles = replace(whole.roles, migrants=None, covariates=("education",), units={})
    connected = replace(whole, roles=roles, table=whole.table.iloc[:-1], graph=graph)
    n, se = connected.n, pd.DataFrame({"se": 6.0}, index=connected.ids)
    estimated = declare_uncertain(connected, {"education": Uncertain(se="se", scale="identity")}, se)
    unknowns = bound(estimated, formula="party ~ education")[2]
    a, theta = unknowns.arrays, np.array([np.log(tau), logit(share)])
    points = np.column_stack([np.tile(theta, (n + 1, 1)), np.eye(n + 1, n, -1)])
    x = unknowns.draws_alone(points)["unknown"]
    z, error = (x - a.constants[0, 0]) / a.constants[0, 1], 6.0 / a.constants[0, 1]
    field = dense(scale_graph(n, *connected.edges), tau, share) + INTERCEPT_SD**2
    covariance = np.linalg.inv(np.linalg.inv(field) + np.eye(n) / error**2)
    by_coordinate = (z[1:] - z[0]).T
    # The graph's matrix is inverted with 1e-8 on its diagonal.
    np.testing.assert_allclose(by_coordinate @ by_coordinate.T, covariance, atol=1e-6 * covariance.max())
    np.testing.assert_allclose(z[0], covariance @ a.standardised[0] / error**2, atol=1e-6)


def test_eta_is_centred_beside_estimates_where_votes_say_much(whole, make_districts):
    few = make_districts(rows=5, columns=6, mean_votes=6)
    few = replace(few, roles=replace(few.roles, covariates=("education", "expected")))
    for districts, chosen in (
        (spoil(whole), "centred"),
        (spoil(few), "measured"),
        (blanked(whole), "measured"),
    ):
        posterior, _, unknowns = bound(districts)
        assert suited(NutsSettings(), posterior, unknowns).parametrisation == chosen
    asked = NutsSettings(parametrisation="noncentred")
    posterior, _, unknowns = bound(spoil(whole))
    assert suited(asked, posterior, unknowns).parametrisation == "noncentred"


def test_an_interval_as_wide_as_the_line_is_a_missing_value(whole):
    missing = blanked(whole, scale="log")
    ends = pd.DataFrame({"education": missing.table["education"], "low": np.nan, "high": np.nan})
    unknown = [*missing.unknown.frame["district"]]
    ends.loc[unknown, "low"], ends.loc[unknown, "education"] = 0.0, np.nan
    declared = {"education": Uncertain(low="low", high="high", scale="log")}
    interval = declare_uncertain(replace(whole, roles=whole.roles), declared, ends)
    one, other = bound(missing)[2].arrays, bound(interval)[2].arrays
    for name in ("kind", "place", "estimated", "guess", "standardised", "design", "slope"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_small_standard_errors_pin_values_down(whole):
    """As errors vanish the density of the votes is that of the plain model at the estimates."""
    se = pd.DataFrame({"se": 1e-9}, index=whole.ids)
    estimated = declare_uncertain(whole, {"education": Uncertain(se="se")}, se)
    posterior, _, unknowns = bound(estimated)
    plain, _ = VoteShareModel(FORMULA).posterior(whole)
    np.testing.assert_allclose(posterior.design, plain.design, rtol=1e-12)
    # Coordinates of a few standard deviations move values by no more than some standard errors.
    rng = np.random.default_rng(2)
    values = unknowns.draws(np.r_[np.zeros(2), rng.normal(size=whole.n)][None])["unknown"][0]
    np.testing.assert_allclose(values, whole.table["education"], atol=6e-9)


def test_alone_values_follow_the_exact_conditional_normal(whole, dense):
    """Draws without the votes against the normal given known values, mixed over drawn hyperparameters."""
    missing = blanked(whole, scale="identity")
    posterior, _, unknowns = bound(missing)
    drawn = draw_alone(posterior, unknowns, 1, np.random.default_rng(6))
    a, graph = unknowns.arrays, scale_graph(whole.n, *whole.edges)
    at, known = a.district, np.setdiff1d(np.arange(whole.n), a.district)
    z, q = a.standardised[0], a.others.shape[1]
    means, variances = [], []
    for tau, share in zip(drawn["covariate_sigma"][::10, 0], drawn["covariate_rho"][::10, 0], strict=True):
        total = dense(graph, tau, share) + (a.others * a.prior_sd[:q] ** 2) @ a.others.T
        weights = np.linalg.solve(total[np.ix_(known, known)], total[np.ix_(known, at)]).T
        means.append(weights @ z[known])
        variances.append(np.diag(total[np.ix_(at, at)] - weights @ total[np.ix_(known, at)]))
    centre_, sd, _ = a.constants[0]
    expected = centre_ + sd * np.mean(means, axis=0)
    spread = sd * np.sqrt(np.mean(variances, axis=0) + np.var(means, axis=0))
    # 1,000 draws, of which at least 300 are effective: five standard errors of mean and deviation.
    found = drawn["unknown"]
    assert (np.abs(found.mean(axis=0) - expected) < 5 * spread / np.sqrt(300)).all()
    assert (np.abs(found.std(axis=0) / spread - 1) < 5 / np.sqrt(600)).all()


@pytest.fixture(scope="module")
def fitted(uncertain):
    return VoteShareModel(FORMULA, structure="none").fit(
        uncertain, seed=3, draws=200, tune=300, chains=2, cores=1, progress=False
    )


def test_without_effects_eta_is_that_of_the_values_drawn(fitted):
    # eta is kept in single precision.
    np.testing.assert_allclose(fitted.fixed_part(), fitted.draws("eta"), rtol=1e-5, atol=1e-5)


def test_values_keep_to_their_intervals(fitted, uncertain):
    frame = uncertain.unknown.frame
    drawn = fitted.draws("unknown")
    assert fitted.unknown == tuple(f"{row.column}[{row.district}]" for row in frame.itertuples())
    assert (drawn > frame["low"].to_numpy()).all()
    assert (drawn < frame["high"].to_numpy()).all()


def test_a_saved_fit_has_its_unknown_values(fitted, tmp_path):
    read = Fit.load(fitted.save(tmp_path / "fit.nc"))
    assert read.unknown == fitted.unknown
    np.testing.assert_array_equal(read.fixed_part(), fitted.fixed_part())
    assert read.record["unknown"]["migrants"] == {"count": len(read.unknown) - 28, "scale": "logit"}


def test_coefficients_belong_to_the_design_of_their_draw(uncertain, dense):
    """Coefficients recovered given eta, against the normal that dense algebra gives at one draw's design."""
    posterior, _, unknowns = bound(uncertain)
    rng = np.random.default_rng(1)
    v = unknowns.draws(unknowns.start(rng)[None])["unknown"][0]
    eta, size = posterior.offset + rng.normal(size=uncertain.n), 4000
    hyper = {"sigma": np.full(size, 0.5), "rho": np.full(size, 0.4)}
    b, _ = recover(posterior, hyper, np.tile(eta, (size, 1)), rng, (unknowns.design(v) for _ in range(size)))
    x = unknowns.design(v)
    precision = np.linalg.inv(dense(scale_graph(uncertain.n, *uncertain.edges), 0.5, 0.4))
    total = x.T @ precision @ x + np.diag(posterior.prior_sd**-2)
    covariance = np.linalg.inv(total)
    mean = posterior.prior_mean + covariance @ x.T @ precision @ (eta - posterior.offset)
    error = np.abs(b.mean(axis=0) - mean) / np.sqrt(np.diag(covariance) / size)
    assert (error < 5).all()


@pytest.mark.parametrize(
    ("formula", "options", "message"),
    [
        (FORMULA, {"structure": "leroux"}, "structure 'leroux' takes covariates as known"),
        ("party ~ bs(education, df=4)", {}, "are no straight line in 'education'"),
        ("party ~ np.log(migrants)", {}, "are no straight line in 'migrants'"),
        ("party ~ migrants * education", {}, "the formula multiplies 'migrants' and 'education'"),
    ],
)
def test_models_that_cannot_be(uncertain, formula, options, message):
    with pytest.raises(ModelError, match=message):
        VoteShareModel(formula, **options).fit(uncertain, seed=1, progress=False)


def test_the_fast_engine_refuses_and_auto_takes_the_sampler(uncertain):
    with pytest.raises(ModelError, match="'migrants', 'education' have values that are not known exactly"):
        VoteShareModel(FORMULA).fit(uncertain, "laplace", seed=1, progress=False)
    with pytest.raises(ModelError, match="the model in PyMC takes them as known"):
        VoteShareModel(FORMULA).to_pymc(uncertain)
    assert choose("bym2", 50_000, unknown=True)[0] == "nuts"
    # A covariate that the formula does not name is no obstacle.
    fit = VoteShareModel("party ~ expected").fit(uncertain, "laplace", seed=1, draws=100, progress=False)
    assert fit.unknown == ()


def test_draws_of_unknown_values_are_kept_and_gone_on_with(uncertain, tmp_path):
    model = VoteShareModel(FORMULA, structure="none")
    settings = {"seed": 3, "draws": 30, "tune": 60, "chains": 2, "cores": 1, "progress": False}
    first = model.fit(uncertain, store=tmp_path / "draws", **settings)
    again = model.fit(uncertain, store=tmp_path / "draws", resume=True, **settings)
    np.testing.assert_array_equal(again.draws("unknown"), first.draws("unknown"))
    assert again.record["resumed"] == {"kept": [30, 30], "added": [0, 0]}
