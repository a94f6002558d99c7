r"""What was integrated out of the sampled density, drawn exactly given each posterior draw.

Given eta and the hyperparameters the coefficients are Gaussian, b ~ N(b0 + b^, M^-1) (`field_kernel`,
`sparse_kernel`), and for BYM2, given b, the structured part is Gaussian too: with a = sigma sqrt(rho),
t = 1 / (sigma^2 (1 - rho)) and the residual u = eta - X b centred within components,

    phi | u ~ N( (R + k I)^-1 a t u,  (R + k I)^-1 )   with zero sum in every component.

The all-ones vector of a component is an eigenvector of R + k I, so the sum-to-zero condition is met by
centring the draw.
"""

from collections.abc import Iterable

import numpy as np

from spatialvote.models.cholesky import solve_transposed_in_place
from spatialvote.models.compiled import compiled
from spatialvote.models.density import COLLAPSED, column_sd, hyperparameters
from spatialvote.models.field_kernel import SMALLEST_K, centre_in_place, coefficient_posterior, smooth
from spatialvote.models.posterior import Posterior
from spatialvote.models.sparse_kernel import coefficients_given_eta, combine, multiply
from spatialvote.models.structures.dispatch import weights


def recover(
    posterior: Posterior,
    values: dict[str, np.ndarray],
    eta: np.ndarray,
    rng: np.random.Generator,
    designs: Iterable[np.ndarray] | None = None,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Draw coefficients and the structured part for each posterior draw.

    Parameters
    ----------
    posterior
        The density that was sampled, with a field.
    values
        Each hyperparameter by its name, shape (draws,).
    eta
        Shape (draws, n).
    designs
        The design of each draw, (n, p) each, where columns of it are unknown and the structure has no sparse
        precision; None: that of the posterior.

    Returns
    -------
    coefficients
        Shape (draws, p), the intercept first.
    phi
        Shape (draws, n), unit scale; None for structures other than ``bym2``.
    """
    draws, n = eta.shape
    model = posterior.arrays
    theta = posterior.unconstrain(values, draws)
    white = rng.standard_normal((draws, posterior.design.shape[1]))
    residual = eta - posterior.offset
    if designs is not None:
        noise = rng.standard_normal((draws, n))
        coefficients, phi = np.empty_like(white), np.empty((draws, n))
        for s, design in enumerate(designs):
            one, at = slice(s, s + 1), model._replace(design=design)
            coefficients[one], phi[one] = _recover_collapsed(
                theta[one], residual[one], white[one], noise[one], at
            )
    elif model.switches[0] == COLLAPSED:
        coefficients, phi = _recover_collapsed(theta, residual, white, rng.standard_normal((draws, n)), model)
    else:
        coefficients, phi = _recover_sparse(theta, residual, white, model), None
    return posterior.prior_mean + coefficients, phi if posterior.field.structure == "bym2" else None


@compiled()
def draw_given(mean, lower, white):
    """A draw of N(mean, (lower lower')^-1) from white noise (p,)."""
    p = mean.size
    drawn = np.empty(p)
    for i in range(p - 1, -1, -1):
        value = white[i]
        for q in range(i + 1, p):
            value -= lower[q, i] * (drawn[q] - mean[q])
        drawn[i] = mean[i] + value / lower[i, i]
    return drawn


@compiled()
def _recover_sparse(theta, eta, white, model):
    draws, n = eta.shape
    p = model.design.shape[1]
    order, start, index = model.pattern[0], model.pattern[1], model.pattern[2]
    gram = model.gram.reshape((model.gram.shape[0], p, p))
    coefficients = np.empty((draws, p))
    for s in range(draws):
        value, _, sigma, rho, _ = hyperparameters(theta[s], model)
        share, _ = weights(model.switches[2], rho, model.table)
        share /= sigma * sigma
        below, diagonal = combine(share, model.below_terms), combine(share, model.diagonal_terms)
        product = multiply(start, index, below, diagonal, eta[s][order])
        projected = np.zeros(p)
        for r in range(n):
            for q in range(p):
                projected[q] += model.design[order[r], q] * product[r]
        mean, lower, _ = coefficients_given_eta(projected, gram, share, column_sd(value, model))
        coefficients[s] = draw_given(mean, lower, white[s])
    return coefficients


@compiled()
def _recover_collapsed(theta, eta, white_b, white_phi, model):
    draws, n = eta.shape
    p = model.design.shape[1]
    pattern, component, sizes = model.pattern, model.component, model.sizes
    order = pattern[0]
    coefficients = np.empty((draws, p))
    phi = np.empty((draws, n))
    columns = np.empty((n, p + 1))
    columns[:, 1:] = model.design
    for s in range(draws):
        value, _, sigma, rho, _ = hyperparameters(theta[s], model)
        k = max(rho / (1.0 - rho), SMALLEST_K)
        t = 1.0 / (sigma**2 * (1.0 - rho))
        columns[:, 0] = eta[s]
        x, centred, factor = smooth(columns, k, component, sizes, pattern)
        noise = white_phi[s].copy().reshape((n, 1))
        solve_transposed_in_place(factor, pattern, noise)
        mean, lower, _ = coefficient_posterior(columns, x, centred, column_sd(value, model), t, k)
        coefficients[s] = draw_given(mean, lower, white_b[s])
        scale = sigma * np.sqrt(rho) * t
        drawn = np.empty((n, 1))
        for r in range(n):
            i = order[r]
            smooth_residual = x[i, 0]
            for q in range(p):
                smooth_residual -= coefficients[s, q] * x[i, q + 1]
            drawn[i, 0] = scale * smooth_residual + noise[r, 0]
        centre_in_place(drawn, component, sizes)
        phi[s] = drawn[:, 0]
    return coefficients, phi
