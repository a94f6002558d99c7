r"""What was integrated out of the sampled density, drawn exactly given each posterior draw.

Given eta, sigma and rho the coefficients are Gaussian, b ~ N(b0 + b^, M^-1) (`field_kernel`), and given b
the structured part is Gaussian too: with a = sigma sqrt(rho), t = 1 / (sigma^2 (1 - rho)) and the residual
u = eta - X b centred within components,

    phi | u ~ N( (R + k I)^-1 a t u,  (R + k I)^-1 )   with zero sum in every component.

The all-ones vector of a component is an eigenvector of R + k I, so the sum-to-zero condition is met by
centring the draw.
"""

import numpy as np

from spatialvote.models.cholesky import solve_transposed_in_place
from spatialvote.models.compiled import compiled
from spatialvote.models.field_kernel import SMALLEST_K, centre_in_place, coefficient_posterior, smooth
from spatialvote.models.posterior import Posterior


def recover(
    posterior: Posterior, sigma: np.ndarray, rho: np.ndarray, eta: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw coefficients and the structured part for each posterior draw.

    Parameters
    ----------
    posterior
        The density that was sampled, with a field.
    sigma, rho
        Shape (draws,); rho is 0.5 throughout for ``iid``.
    eta
        Shape (draws, n).

    Returns
    -------
    coefficients
        Shape (draws, p), the intercept first.
    phi
        Shape (draws, n), unit scale; meaningless for ``iid``.
    """
    draws, n = eta.shape
    graph = posterior.field.graph
    white_b = rng.standard_normal((draws, posterior.design.shape[1]))
    white_phi = rng.standard_normal((draws, n))
    shift, phi = _recover(
        sigma,
        rho,
        eta - posterior.offset,
        posterior.design,
        posterior.prior_sd,
        white_b,
        white_phi,
        graph.component,
        graph.sizes,
        tuple(graph.pattern),
    )
    return posterior.prior_mean + shift, phi


@compiled()
def _recover(sigma, rho, eta, design, prior_sd, white_b, white_phi, component, sizes, pattern):
    draws, n = eta.shape
    p = design.shape[1]
    order = pattern[0]
    coefficients = np.empty((draws, p))
    phi = np.empty((draws, n))
    columns = np.empty((n, p + 1))
    columns[:, 1:] = design
    for s in range(draws):
        k = max(rho[s] / (1.0 - rho[s]), SMALLEST_K)
        t = 1.0 / (sigma[s] ** 2 * (1.0 - rho[s]))
        columns[:, 0] = eta[s]
        x, centred, factor = smooth(columns, k, component, sizes, pattern)
        noise = white_phi[s].copy().reshape((n, 1))
        solve_transposed_in_place(factor, pattern, noise)
        mean, lower, _ = coefficient_posterior(columns, x, centred, prior_sd, t, k)
        for i in range(p - 1, -1, -1):
            value = white_b[s, i]
            for q in range(i + 1, p):
                value -= lower[q, i] * (coefficients[s, q] - mean[q])
            coefficients[s, i] = mean[i] + value / lower[i, i]
        scale = sigma[s] * np.sqrt(rho[s]) * t
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
