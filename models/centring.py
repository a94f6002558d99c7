r"""The coordinates in which eta is sampled: centred where votes inform it, non-centred where they do not.

Where the data pin eta it must be sampled as it is; where they do not, eta - X b scales with sigma, and a
sampler in eta runs into a funnel as sigma falls below the noise of the votes. Both are ends of one line
(partial centring, Papaspiliopoulos, Roberts and Skold 2007), and how far along it a district stands is known.
With information g_i = 1 / (A_i + B_i tau) (tau the family's overdispersion, or its squared noise; the
variance of votes is linear in it), h_i the same at a typical tau, y_i = c_i + score_i / h_i the working
response at a rough estimate c_i, and the fitted value m_i of the regression without effects, write
v = sqrt(h) (eta - m), q = sqrt(h) (y - m) and

    u_i = 1 / (1 + g_i sigma^2),    t_i = q_i (1 - u_i),    s_i = sigma sqrt(h_i u_i):

t_i and s_i are mean and standard deviation of v_i where eta_i ~ N(m_i, sigma^2) and y_i ~ N(eta_i, 1 / g_i).

Some directions do not scale with sigma. The columns of X carry coefficients whose uncertainty stays as sigma
falls; the levels of a group share an effect of standard deviation sd_g; and for BYM2 the mean of a component
has prior variance sigma^2 (1 - rho) / n_c, which falls to zero as rho -> 1. So an orthonormal basis B of
sqrt(h) X, of the levels and, for BYM2, of the indicators of all components but the largest is split off:

    v = B ((1 - w) B'q + a B'z) + (I - B B') (t + s z),
    w_j = 0                                                  for the columns of X,
    w_j = 1 / (1 + pi_j / nu_j)                              for what levels and components add,
    a_j^2 = nu_j (1 - w_j),

with pi_j = d_j' Cov(eta) d_j, d_j = sqrt(h) B_j, and nu_j = d_j' diag(1 / g) d_j the noise along B_j, and z
is close to standard normal whatever the hyperparameters are. By Jacobi's identity for complementary minors

    log |d v / d z| = sum log s + sum log a + log |K|,    K = B' diag(1 / s) B.

The standard deviation has a coordinate of its own too. Where votes pin eta, log sigma and rho are tied: with
L(rho) = log |sigma^2 Q| the best sigma at a given rho is that of sigma^2 = eta'(sigma^2 Q) eta / n, and at
the best rho eta'Q' eta = L'(rho), so that d log sigma / d rho = L' / (2 n). Hence the sampler moves in

    zeta = log sigma - a L(rho) / (2 n),        a the share of districts that are nearer to centred,

which there does not depend on rho to first order. (For DAGAR, where sigma is a marginal and not a
conditional standard deviation, log sigma itself gave 50 effective draws of 2,000 on Dutch municipalities.)

That is the choice "measured". "centred" sets every u and w to their limit for strong votes (0), "noncentred"
to that for none (1): these are for comparison, and for whoever knows better.

Papaspiliopoulos, O., Roberts, G. O., Skold, M. (2007). A general framework for the parametrization of
hierarchical models. Statistical Science 22.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from spatialvote.models.compiled import compiled
from spatialvote.models.density import COLLAPSED, constrain, hyperparameters, log_posterior
from spatialvote.models.families import FAMILIES
from spatialvote.models.field_kernel import SMALLEST_K, inner, small_cholesky, small_solve, smooth
from spatialvote.models.glm import fit_without_effects
from spatialvote.models.posterior import Posterior
from spatialvote.models.structures.dispatch import log_det

#: Choice of coordinates to the code under which the compiled transformation knows it.
PARAMETRISATIONS = {"measured": 0, "centred": 1, "noncentred": 2}
_CENTRED, _NONCENTRED = PARAMETRISATIONS["centred"], PARAMETRISATIONS["noncentred"]

#: Least information of a district relative to the median, so that sqrt(h) v and its inverse both stay finite.
#: Where a party did not stand the votes say nothing; with h this small such a district is non-centred.
_LEAST_INFORMATION = 1e-6
#: Up to so many columns of B products of vectors beat those of matrices.
_FEW = 12


class CentringArrays(NamedTuple):
    """The transformation as compiled code sees it.

    Attributes
    ----------
    choice
        Code of the parametrisation, power of the dispersion in tau, and a / (2 n), shape (3,).
    level
        Fitted values m of the regression without district effects, shape (n,).
    root
        sqrt(h), shape (n,).
    response
        q, shape (n,).
    noise
        A_i and B_i, shape (n, 2).
    basis
        B', shape (P, n): loops over districts then run along the memory.
    along
        Parts of nu_j without tau and with it, shape (P, 2).
    spread
        Parts of pi_j that go with sigma^2 (1 - rho), sigma^2 rho and each sd_g^2; zeros for the columns of X.
        Shape (P, 2 + groups).
    mixed
        B'q, shape (P,).
    """

    choice: np.ndarray
    level: np.ndarray
    root: np.ndarray
    response: np.ndarray
    noise: np.ndarray
    basis: np.ndarray
    along: np.ndarray
    spread: np.ndarray
    mixed: np.ndarray


#: Stands where a model without a field has no coordinates.
NO_CENTRING = CentringArrays(
    np.zeros(3),
    np.zeros(0),
    np.zeros(0),
    np.zeros(0),
    np.zeros((0, 2)),
    np.zeros((0, 0)),
    np.zeros((0, 2)),
    np.zeros((0, 2)),
    np.zeros(0),
)


@dataclass(frozen=True)
class Centring:
    """Coordinates of a posterior, and what was measured to choose them.

    Attributes
    ----------
    posterior
        The density.
    arrays
        The transformation.
    chosen
        Name of the parametrisation.
    median_information
        Median of h over the districts where the party stood.
    signal_to_noise
        That times the variance between districts that the covariates leave, tau^2 (`fit_without_effects`).
    share_centred
        Share of districts that are closer to centred than to non-centred at sigma = tau.
    """

    posterior: Posterior
    arrays: CentringArrays
    chosen: str
    median_information: float
    signal_to_noise: float
    share_centred: float

    @cached_property
    def record(self) -> dict[str, str | float]:
        """What was measured and chosen, as plain values."""
        return {
            "chosen": self.chosen,
            "median_information": round(self.median_information, 3),
            "signal_to_noise": round(self.signal_to_noise, 3),
            "share_centred": round(self.share_centred, 4),
        }

    def theta(self, points: np.ndarray) -> np.ndarray:
        """Hyperparameters on their unconstrained scales, shape (draws, h), at points of the sampler."""
        return _draws_of_theta(np.ascontiguousarray(points), self.posterior.arrays, self.arrays)

    def free(self, theta: np.ndarray) -> np.ndarray:
        """Hyperparameters (h,) as coordinates of the sampler, inverse of `theta`; only log sigma is moved."""
        return 2 * theta - self.theta(theta[None])[0]

    def eta(self, points: np.ndarray) -> np.ndarray:
        """Linear predictors, shape (draws, n), at points (draws, h + n) of the sampler."""
        return _draws_of_eta(np.ascontiguousarray(points), self.posterior.arrays, self.arrays)


def centre(posterior: Posterior, parametrisation: str = "measured") -> Centring:
    """Coordinates for a posterior with a field."""
    family = FAMILIES[posterior.family]
    votes, size = posterior.votes, posterior.size
    # Effects of groups fall with their standard deviation, so they are no part of the level.
    simple = fit_without_effects(posterior.without_groups())
    level, typical, stood = simple.eta, posterior.typical_dispersion, size > 0
    # Crude values of small districts are noise: shrink them, by a unit prior, towards the regression.
    crude = np.where(stood, family.crude(votes, size), level)
    weight = family.information(crude, size, typical)
    rough = level + (crude - level) * weight / (weight + 1)
    information = family.information(rough, size, typical)
    median = float(np.median(information[stood]))
    least = _LEAST_INFORMATION * median
    told = np.maximum(information, least)
    root = np.sqrt(told)
    working = np.where(stood, rough + family.score(rough, votes, size, typical) / told, level)
    noise = _noise(posterior, rough, least)

    basis, fixed = _basis(posterior, root)
    along = (basis**2).T @ (told[:, None] * noise)
    spread = _spread(posterior, np.ascontiguousarray(root[:, None] * basis))
    spread[:fixed] = 0.0
    power = 2.0 if family.HYPER == ("noise",) else 1.0
    ratio = told * simple.extra_variance
    share = {"centred": 1.0, "noncentred": 0.0}.get(parametrisation, float(np.mean(ratio[stood] > 1)))
    tie = 0.5 * share / len(votes)
    choice = np.array([float(PARAMETRISATIONS[parametrisation]), power, tie])
    response = root * (working - level)
    return Centring(
        posterior,
        CentringArrays(
            choice,
            level,
            root,
            response,
            noise,
            np.ascontiguousarray(basis.T),
            along,
            spread,
            basis.T @ response,
        ),
        parametrisation,
        median,
        median * simple.extra_variance,
        share,
    )


def _noise(posterior: Posterior, rough: np.ndarray, least: float) -> np.ndarray:
    """A and B with 1 / g = A + B tau, shape (n, 2), from the information at tau = 0 and tau = 1."""
    family, size = FAMILIES[posterior.family], posterior.size
    if not family.HYPER:
        flat = 1 / np.maximum(family.information(rough, size), least)
        return np.column_stack([flat, np.zeros_like(flat)])
    at_one = 1 / np.maximum(family.information(rough, size, 1.0), least)
    # Gaussian logits have no noise but their own; a beta-binomial without overdispersion is a binomial.
    at_zero = np.zeros_like(at_one)
    if family.HYPER != ("noise",):
        at_zero = np.minimum(1 / np.maximum(family.information(rough, size, 0.0), least), at_one)
    return np.column_stack([at_zero, at_one - at_zero])


def _basis(posterior: Posterior, root: np.ndarray) -> tuple[np.ndarray, int]:
    """B, shape (n, P), and how many of its first columns the fixed columns of X span."""
    fixed = posterior.column_group == 0
    members = np.zeros((len(root), 0))
    if posterior.arrays.switches[0] == COLLAPSED:
        graph = posterior.field.graph
        # The largest component's mean is the intercept's direction; only what sets others apart is left.
        others = np.delete(np.arange(graph.sizes.size), np.argmax(graph.sizes) if graph.sizes.size else [])
        members = graph.component[:, None] == others
    spanned = root[:, None] * np.hstack([posterior.design[:, fixed], posterior.design[:, ~fixed], members])
    basis, triangle = np.linalg.qr(spanned / np.linalg.norm(spanned, axis=0))
    # A covariate may tell a component apart by itself, and levels sum to the intercept: such a direction is
    # dropped.
    keep = np.abs(np.diag(triangle)) > 1e-8
    return np.ascontiguousarray(basis[:, keep]), int(keep[: fixed.sum()].sum())


def _spread(posterior: Posterior, loaded: np.ndarray) -> np.ndarray:
    """d_j' V d_j for each part V of the prior covariance of eta, shape (P, 2 + groups)."""
    own = (loaded**2).sum(axis=0)
    structured = own
    if posterior.arrays.switches[0] == COLLAPSED:
        graph = posterior.field.graph
        smoothed, centred, _ = smooth(loaded, SMALLEST_K, graph.component, graph.sizes, tuple(graph.pattern))
        structured = (centred * smoothed).sum(axis=0)
    groups = [
        ((posterior.design[:, posterior.column_group == number].T @ loaded) ** 2).sum(axis=0)
        for number in range(1, len(posterior.groups) + 1)
    ]
    return np.column_stack([own, structured, *groups])


@compiled()
def variances(value, sigma, rho, model):
    """The variances that `spread` goes with, shape (2 + groups,)."""
    groups = model.switches[6]
    first = value.size - groups
    part = np.empty(2 + groups)
    part[0], part[1] = sigma * sigma * (1.0 - rho), sigma * sigma * rho
    for q in range(groups):
        part[2 + q] = value[first + q] ** 2
    return part


@compiled()
def _distance(choice, information):
    """1 - share of prior in what is known, u or w, in the chosen parametrisation."""
    if choice == _CENTRED:
        return 0.0
    if choice == _NONCENTRED:
        return 1.0
    return 1.0 / (1.0 + information)


@compiled()
def _weighted_gram(basis, share):
    """K = B' diag(1 / s) B, shape (P, P), given B' (P, n) and 1 / s (n,)."""
    columns = basis.shape[0]
    if columns > _FEW:
        return (basis * share) @ basis.T
    gram = np.empty((columns, columns))
    for j in range(columns):
        weighted = basis[j] * share
        for q in range(j + 1):
            gram[j, q] = inner(weighted, basis[q])
            gram[q, j] = gram[j, q]
    return gram


@compiled()
def _leverage(basis, inverse, leverage):
    """Fill leverage (n,) with B_i K^-1 B_i'."""
    columns, n = basis.shape
    turned = inverse @ basis
    leverage[:] = 0.0
    for j in range(columns):
        for i in range(n):
            leverage[i] += turned[j, i] * basis[j, i]


@compiled()
def to_eta(z, sigma, tau, part, c, eta, scale, along, by_log_scale):
    """Fill eta (n,), s (n,), a (P,) and the slope of the log Jacobian in log s (n,); return the Jacobian."""
    columns, n = c.basis.shape
    choice = c.choice[0]
    apart, share = np.empty(n), np.empty(n)
    # A product of a few factors needs one logarithm; four of them stay far inside what a double holds.
    jacobian, factors, product = 0.0, 0, 1.0
    for i in range(n):
        u = _distance(choice, sigma * sigma / (c.noise[i, 0] + c.noise[i, 1] * tau))
        scale[i] = 1.0 if choice == _CENTRED else sigma * c.root[i] * np.sqrt(u)
        apart[i] = c.response[i] * (1.0 - u) + scale[i] * z[i]
        share[i] = 1.0 / scale[i]
        factors, product = factors + 1, product * (scale[i] / c.root[i])
        if factors == 4:
            jacobian, factors, product = jacobian + np.log(product), 0, 1.0
    jacobian += np.log(product)
    lower = small_cholesky(_weighted_gram(c.basis, share))
    _leverage(c.basis, small_solve(lower, np.eye(columns)), by_log_scale)
    eta[:] = apart
    for j in range(columns):
        jacobian += 2.0 * np.log(lower[j, j])
        nu = 1.0 if choice == _CENTRED else c.along[j, 0] + c.along[j, 1] * tau
        along[j], w = np.sqrt(nu), 0.0
        if c.spread[j, 0] > 0.0:
            pi = c.spread[j] @ part
            w = _distance(choice, pi / nu)
            if choice != _CENTRED:
                along[j] = np.sqrt(pi * w)
        jacobian += np.log(along[j])
        # What the districts' own values have along B is replaced by the direction's own.
        shift = (1.0 - w) * c.mixed[j] + along[j] * inner(c.basis[j], z) - inner(c.basis[j], apart)
        for i in range(n):
            eta[i] += c.basis[j, i] * shift
    for i in range(n):
        eta[i] = c.level[i] + eta[i] / c.root[i]
        by_log_scale[i] = 1.0 - by_log_scale[i] * share[i]
    return jacobian


@compiled()
def pull_back(by_eta, z, sigma, tau, part, c, scale, along, by_log_scale, by_log_part):
    """Turn a gradient in eta into one in z, in place, with the slopes of the log Jacobian.

    Fills the slopes in the logs of the variances ``part`` as far as the directions B depend on them; returns
    those in log sigma and log tau as far as the districts' u and s do.
    """
    columns, n = c.basis.shape
    choice = c.choice[0]
    by_v = by_eta / c.root
    inside = np.empty(columns)
    by_log_part[:] = 0.0
    by_log_sigma, by_log_tau = 0.0, 0.0
    for j in range(columns):
        inside[j] = inner(c.basis[j], by_v)
        nu = c.along[j, 0] + c.along[j, 1] * tau
        w = 0.0
        by_log_a = 1.0 + along[j] * inner(c.basis[j], z) * inside[j]
        if c.spread[j, 0] > 0.0:
            pi = c.spread[j] @ part
            w = _distance(choice, pi / nu)
            # d log a / d log pi = w / 2 and d (1 - w) / d log pi = w (1 - w), in every parametrisation.
            by_log_pi = 0.5 * w * by_log_a + w * (1.0 - w) * c.mixed[j] * inside[j]
            for k in range(part.size):
                by_log_part[k] += by_log_pi * c.spread[j, k] * part[k] / pi
        if choice != _CENTRED:
            # The same two in log nu: (1 - w) / 2 and -w (1 - w).
            by_log_nu = (1.0 - w) * (0.5 * by_log_a - w * c.mixed[j] * inside[j])
            by_log_tau += by_log_nu * c.along[j, 1] * tau / nu
    left, by_z = by_v, np.zeros(n)
    for j in range(columns):
        loaded = along[j] * inside[j]
        for i in range(n):
            left[i] -= c.basis[j, i] * inside[j]
            by_z[i] += c.basis[j, i] * loaded
    for i in range(n):
        variance = c.noise[i, 0] + c.noise[i, 1] * tau
        u = _distance(choice, sigma * sigma / variance)
        by_scale = by_log_scale[i] + left[i] * scale[i] * z[i]
        by_shift = left[i] * c.response[i] * u * (1.0 - u)
        by_log_sigma += u * by_scale + 2.0 * by_shift
        if choice != _CENTRED:
            by_log_tau += c.noise[i, 1] * tau / variance * (0.5 * (1.0 - u) * by_scale - by_shift)
        by_eta[i] = by_z[i] + scale[i] * left[i]
    return by_log_sigma, by_log_tau


@compiled()
def log_det_of_rho(rho, model):
    """L(rho) = log |sigma^2 Q| and its derivative; 0 for a field without rho."""
    if not model.switches[4]:
        return 0.0, 0.0
    if model.switches[0] != COLLAPSED:
        return log_det(model.switches[2], rho, model.node, model.node_weight, model.constants)
    n, k = model.votes.size, rho / (1.0 - rho)
    value, slope = -n * np.log1p(-rho), n / (1.0 - rho)
    for q in range(model.node.size):
        value -= model.node_weight[q] * np.log1p(k / model.node[q])
        slope -= model.node_weight[q] / (model.node[q] + k) / (1.0 - rho) ** 2
    return value, slope


@compiled()
def untie(point, model, c):
    """The point with log sigma in place of zeta, and d log sigma / d logit rho."""
    moved = point.copy()
    if not model.switches[4]:
        return moved, 0.0
    rho, chain = constrain(point[1], model.prior_kind[1])
    value, slope = log_det_of_rho(rho, model)
    moved[0] += c.choice[2] * value
    return moved, c.choice[2] * slope * chain


@compiled(inline="always")
def centred_log_posterior(point, model, c):
    """Log posterior of (zeta, other hyperparameters, z) and its gradient; see `log_posterior`."""
    first, n = model.prior_kind.size, c.level.size
    moved, tied = untie(point, model, c)
    value, chain, sigma, rho, dispersion = hyperparameters(moved, model)
    part = variances(value, sigma, rho, model)
    tau = dispersion ** c.choice[1]
    z = point[first:]
    scale, along = np.empty(n), np.empty(c.basis.shape[0])
    by_log_scale, by_log_part = np.empty(n), np.empty(part.size)
    jacobian = to_eta(z, sigma, tau, part, c, moved[first:], scale, along, by_log_scale)
    total, slope = log_posterior(moved, model)
    by_log_sigma, by_log_tau = pull_back(
        slope[first:], z, sigma, tau, part, c, scale, along, by_log_scale, by_log_part
    )
    # sigma always comes first where there is a field; part 0 is sigma^2 (1 - rho), part 1 sigma^2 rho.
    slope[0] += by_log_sigma + 2.0 * (by_log_part[0] + by_log_part[1])
    at = 1
    if model.switches[4]:
        slope[at] += (1.0 - rho) * by_log_part[1] - rho * by_log_part[0] + tied * slope[0]
        at += 1
    if model.switches[5]:
        slope[at] += by_log_tau * c.choice[1] * chain[at] / dispersion
        at += 1
    for q in range(model.switches[6]):
        slope[at + q] += 2.0 * by_log_part[2 + q]
    return total + jacobian, slope


@compiled()
def _draws_of_theta(points, model, c):
    first = model.prior_kind.size
    theta = np.empty((points.shape[0], first))
    for s in range(points.shape[0]):
        theta[s] = untie(points[s], model, c)[0][:first]
    return theta


@compiled()
def _draws_of_eta(points, model, c):
    n, first = c.level.size, model.prior_kind.size
    eta = np.empty((points.shape[0], n))
    scale, along, slope = np.empty(n), np.empty(c.basis.shape[0]), np.empty(n)
    for s in range(points.shape[0]):
        moved, _ = untie(points[s], model, c)
        value, _, sigma, rho, dispersion = hyperparameters(moved, model)
        part = variances(value, sigma, rho, model)
        to_eta(points[s, first:], sigma, dispersion ** c.choice[1], part, c, eta[s], scale, along, slope)
    return eta
