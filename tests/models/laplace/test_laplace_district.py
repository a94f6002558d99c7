"""The collapsed likelihood of one district, against adaptive quadrature and differences."""

import numpy as np
import pytest
from scipy.integrate import quad

from spatialvote.models.families import FAMILIES
from spatialvote.models.laplace.district import ROWS, collapse_all, collapsed, derivatives
from spatialvote.models.laplace.district_rule import NODE
from spatialvote.models.laplace.eta import draw_all
from spatialvote.models.laplace.series import REACH, TERMS, evaluate, expand

#: Family, votes, size, dispersion: many votes, few, none.
CASES = {
    "binomial, many": ("binomial", 212.0, 900.0, 0.0),
    "binomial, few": ("binomial", 3.0, 25.0, 0.0),
    "binomial, none": ("binomial", 0.0, 12.0, 0.0),
    "poisson, many": ("poisson", 300.0, 1000.0, 0.0),
    "poisson, none": ("poisson", 0.0, 4.0, 0.0),
    "beta-binomial": ("beta_binomial", 40.0, 300.0, 0.02),
    "gaussian": ("gaussian", -1.1, 1.0, 0.2),
}


def at(case: str, m: float, t: float) -> np.ndarray:
    """The rows of `collapse_all` for one district."""
    family, vote, size, dispersion = CASES[case]
    out = np.empty((ROWS, 1))
    code = FAMILIES[family].CODE
    arrays = np.array([m]), t, np.array([vote]), np.array([size]), dispersion, np.array([m]), out
    collapse_all(code, *arrays)
    return out[:, 0]


def exact(case: str, m: float, t: float) -> tuple[float, float, float]:
    """log Z, mean and variance of eta by adaptive quadrature."""
    family, vote, size, dispersion = CASES[case]
    code = FAMILIES[family].CODE

    def log_density(eta: float) -> float:
        value = derivatives(code, eta, vote, size, dispersion)[0]
        return value - 0.5 * t * (eta - m) ** 2 + 0.5 * np.log(t / (2 * np.pi))

    grid = np.linspace(m - 12 / np.sqrt(t), m + 12 / np.sqrt(t), 4001)
    top = grid[np.argmax([log_density(eta) for eta in grid])]
    shift = log_density(top)
    moments = [
        quad(
            lambda eta, power=power: eta**power * np.exp(log_density(eta) - shift),
            top - 12 / np.sqrt(t),
            top + 12 / np.sqrt(t),
            points=[top],
            limit=500,
            epsabs=1e-13,
        )[0]
        for power in (0, 1, 2)
    ]
    mean = moments[1] / moments[0]
    return shift + np.log(moments[0]), mean, moments[2] / moments[0] - mean**2


@pytest.mark.parametrize("case", list(CASES))
def test_agrees_with_adaptive_quadrature(case):
    m, t = -1.3, 20.0
    log_z, mean, variance = exact(case, m, t)
    row = at(case, m, t)
    # Nine nodes integrate the likelihood of a dozen votes to 1e-6, that of many to rounding.
    assert row[0] == pytest.approx(log_z, abs=2e-6)
    assert row[1] == pytest.approx(t * (mean - m), abs=2e-4)
    assert row[2] == pytest.approx(t - t**2 * variance, abs=5e-3)


@pytest.mark.parametrize("case", list(CASES))
def test_rows_are_derivatives_of_each_other(case):
    m, t, step = -1.3, 20.0, 1e-3
    row = at(case, m, t)
    by_m = (at(case, m + step, t) - at(case, m - step, t)) / (2 * step)
    by_log_t = (at(case, m, t * np.exp(step)) - at(case, m, t * np.exp(-step))) / (2 * step)
    # Differences err by the third derivative times step^2 / 6, and quadrature by what the test above allows.
    scale = abs(row[2]) + 1
    assert by_m[0] == pytest.approx(row[1], abs=1e-4 * scale)
    assert -by_m[1] == pytest.approx(row[2], abs=2e-3 * scale)
    assert -by_m[2] == pytest.approx(row[3], abs=2e-2 * scale)
    assert by_m[3] == pytest.approx(row[4], abs=0.2 * scale)
    assert by_log_t[0] == pytest.approx(row[5], abs=1e-4 * scale)
    assert by_log_t[1] == pytest.approx(row[6], abs=1e-3 * scale)
    assert by_log_t[2] == pytest.approx(row[7], abs=1e-2 * scale)


def test_absent_party_leaves_the_prior():
    log_z, mean, variance, k3, k4, _ = collapsed(
        FAMILIES["binomial"].CODE, -0.4, 5.0, 0.0, 0.0, 0.0, 0.0, np.empty(TERMS + 1), np.empty((2, 4))
    )
    assert (log_z, mean, variance, k3) == (0.0, -0.4, 0.2, 0.0)
    assert k4 == pytest.approx(3 * 0.2**2)


@pytest.mark.parametrize("family", ["binomial", "poisson"])
@pytest.mark.parametrize("eta", [-4.0, -1.2, 0.0, 2.5])
def test_series_is_the_likelihood(family, eta):
    code, coefficient = FAMILIES[family].CODE, np.empty(TERMS + 1)
    expand(code, eta, 130.0, 700.0, coefficient)
    for x in np.linspace(-REACH, REACH, 7):
        value, slope = evaluate(coefficient, x)
        expected = derivatives(code, eta + x, 130.0, 700.0, 0.0)
        curvature = abs(derivatives(code, eta, 130.0, 700.0, 0.0)[2])
        # The first term left out is (0.6 / pi)^15 of the curvature and its slope 15 / 0.6 times that.
        assert value == pytest.approx(expected[0], abs=1e-8 * curvature + 1e-10)
        assert slope == pytest.approx(expected[1], abs=1e-6 * curvature + 1e-9)


def test_series_and_plain_quadrature_agree():
    """Districts within and beyond the reach of the series: both ways serve at the same place."""
    code = FAMILIES["binomial"].CODE
    for size in (60.0, 100.0, 160.0, 400.0):
        vote, m, t = 0.2 * size, -1.2, 30.0
        served = collapsed(code, m, t, vote, size, 0.0, m, np.empty(TERMS + 1), np.empty((2, 4)))
        # A beta-binomial with next to no overdispersion is the binomial, and has no series.
        plain = collapsed(
            FAMILIES["beta_binomial"].CODE, m, t, vote, size, 1e-10, m, np.empty(TERMS + 1), np.empty((2, 4))
        )
        assert served[1:5] == pytest.approx(plain[1:5], abs=1e-7)
    assert NODE[-1] / np.sqrt(30.0 + 400 * 0.16) < REACH < NODE[-1] / np.sqrt(30.0)


@pytest.mark.parametrize("case", list(CASES))
def test_draws_of_eta_have_the_moments_of_their_density(case):
    m, t, count = -1.3, 20.0, 20_000
    _, mean, variance = exact(case, m, t)
    family, vote, size, dispersion = CASES[case]
    row = at(case, m, t)[:, None]
    eta, moved = np.empty((1, count)), np.full((1, count), m)
    arrays = np.array([m]), row, np.array([vote]), np.array([size]), dispersion
    draw_all(FAMILIES[family].CODE, t, moved, *arrays, np.random.default_rng(4), eta)
    # Four standard errors; that of a variance is sqrt(2 / count) of it, a little more with skewness.
    assert eta.mean() == pytest.approx(mean, abs=4 * np.sqrt(variance / count))
    assert eta.var() == pytest.approx(variance, rel=5 * np.sqrt(2 / count))


def test_draws_of_eta_follow_their_density_where_the_guess_is_poor():
    """m far from where the votes point: the mode is searched first."""
    family, vote, size, _ = CASES["binomial, few"]
    code, t, count = FAMILIES[family].CODE, 4.0, 20_000
    row = at("binomial, few", -4.0, t)[:, None]
    eta, moved = np.empty((1, count)), np.full((1, count), 1.5)
    arrays = np.array([-4.0]), row, np.array([vote]), np.array([size]), 0.0
    draw_all(code, t, moved, *arrays, np.random.default_rng(5), eta)
    _, mean, variance = exact("binomial, few", 1.5, t)
    assert eta.mean() == pytest.approx(mean, abs=4 * np.sqrt(variance / count))
