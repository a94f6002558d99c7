"""The Gaussian approximation and its marginal likelihood, against dense algebra and differences."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from spatialvote.models.families import FAMILIES, binomial
from spatialvote.models.laplace.district import collapse_all
from spatialvote.models.laplace.draws import draw_field, log_ratio, log_ratio_by_series
from spatialvote.models.laplace.slope import variances
from spatialvote.models.laplace.target import Target
from spatialvote.models.posterior import Posterior
from spatialvote.models.structures import STRUCTURES
from spatialvote.models.structures.dispatch import weights
from spatialvote.models.vote_share import VoteShareModel


def posterior_of(
    districts, structure: str, family: str = "binomial", right: str = "migrants + education"
) -> Posterior:
    """A posterior of any family; logits of shares are made from votes."""
    party, stands_in = ("cases", "poisson") if family == "poisson" else ("party", "binomial")
    posterior, _ = VoteShareModel(f"{party} ~ {right}", stands_in, structure).posterior(districts)
    if family == "gaussian":
        shares = binomial.crude(posterior.votes, posterior.size)
        return replace(posterior, family=family, votes=shares, size=np.ones(districts.n))
    return replace(posterior, family=family)


def some_theta(posterior: Posterior) -> np.ndarray:
    """Hyperparameters away from the mode and from round numbers."""
    values = {"sigma": -1.1, "rho": 0.4, "overdispersion": -4.5, "noise": -1.6}
    return np.array([values.get(name, -0.9) for name in posterior.hyperparameters])


def covariance(posterior: Posterior, theta: np.ndarray) -> np.ndarray:
    """Of the district effects, by dense algebra."""
    at, field = posterior.constrain(theta), posterior.field
    n = len(posterior.votes)
    if field.structure == "none":
        return np.zeros((n, n))
    sigma, rho = float(at["sigma"]), float(at.get("rho", 0.5))
    if field.precision is None:
        inverse = np.linalg.pinv(field.graph.matrix.toarray(), rcond=1e-10, hermitian=True)
        share = rho if field.structure == "bym2" else 0.0
        return sigma**2 * ((1 - share) * np.eye(n) + share * inverse)
    c, _ = weights(field.precision.code, rho, field.precision.table)
    return sigma**2 * np.linalg.inv(dense_precision(field.precision, c))


def dense_precision(precision, c: np.ndarray) -> np.ndarray:
    """sum_m c_m T_m as a dense matrix in the districts' order."""
    order, start, index = precision.pattern[:3]
    n = len(order)
    permuted = np.diag(c @ precision.diagonal_terms)
    rows = np.repeat(np.arange(n), np.diff(start))
    permuted[rows, index] = permuted[index, rows] = c @ precision.below_terms
    matrix = np.empty((n, n))
    matrix[np.ix_(order, order)] = permuted
    return matrix


@pytest.mark.parametrize("structure", list(STRUCTURES))
def test_marginal_likelihood_of_logits_is_exact(make_districts, structure):
    """With Gaussian logits nothing is approximated: F is the dense marginal likelihood up to a constant."""
    posterior = posterior_of(make_districts(), structure, "gaussian")
    target = Target.of(posterior)
    excess = []
    for shift in (0.0, 0.15, -0.4):
        theta = some_theta(posterior) + shift
        noise = posterior.dispersion(theta)
        spread = posterior.design @ np.diag(posterior.coefficient_sd(theta) ** 2) @ posterior.design.T
        total = covariance(posterior, theta) + spread + noise**2 * np.eye(len(posterior.votes))
        dense = multivariate_normal(posterior.offset, total).logpdf(posterior.votes)
        excess.append(target.mode(theta, target.cold()).value - dense - posterior.log_prior(theta)[0])
    assert excess == pytest.approx([excess[0]] * 3, abs=1e-7)


@pytest.mark.parametrize("structure", list(STRUCTURES))
@pytest.mark.parametrize("family", list(FAMILIES))
def test_gradient_is_that_of_differences(make_districts, structure, family):
    posterior = posterior_of(make_districts(), structure, family)
    check_gradient(posterior)


@pytest.mark.parametrize("structure", ["bym2", "leroux", "none"])
def test_gradient_with_groups_is_that_of_differences(make_districts, structure):
    check_gradient(posterior_of(make_districts(), structure, right="migrants + (1 | quarter)"))


def check_gradient(posterior: Posterior) -> None:
    target, theta, step = Target.of(posterior), some_theta(posterior), 1e-3
    mode = target.mode(theta, target.cold())
    gradient = target.slope(mode)
    for q, name in enumerate(posterior.hyperparameters):
        move = step * np.eye(len(theta))[q]
        up, down = (target.mode(theta + sign * move, mode.start).value for sign in (1, -1))
        # Differences err by 1e-6 of the third derivative, and by how closely the inner mode is found: 1e-3.
        assert gradient[q] == pytest.approx((up - down) / (2 * step), abs=2e-3, rel=1e-3), name


@pytest.mark.parametrize("family", ["beta_binomial", "poisson"])
def test_mode_is_found_from_cold_where_votes_are_far_from_the_prior(make_districts, family):
    """From prior means Newton fails here: a beta-binomial is not log-concave far out, a Poisson overflows."""
    posterior = posterior_of(make_districts(), "bym2", family)
    steep = posterior.design @ np.array([1.0, -2.4, 1.5])
    votes = np.round(FAMILIES[family].mean(steep) * posterior.size)
    target = Target.of(replace(posterior, votes=votes))
    theta = some_theta(posterior)
    theta[0] = -4.2
    assert target.mode(theta, target.cold()) is not None


@pytest.mark.parametrize("structure", ["bym2", "iid", "sar"])
def test_mode_variances_and_draws_against_dense_algebra(make_districts, structure):
    posterior = posterior_of(make_districts(), structure)
    target, theta = Target.of(posterior), some_theta(posterior)
    mode = target.mode(theta, target.cold())
    order, scales = target.pattern[0], mode.scales
    n, p = target.design.shape
    matrix = np.zeros((n, n))
    rows = np.repeat(np.arange(n), np.diff(target.pattern[1]))
    matrix[rows, target.pattern[2]] = matrix[target.pattern[2], rows] = scales.below
    matrix += np.diag(scales.diagonal)
    jacobian = np.hstack([scales.a * np.eye(n), target.design])
    hessian = jacobian.T @ np.diag(mode.out[2]) @ jacobian
    hessian[:n, :n] += matrix
    hessian[n:, n:] += np.diag(scales.c_precision)
    inverse = np.linalg.inv(hessian)
    # Conditioning on zero sums, by the usual formula.
    for c in range(len(target.sizes)):
        members = np.r_[(target.component == c).astype(float), np.zeros(p)]
        moved = inverse @ members
        inverse -= np.outer(moved, moved) / (members @ moved)
    slope = jacobian.T @ mode.out[1]
    slope[:n] -= matrix @ mode.x
    slope[n:] -= scales.c_precision * (mode.c - posterior.prior_mean)
    assert inverse @ slope == pytest.approx(np.zeros(n + p), abs=1e-4 * np.sqrt(np.diag(inverse)).max())
    for c in range(len(target.sizes)):
        assert mode.x[target.component == c].sum() == pytest.approx(0, abs=1e-9)

    of_m, with_x, of_c = variances(
        scales.a, mode.factor, mode.v, mode.null, mode.null_sum, mode.lower, target.design, target.component,
        target.pattern,
    )  # fmt: skip
    assert of_m == pytest.approx(np.diag(jacobian @ inverse @ jacobian.T), rel=1e-8)
    assert with_x == pytest.approx(np.diag(inverse[:n] @ jacobian.T), rel=1e-8, abs=1e-12)
    assert of_c == pytest.approx(inverse[n:, n:], rel=1e-8, abs=1e-14)

    # Unit vectors for noise give the columns of a root of the covariance: its product with itself is exact.
    white_x = np.hstack([np.eye(n), np.zeros((n, p))])
    white_c = np.hstack([np.zeros((p, n)), np.eye(p)])
    draw_field(
        scales.a, mode.x, mode.c, mode.factor, mode.v, mode.null, mode.null_sum, mode.lower, target.component,
        target.pattern, white_x, white_c,
    )  # fmt: skip
    root = np.vstack([white_x - mode.x[:, None], white_c - mode.c[:, None]])
    assert root @ root.T == pytest.approx(inverse, abs=1e-9 * inverse.max())
    assert sorted(order) == list(range(n))


def test_log_ratio_is_what_the_quadratic_leaves_out(make_districts):
    posterior = posterior_of(make_districts(mean_votes=40), "bym2")
    target, theta = Target.of(posterior), some_theta(posterior)
    mode, rng = target.mode(theta, target.cold()), np.random.default_rng(2)
    moved = mode.m[:, None] + rng.normal(0, 0.2, (len(mode.m), 3))
    ratio = log_ratio(
        0, 0.0, mode.scales.t, moved, mode.m, mode.out, target.votes, target.size
    )  # fmt: skip
    expected = []
    for q in range(3):
        there = np.empty_like(mode.out)
        arrays = target.votes, target.size, 0.0, mode.out[-1], there
        collapse_all(0, moved[:, q].copy(), mode.scales.t, *arrays)
        off = moved[:, q] - mode.m
        quadratic = mode.out[0] + mode.out[1] * off - 0.5 * mode.out[2] * off**2
        expected.append((there[0] - quadratic).sum())
    assert ratio == pytest.approx(expected, abs=1e-8)
    # The series leaves out the fifth power: small beside the third, which makes most of it.
    series = log_ratio_by_series(moved, mode.m, mode.out)
    assert np.abs(series - ratio).max() < 0.05 * np.abs(ratio).max()


def test_districts_where_the_party_did_not_stand_say_nothing(make_districts):
    posterior = posterior_of(make_districts(), "iid")
    absent = np.arange(len(posterior.votes)) % 2 == 1
    emptied = replace(
        posterior,
        votes=np.where(absent, 0.0, posterior.votes),
        size=np.where(absent, 0.0, posterior.size),
    )
    theta = some_theta(posterior)
    whole = Target.of(emptied).mode(theta, Target.of(emptied).cold())
    order = Target.of(emptied).pattern[0]
    assert whole.out[1][absent[order]] == pytest.approx(0, abs=1e-12)
    assert whole.out[2][absent[order]] == pytest.approx(0, abs=1e-9)
