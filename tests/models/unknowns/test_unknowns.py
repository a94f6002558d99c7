"""Unknown values of covariates: density against dense algebra, slopes against differences, limits."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from scipy.stats import multivariate_normal

from spatialvote.data.declare_uncertain import declare_uncertain
from spatialvote.data.uncertain import Uncertain
from spatialvote.models.centring import centre
from spatialvote.models.nuts import starting_point
from spatialvote.models.scaled_graph import scale_graph
from spatialvote.models.unknowns.bind import COEFFICIENT_SD, INTERCEPT_SD, TAU, bind_unknowns
from spatialvote.models.unknowns.native import joint_density
from spatialvote.models.vote_share import VoteShareModel

FORMULA = "party ~ migrants + education + migrants:expected"


@pytest.fixture(scope="module")
def uncertain(make_districts):
    """Migrants are rounded and suppressed, education is estimated, `expected` is known."""
    whole = make_districts(rows=5, columns=6)
    whole = replace(whole, roles=replace(whole.roles, covariates=("education", "expected")))
    migrants = whole.table["migrants"].clip(0.5, 60).round(0)
    migrants.iloc[[3, 11]] = np.nan
    education, se = whole.table["education"].copy(), pd.Series(3.0, index=whole.ids)
    education.iloc[7], se.iloc[7] = np.nan, np.nan
    se.iloc[[0, 1, 2]] = 0.0
    columns = pd.DataFrame({"migrants": migrants, "education": education, "se": se, "count": 400.0})
    declared = {
        "migrants": Uncertain(rounded=4, suppressed_below=10, denominator="count"),
        "education": Uncertain(missing=True, se="se"),
    }
    return declare_uncertain(whole, declared, columns)


def bound(districts, structure="bym2", formula=FORMULA):
    posterior, design = VoteShareModel(formula, structure=structure).posterior(districts)
    unknowns = bind_unknowns(districts, posterior, design)
    return posterior, centre(posterior) if posterior.has_field else None, unknowns


def a_point(posterior, unknowns, seed=4):
    rng = np.random.default_rng(seed)
    return np.concatenate([starting_point(posterior, rng), unknowns.start(rng)])


@pytest.mark.parametrize("structure", ["bym2", "iid", "none"])
def test_slopes_against_differences(uncertain, structure):
    posterior, centring, unknowns = bound(uncertain, structure)
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
        values = unknowns.draws(rest[None])["unknown"][0]
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
        step = 1e-6
        for e in range(len(v)):
            up, down = rest.copy(), rest.copy()
            up[4 + e] += step
            down[4 + e] -= step
            name = unknowns.columns[arrays.owner[e]]
            ends = [logit(unknowns.draws(one[None])["unknown"][0, e] / 100) for one in (up, down)]
            total += np.log(abs(ends[0] - ends[1]) / centres[name][1] / (2 * step))
        return total

    def plain_value(votes):
        from spatialvote.models.native import native_model
        from tests.models.test_native import call

        return call(native_model(posterior, centring, None), votes)[1]

    def prior_of_rho(share):
        from spatialvote.models.priors import log_prior_rho

        kind, first, second = int(arrays.prior_kind[1]), *arrays.prior_number[1]
        return log_prior_rho(share, kind, first, second, arrays.node, arrays.node_weight)[0]

    points = [a_point(posterior, unknowns, seed) for seed in (4, 5)]
    # Up to a constant; the Jacobian by differences is right to about 1e-9 for each of 30 values.
    assert density(points[0])[0] - density(points[1])[0] == pytest.approx(
        by_hand(points[0]) - by_hand(points[1]), abs=1e-5
    )
