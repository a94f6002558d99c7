"""One contract that every family passes: densities, gradients, derivatives, draws, districts of size zero."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit, logit

from spatialvote.models.families import FAMILIES, beta_binomial, binomial, gaussian, poisson

ETA = np.array([-30.0, -4.0, -0.3, 0.0, 2.0, 25.0])
VOTES = np.array([0, 3, 40, 0, 88, 100])
SIZE = np.array([50.0, 100.0, 90.0, 7.0, 100.0, 100.0])
#: A dispersion that suits each family.
DISPERSION = {"binomial": 0.0, "poisson": 0.0, "beta_binomial": 0.03, "gaussian": 0.4}

every_family = pytest.mark.parametrize("name", list(FAMILIES))


def data(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Linear predictors, votes and sizes that suit a family; the last district has size zero."""
    eta, votes, size = np.r_[ETA.clip(-8, 4), 0.3], np.r_[VOTES, 0.0], np.r_[SIZE, 0.0]
    if name == "gaussian":
        size = (size > 0).astype(float)
        votes = np.where(size > 0, eta + np.linspace(-1, 1, len(eta)), 0.0)
    return eta, votes, size


def whole(name: str, size: np.ndarray) -> np.ndarray:
    """Sizes as `draw` takes them: integers where they are numbers of trials."""
    return size.astype(np.int64) if "binomial" in name else size


def test_binomial_density_is_scipys():
    expected = stats.binom.logpmf(VOTES, SIZE, expit(ETA))
    np.testing.assert_allclose(binomial.log_likelihood(ETA, VOTES, SIZE), expected, rtol=1e-9, atol=1e-9)


def test_poisson_density_is_scipys():
    eta = ETA.clip(-8, 2)
    expected = stats.poisson.logpmf(VOTES, SIZE * np.exp(eta))
    np.testing.assert_allclose(poisson.log_likelihood(eta, VOTES, SIZE), expected, rtol=1e-10)


@pytest.mark.parametrize("delta", [1e-4, 0.02, 0.3, 0.9])
def test_beta_binomial_density_is_scipys(delta):
    eta = ETA.clip(-8, 4)
    a, b = (expit(one) * (1 - delta) / delta for one in (eta, -eta))
    expected = stats.betabinom.logpmf(VOTES, SIZE, a, b)
    # SciPy's own cancellation between log-gamma functions of about 1 / delta sets the tolerance.
    found = beta_binomial.log_likelihood(eta, VOTES, SIZE, delta)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_gaussian_density_is_scipys():
    eta, votes, size = data("gaussian")
    expected = np.where(size > 0, stats.norm.logpdf(votes, eta, 0.4), 0.0)
    np.testing.assert_allclose(gaussian.log_likelihood(eta, votes, size, 0.4), expected, rtol=1e-12)


def _beta_binomial_by_sums(eta: float, vote: int, size: int, delta: float) -> np.ndarray:
    """Logarithm of the products, its three derivatives in eta and the one in delta, term by term."""
    wide = np.longdouble
    theta = wide(delta) / (1 - wide(delta))
    p, q = 1 / (1 + np.exp(-wide(eta))), 1 / (1 + np.exp(wide(eta)))
    k = np.arange(size, dtype=wide)
    won, lost, all_ = p + k[:vote] * theta, q + k[: size - vote] * theta, 1 + k * theta
    one = (1 / won).sum() - (1 / lost).sum()
    two = -(won**-2).sum() - (lost**-2).sum()
    three = 2 * (won**-3).sum() - 2 * (lost**-3).sum()
    v, skew = p * q, q - p
    by_theta = (k[:vote] / won).sum() + (k[: size - vote] / lost).sum() - (k / all_).sum()
    return np.array(
        [
            np.log(won).sum() + np.log(lost).sum() - np.log(all_).sum(),
            v * one,
            v**2 * two + v * skew * one,
            v**3 * three + 3 * v**2 * skew * two + v * (1 - 6 * v) * one,
            by_theta / (1 - wide(delta)) ** 2,
        ],
        dtype=float,
    )


@pytest.mark.parametrize("delta", [1e-8, 1e-5, 1e-3, 0.05, 0.3, 0.9])
@pytest.mark.parametrize("size", [1, 7, 300, 3000])
def test_beta_binomial_is_right_from_nearly_binomial_to_nearly_certain(delta, size):
    for eta in (-12.0, -2.0, 0.1, 5.0):
        for vote in {0, 1, size // 3, size}:
            exact = _beta_binomial_by_sums(eta, vote, size, delta)
            found = beta_binomial.derivatives(eta, float(vote), float(size), delta)
            # Round-off of a sum of `size` terms of order one.
            np.testing.assert_allclose(found, exact[:4], rtol=1e-11, atol=1e-11)
            one = np.array([eta]), np.array([float(vote)]), np.array([float(size)])
            slope = beta_binomial.add_gradient(*one, delta, np.zeros(1))[1]
            # In logit delta, in which it is used, its error is round-off of sums of `size` terms.
            assert slope * delta == pytest.approx(exact[4] * delta, rel=1e-9, abs=1e-12)


def test_beta_binomial_without_overdispersion_is_the_binomial():
    for delta in (0.0, 1e-16):
        np.testing.assert_allclose(
            beta_binomial.log_likelihood(ETA, VOTES, SIZE, delta),
            binomial.log_likelihood(ETA, VOTES, SIZE),
            rtol=1e-10,
            atol=1e-12,
        )
        for one in zip(ETA, VOTES.astype(float), SIZE, strict=True):
            found = beta_binomial.derivatives(*one, delta)
            # Up to cancellation between y (1 - p) and (N - y) p.
            np.testing.assert_allclose(found, binomial.derivatives(*one, 0.0), rtol=1e-10, atol=1e-11)


def test_beta_binomial_is_finite_where_a_share_underflows():
    for eta in (-800.0, 800.0):
        for vote in (0.0, 4.0, 10.0):
            assert np.isfinite(beta_binomial.derivatives(eta, vote, 10.0, 0.2)).all()
    drawn = beta_binomial.draw(np.random.default_rng(1), np.array([-800.0, 800.0]), np.array([10, 10]), 0.2)
    assert drawn.tolist() == [0, 10]


def test_names_codes_and_hyperparameters():
    assert [module.CODE for module in FAMILIES.values()] == list(range(len(FAMILIES)))
    assert {name: module.HYPER for name, module in FAMILIES.items()} == {
        "binomial": (),
        "poisson": (),
        "beta_binomial": ("overdispersion",),
        "gaussian": ("noise",),
    }


@every_family
def test_compiled_gradient_and_value_follow_the_density(name):
    family, dispersion = FAMILIES[name], DISPERSION[name]
    eta, votes, size = data(name)

    def value(at, dispersion=dispersion):
        return family.add_gradient(at, votes, size, dispersion, np.zeros(len(at)))[0]

    gradient = np.ones(len(eta))
    _, slope = family.add_gradient(eta, votes, size, dispersion, gradient)
    for q in range(len(eta)):
        step = 1e-6 * np.eye(len(eta))[q]
        assert gradient[q] - 1 == pytest.approx((value(eta + step) - value(eta - step)) / 2e-6, abs=1e-4)
    if family.HYPER:
        h = 1e-6
        difference = (value(eta, dispersion + h) - value(eta, dispersion - h)) / (2 * h)
        assert slope == pytest.approx(difference, rel=1e-6)
    else:
        assert slope == 0
    # The compiled value leaves a constant out, so differences must agree: in eta and in the dispersion.
    moved, other = eta + 0.1, dispersion * 1.5
    exact = family.log_likelihood(moved, votes, size, other) - family.log_likelihood(
        eta, votes, size, dispersion
    )
    assert value(moved, other) - value(eta) == pytest.approx(exact.sum(), rel=1e-10)


@every_family
def test_derivatives_of_one_district_are_those_of_the_value(name):
    family, dispersion = FAMILIES[name], DISPERSION[name]
    h = 1e-5
    for eta, vote, size in zip(*data(name), strict=True):
        found = np.array(family.derivatives(eta, vote, size, dispersion))
        above = np.array(family.derivatives(eta + h, vote, size, dispersion))
        below = np.array(family.derivatives(eta - h, vote, size, dispersion))
        # Central differences of the order before; their error is h^2 / 6 times the third derivative of it.
        np.testing.assert_allclose(found[1:], (above - below)[:3] / (2 * h), rtol=1e-6, atol=1e-5)
        gradient = np.zeros(1)
        one = np.array([eta]), np.array([vote]), np.array([size])
        value, _ = family.add_gradient(*one, dispersion, gradient)
        np.testing.assert_allclose(found[:2], [value, gradient[0]], rtol=1e-12, atol=1e-12)


@every_family
def test_a_district_of_size_zero_says_nothing(name):
    family, dispersion = FAMILIES[name], DISPERSION[name]
    eta, votes, size = np.array([[-40.0, 0.3, 2.0], [3.0, -1.0, 0.0]]), np.zeros(3), np.zeros(3)
    per_draw = np.full(2, dispersion)
    assert (family.log_likelihood(eta, votes, size, per_draw) == 0).all()
    assert (family.information(eta, size, per_draw) == 0).all()
    assert (family.score(eta, votes, size, per_draw) == 0).all()
    assert np.isfinite(family.crude(votes, size)).all()
    assert (family.draw(np.random.default_rng(1), eta, whole(name, size), per_draw) == 0).all()
    assert family.derivatives(0.3, 0.0, 0.0, dispersion) == (0, 0, 0, 0)
    gradient = np.zeros(3)
    assert family.add_gradient(eta[0], votes, size, dispersion, gradient) == (0, 0)
    assert (gradient == 0).all()


@every_family
def test_each_draw_has_its_own_dispersion(name):
    family = FAMILIES[name]
    _, votes, size = data(name)
    eta = np.random.default_rng(1).normal(-1, 0.5, (2, 3, len(votes)))
    dispersion = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])
    together = family.log_likelihood(eta, votes, size, dispersion)
    for place in np.ndindex(2, 3):
        one = family.log_likelihood(eta[place], votes, size, dispersion[place])
        np.testing.assert_allclose(together[place], one, rtol=1e-12)
    drawn = family.draw(np.random.default_rng(1), eta, whole(name, size), dispersion)
    assert drawn.shape == eta.shape
    assert family.information(eta, size, dispersion).shape == eta.shape


@every_family
def test_draws_have_the_moments_of_the_density(name):
    family, dispersion, draws = FAMILIES[name], DISPERSION[name], 20_000
    eta, size = np.array([-2.0, 0.3]), np.array([40.0, 12.0])
    if name == "gaussian":
        drawn = family.draw(np.random.default_rng(1), np.tile(eta, (draws, 1)), np.ones(2), dispersion)
        mean, variance = eta, np.full(2, dispersion**2)
    else:
        drawn = family.draw(np.random.default_rng(1), np.tile(eta, (draws, 1)), whole(name, size), dispersion)
        # Moments of the density by summing over all counts; beyond 90 a Poisson mean of 17 has no mass.
        counts = np.arange(91.0)
        mean, variance = np.empty(2), np.empty(2)
        for q in range(2):
            possible = counts if name == "poisson" else counts[: int(size[q]) + 1]
            at = np.full(len(possible), eta[q])
            mass = np.exp(family.log_likelihood(at, possible, np.full(len(possible), size[q]), dispersion))
            assert mass.sum() == pytest.approx(1, abs=1e-12)
            mean[q] = mass @ possible
            variance[q] = mass @ (possible - mean[q]) ** 2
        np.testing.assert_allclose(mean, size * family.mean(eta), rtol=1e-10)
    assert np.all(np.abs(drawn.mean(axis=0) - mean) < 4.5 * np.sqrt(variance / draws))
    squares = (drawn - mean) ** 2
    assert np.all(np.abs(squares.mean(axis=0) - variance) < 4.5 * squares.std(axis=0) / np.sqrt(draws))


@every_family
def test_the_information_is_the_variance_of_the_score(name):
    family, dispersion = FAMILIES[name], DISPERSION[name]
    eta = np.array([-2.0, 0.3])
    size = np.ones(2) if name == "gaussian" else np.array([40.0, 12.0])
    at = np.tile(eta, (40_000, 1))
    votes = family.draw(np.random.default_rng(3), at, whole(name, size), dispersion)
    scores = family.score(at, votes, size, dispersion)
    information = family.information(eta, size, dispersion)
    squares = scores**2
    spread = np.sqrt(squares.var(axis=0) / len(at))
    assert np.all(np.abs(squares.mean(axis=0) - information) < 4.5 * spread)
    if name != "beta_binomial":
        # The beta-binomial's score here is the quasi-score, not the slope of its log density.
        gradient = np.zeros(2)
        family.add_gradient(eta, votes[0].astype(float), size, dispersion, gradient)
        np.testing.assert_allclose(scores[0], gradient, rtol=1e-10, atol=1e-12)


@every_family
def test_crude_values_are_finite_for_no_votes_and_overall_inverts_the_mean(name):
    family = FAMILIES[name]
    assert np.isfinite(family.crude(np.array([0.0, 5.0]), np.array([5.0, 5.0]))).all()
    votes, size = np.array([3.0, 7.0]), np.array([20.0, 30.0])
    if name == "gaussian":
        votes, size = logit(np.array([0.2, 0.2])), np.ones(2)
    assert family.mean(np.array(family.overall(votes, size))) == pytest.approx(0.2)
