r"""What was integrated out of the density of several parties, drawn exactly given each posterior draw.

Given Eta and the hyperparameters vec(B) ~ N(b^, M^-1) (`field_kernel`); given B too, the structured part of
field k is Gaussian as in `spatialvote.models.recover`, at sigma = 1. The structured part of logit j is then

    s_j = sum_k A_jk sqrt(rho_k) phi_k.
"""

import numpy as np

from spatialvote.models.cholesky import factorise, solve_transposed_in_place
from spatialvote.models.compiled import compiled
from spatialvote.models.field_kernel import SMALLEST_K, centre_in_place
from spatialvote.models.parties.density import unpack
from spatialvote.models.parties.field_kernel import coefficient_system, invert_lower, smooth_parties
from spatialvote.models.parties.posterior import PartyPosterior
from spatialvote.models.recover import draw_given


def recover(
    posterior: PartyPosterior, theta: np.ndarray, eta: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray | None]:
    """Draw coefficients and structured parts for each posterior draw.

    Parameters
    ----------
    posterior
        The density that was sampled.
    theta, eta
        Coordinates of the hyperparameters, (draws, h), and logits, (draws, K, n).

    Returns
    -------
    coefficients
        Shape (draws, K, p), the intercepts first.
    structured
        s, shape (draws, n, K); None without neighbours.
    """
    draws, count, n = eta.shape
    p = posterior.design.shape[1]
    white_b = rng.standard_normal((draws, count * p))
    white_phi = rng.standard_normal((draws, count, n)) if posterior.rhos else np.zeros((0, count, n))
    coefficients, structured = _recover(theta, eta, white_b, white_phi, posterior.arrays)
    coefficients[:, :, 0] += posterior.level
    return coefficients, structured if posterior.rhos else None


@compiled()
def _recover(theta, eta, white_b, white_phi, model):
    draws, count, n = eta.shape
    p = model.design.shape[1]
    coefficients = np.empty((draws, count, p))
    structured = np.zeros((white_phi.shape[0], n, count))
    component, sizes, pattern = model.component, model.sizes, model.pattern
    order = pattern[0]
    for s in range(draws):
        hyper = unpack(theta[s], model)
        mixing = np.empty((count, count))
        for k in range(count):
            mixing[k] = hyper.sigma[k] * hyper.lower[k]
        unmix = invert_lower(mixing)
        centred_eta = eta[s] - model.level.reshape((count, 1))
        _, x_y, _, x_design, _, gram, _, projected = smooth_parties(
            centred_eta, model.design, unmix, hyper.rho, component, sizes, pattern
        )
        lower, mean = coefficient_system(unmix, gram, projected, model.prior_precision, model.prior_sd)
        b = draw_given(mean.ravel(), lower, white_b[s]).reshape((count, p))
        coefficients[s] = b
        if white_phi.shape[0] == 0:
            continue
        for k in range(count):
            g = 0 if hyper.rho.size == 1 else k
            rho = hyper.rho[g]
            factor = factorise(max(rho / (1.0 - rho), SMALLEST_K), pattern)
            noise = white_phi[s, k].copy().reshape((n, 1))
            solve_transposed_in_place(factor, pattern, noise)
            scale = np.sqrt(rho) / (1.0 - rho)
            own = np.zeros(p)
            for j in range(k + 1):
                own += unmix[k, j] * b[j]
            phi = np.empty((n, 1))
            for r in range(n):
                i = order[r]
                smooth_residual = x_y[i, k]
                for q in range(p):
                    smooth_residual -= own[q] * x_design[g, i, q]
                phi[i, 0] = scale * smooth_residual + noise[r, 0]
            centre_in_place(phi, component, sizes)
            for j in range(k, count):
                for i in range(n):
                    structured[s, i, j] += mixing[j, k] * np.sqrt(rho) * phi[i, 0]
    return coefficients, structured
