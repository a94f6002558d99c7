r"""Coordinates of a covariate that was estimated, whitened by what estimates and field say of it together.

Where standard errors are about as large as what varies between districts, how far a value may lie from its
estimate depends on the hyperparameters: as tau falls, or as lambda nears 1 and with it the part of the field
that is a district's own vanishes, values are drawn to their mean and to their neighbours. In coordinates of a
fixed scale that is a funnel. Given tau and lambda, and without the votes, the values are normal, and in a
basis in which the field and the errors are both diagonal their mean and standard deviation are known.

Let G hold the information 1 / se^2 of each value, e the estimates, m a rough fit of the regression on the
other covariates, and y = G^(1/2) (z - m), so that errors have variance 1. The basis is V = (B, E): B spans
what the coefficients of the regression move, and E are eigenvectors of the field's covariance at
lambda = 1/2, with B projected out. With r = V' G^(1/2) (e - m) and

    pi_j = w_j + tau^2 ((1 - lambda) a_j + lambda c_j),
    a_j  = V_j' G V_j,      c_j = V_j' G^(1/2) R^- G^(1/2) V_j,

w_j the variance that coefficients give to B_j and 0 along E, r_j and pi_j say of y along V_j what estimates
and field do. The votes say something too, the more the smaller sigma is: with b_i a rough d eta / d z, d_i
what the votes of a district say of eta less its rough value at m, and h_i their information,

    t_j   = b_j^2 / (sigma^2 ((1 - rho) a_j + rho c_j) + n_j),      b_j^2 = sum_i V_ij^2 b_i^2  (0 along B),
    n_j   = sum_i V_ij^2 G_i / h_i,      s_j = V_j' G^(1/2) (b d) / b_j^2.

Three independent normals together have precision P and mean y0,

    P_j = 1 + 1 / pi_j + t_j,      y0_j = (r_j + t_j s_j) / P_j.

But how steeply votes depend on z is not known: all values along y0 may be larger and the slope smaller. With
a slope of b (1 + u), u ~ N(0, 1), integrated out along y0, the votes' part of the precision is T - c c',

    c = T y0 (1 + y0' T y0)^(-1/2),      h = r + T s - c c's,      kappa = c' P^(-1) c,
    mu = P^(-1) (h + c c'P^(-1) h / (1 - kappa)),

and the sampler moves in v:

    z = m + G^(-1/2) V (mu + P^(-1/2) (I + ((1 - kappa)^(-1/2) - 1) / kappa P^(-1/2) c c' P^(-1/2)) v),
    log |dz / dv| = -(sum log P + sum log G + log(1 - kappa)) / 2.

Where all errors are alike, the whole covariate was estimated and its regression has an intercept alone, v is
standard normal before the votes are seen, whatever tau and lambda are. Values of the covariate that are
missing have next to no information of their own: field and votes place them.

A basis costs memory and two products with a square matrix at every gradient. Above `LARGEST` values V is I,
which leaves the funnel in tau mended and that in lambda as it was. One is left in any case: as sigma falls
below what votes leave open of eta, eta and slope times z become one.

Papaspiliopoulos, O., Roberts, G. O., Skold, M. (2007). A general framework for the parametrization of
hierarchical models. Statistical Science 22.
"""

from dataclasses import dataclass, replace

import numpy as np

from spatialvote.models.compiled import compiled
from spatialvote.models.field_kernel import SMALLEST_K, inner, smooth
from spatialvote.models.scaled_graph import ScaledGraph

#: More values than this are whitened one by one: the basis would take 18 MB and more.
LARGEST = 1500
#: Information of a missing value, as a share of the median of the estimated ones.
_LEAST_INFORMATION = 1e-6
#: Squared slopes below this tell nothing.
_NO_SLOPE = 1e-12
#: Columns of `Block.place`.
LEVEL, UNIT, RESPONSE, WIDE, OWN, STRUCTURED, TOLD, NOISE, ANSWER = range(9)


@dataclass(frozen=True)
class Block:
    """The values of one covariate that move together.

    Attributes
    ----------
    place
        m, G^(-1/2), r, w, a, c, b^2, n and s, shape (k, 9).
    basis
        V, shape (k, k); without rows where V is I.
    tau
        Rough standard deviation of the field.
    """

    place: np.ndarray
    basis: np.ndarray
    tau: float

    def told(self, slope: np.ndarray, apart: np.ndarray, noise: np.ndarray) -> "Block":
        """The same where votes have a say.

        Parameters
        ----------
        slope
            Rough d eta / d z of each value, shape (k,).
        apart
            What votes say of eta, less its rough fitted value at m, shape (k,).
        noise
            Variance of the former given eta, shape (k,).
        """
        place, root = self.place.copy(), 1 / self.place[:, UNIT]
        columns = (slope**2, root**2 * noise, root * slope * apart)
        told, noises, answer = columns
        if self.basis.size:
            square = (self.basis**2).T
            told, noises, answer = square @ told, square @ noises, self.basis.T @ answer
        # Coefficients of the votes are as free as those of the covariate.
        told = np.where((place[:, WIDE] > 0) | (told < _NO_SLOPE), 0.0, told)
        place[:, TOLD], place[:, NOISE] = told, noises
        place[:, ANSWER] = np.divide(answer, told, out=np.zeros_like(told), where=told > 0)
        return replace(self, place=place)


def no_block() -> Block:
    """No values move together."""
    return Block(np.zeros((0, 9)), np.zeros((0, 0)), 0.0)


def whiten_block(
    graph: ScaledGraph,
    at: np.ndarray,
    response: np.ndarray,
    se: np.ndarray,
    standardised: np.ndarray,
    others: np.ndarray,
    prior_sd: np.ndarray,
) -> Block:
    """Coordinates of the values of one covariate that are estimated or missing.

    Parameters
    ----------
    graph
        Of all districts.
    at
        Positions of the districts with such values, shape (k,).
    response, se
        Estimates on the standardised scale and their standard errors, NaN where missing, shape (k,).
    standardised
        The covariate, first guesses among its values, shape (n,).
    others
        Columns of its regression, shape (n, q).
    prior_sd
        Of their coefficients, shape (q,).
    """
    told = np.isfinite(se)
    information = np.full(len(at), np.nan)
    information[told] = se[told] ** -2.0
    information[~told] = _LEAST_INFORMATION * np.median(information[told])
    noise = np.zeros(len(standardised))
    noise[at] = np.where(told, se, 0.0) ** 2
    spread = others @ np.linalg.lstsq(others, standardised)[0] - standardised
    # What varies between districts, without the errors; a fifth of it at least.
    tau = np.sqrt(max(spread.var() - noise.mean(), 0.04 * spread.var(), 1e-6))
    present = np.ones(len(standardised), dtype=bool)
    present[at[~told]] = False
    weight = present / (tau**2 + noise)
    precision = (others.T * weight) @ others + np.diag(prior_sd**-2.0)
    level = (others @ np.linalg.solve(precision, others.T @ (weight * standardised)))[at]
    root = np.sqrt(information)
    apart = root * np.where(told, response - level, 0.0)

    place = np.zeros((len(at), 9))
    place[:, LEVEL], place[:, UNIT], place[:, NOISE] = level, 1 / root, 1.0
    if len(at) > LARGEST:
        place[:, RESPONSE], place[:, OWN] = apart, information
        place[:, STRUCTURED] = information * graph.marginal_variance[at]
        return Block(place, np.zeros((0, 0)), tau)
    chosen = np.zeros((graph.n, len(at)))
    chosen[at, np.arange(len(at))] = root
    smoothed, centred, _ = smooth(chosen, SMALLEST_K, graph.component, graph.sizes, tuple(graph.pattern))
    structured = centred.T @ smoothed
    # What the values that are known leave open of the coefficients.
    exact = np.ones(len(standardised), dtype=bool)
    exact[at] = False
    open_ = np.linalg.inv((others[exact].T @ others[exact]) / tau**2 + np.diag(prior_sd**-2.0))
    loaded = root[:, None] * (others[at] @ np.linalg.cholesky(open_))
    turned, singular, _ = np.linalg.svd(loaded)
    wide = singular[singular > 1e-6 * singular[0]] ** 2
    spanned, rest = np.split(turned, [len(wide)], axis=1)
    _, vectors = np.linalg.eigh(rest.T @ (0.5 * (np.diag(information) + structured)) @ rest)
    basis = np.column_stack([spanned, rest @ vectors])
    place[: len(wide), WIDE] = wide
    place[:, RESPONSE] = basis.T @ apart
    place[:, OWN] = ((basis**2).T * information).sum(axis=1)
    place[:, STRUCTURED] = np.einsum("ij,ik,kj->j", basis, structured, basis, optimize=True)
    return Block(place, np.ascontiguousarray(basis), tau)


@compiled()
def _variances(scales, place, j):
    """pi_j and t_j."""
    tau, share, sigma, rho = scales[0], scales[1], scales[2], scales[3]
    own, structured = place[j, 4], place[j, 5]
    pi = place[j, 3] + tau * tau * ((1.0 - share) * own + share * structured)
    told = place[j, 6] / (sigma * sigma * ((1.0 - rho) * own + rho * structured) + place[j, 7])
    return pi, told


@compiled()
def _terms(v, scales, place, terms):
    """Fill t, 1 / P, y0, c and h (5, k); return alpha, c's, kappa, c'h / P and c'v / P^(1/2)."""
    k = v.size
    size = 0.0
    for j in range(k):
        pi, told = _variances(scales, place, j)
        terms[0, j], terms[1, j] = told, 1.0 / (1.0 + 1.0 / pi + told)
        terms[2, j] = (place[j, 2] + told * place[j, 8]) * terms[1, j]
        size += told * terms[2, j] ** 2
    alpha, answer = 1.0 / np.sqrt(1.0 + size), 0.0
    for j in range(k):
        terms[3, j] = alpha * terms[0, j] * terms[2, j]
        answer += terms[3, j] * place[j, 8]
    kappa, mixed, along = 0.0, 0.0, 0.0
    for j in range(k):
        terms[4, j] = place[j, 2] + terms[0, j] * place[j, 8] - terms[3, j] * answer
        kappa += terms[3, j] ** 2 * terms[1, j]
        mixed += terms[3, j] * terms[4, j] * terms[1, j]
        along += terms[3, j] * v[j] * np.sqrt(terms[1, j])
    return alpha, answer, kappa, mixed, along


@compiled()
def _stretch(kappa):
    """((1 - kappa)^(-1/2) - 1) / kappa and its derivative."""
    if kappa < 1e-4:
        return 0.5 + 0.375 * kappa, 0.375 + 0.625 * kappa
    root = 1.0 / np.sqrt(1.0 - kappa)
    value = (root - 1.0) / kappa
    return value, (0.5 * root**3 - value) / kappa


@compiled()
def spread_block(v, scales, place, basis, z):
    """Fill z (k,) from coordinates v (k,), ``scales`` being tau, lambda, sigma and rho; return the log
    Jacobian."""
    k = v.size
    terms, y = np.empty((5, k)), np.empty(k)
    _, _, kappa, mixed, along = _terms(v, scales, place, terms)
    shift = mixed / (1.0 - kappa) + _stretch(kappa)[0] * along
    jacobian = -0.5 * np.log1p(-kappa)
    for j in range(k):
        y[j] = terms[1, j] * (terms[4, j] + terms[3, j] * shift) + np.sqrt(terms[1, j]) * v[j]
        jacobian += np.log(place[j, 1]) + 0.5 * np.log(terms[1, j])
    for e in range(k):
        turned = inner(basis[e * k : (e + 1) * k], y) if basis.size else y[e]
        z[e] = place[e, 0] + place[e, 1] * turned
    return jacobian


@compiled()
def gather_block(by_z, v, scales, place, basis, by_v, by_scales):
    """From slopes in z (k,) fill those in v (k,), of the log Jacobian too, and those in log tau, logit
    lambda, log sigma and logit rho (4,)."""
    k = v.size
    by_y, terms = np.zeros(k), np.empty((5, k))
    for e in range(k):
        loaded = place[e, 1] * by_z[e]
        if basis.size:
            row = basis[e * k : (e + 1) * k]
            for j in range(k):
                by_y[j] += row[j] * loaded
        else:
            by_y[e] = loaded
    alpha, answer, kappa, mixed, along = _terms(v, scales, place, terms)
    stretch, stretch_slope = _stretch(kappa)
    left = 1.0 - kappa
    shift = mixed / left + stretch * along
    # Backwards through the lines of `spread_block` and `_terms`.
    by_shift = 0.0
    for j in range(k):
        by_shift += by_y[j] * terms[1, j] * terms[3, j]
    by_mixed, by_along = by_shift / left, by_shift * stretch
    by_kappa = by_shift * (mixed / left**2 + along * stretch_slope) + 0.5 / left
    by_c, by_inverse, by_told, by_h = np.empty(k), np.empty(k), np.empty(k), np.empty(k)
    by_answer = 0.0
    for j in range(k):
        inverse, c, h = terms[1, j], terms[3, j], terms[4, j]
        root = np.sqrt(inverse)
        by_v[j] = by_y[j] * root + by_along * c * root
        by_h[j] = by_y[j] * inverse + by_mixed * c * inverse
        by_c[j] = by_y[j] * inverse * shift + by_along * root * v[j] + by_mixed * h * inverse
        by_c[j] += 2.0 * by_kappa * c * inverse - by_h[j] * answer
        by_inverse[j] = by_y[j] * (h + c * shift) + 0.5 * (by_y[j] + by_along * c) * v[j] / root
        by_inverse[j] += by_mixed * c * h + by_kappa * c * c + 0.5 / inverse
        by_told[j] = by_h[j] * place[j, 8]
        by_answer -= by_h[j] * c
    by_alpha = 0.0
    for j in range(k):
        by_c[j] += by_answer * place[j, 8]
        by_told[j] += by_c[j] * alpha * terms[2, j]
        by_alpha += by_c[j] * terms[0, j] * terms[2, j]
    by_size = -0.5 * alpha**3 * by_alpha
    by_scales[:] = 0.0
    for j in range(k):
        told, inverse, expected = terms[0, j], terms[1, j], terms[2, j]
        by_expected = by_c[j] * alpha * told + 2.0 * by_size * told * expected
        by_inverse[j] += by_expected * expected / inverse
        by_told[j] += by_size * expected**2 + by_expected * place[j, 8] * inverse
        by_precision = -by_inverse[j] * inverse**2
        by_told[j] += by_precision
        pi, _ = _variances(scales, place, j)
        own, structured = place[j, 4], place[j, 5]
        for one in range(2):
            scale, share = scales[2 * one] ** 2, scales[2 * one + 1]
            # 1 / pi falls with the field's variance, and so does what the votes tell with theirs.
            by_variance = -by_precision / (pi * pi)
            if one == 1:
                by_variance = -by_told[j] * told * told / place[j, 6] if told > 0.0 else 0.0
            by_scales[2 * one] += 2.0 * by_variance * scale * ((1.0 - share) * own + share * structured)
            by_scales[2 * one + 1] += by_variance * scale * share * (1.0 - share) * (structured - own)
