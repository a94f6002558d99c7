r"""The Gaussian approximation of all terms and coefficients at given hyperparameters, by Newton's method.

With e integrated out row by row (`spatialvote.models.laplace.district`), m = X b + A z and

    log p = sum_i log Z_i(m_i) - z'Qz / 2 - (b - b0)'B (b - b0) / 2      on C z = 0.
"""

import numpy as np

from spatialvote.models.compiled import compiled
from spatialvote.models.laplace.district import ROWS, collapse_all
from spatialvote.models.laplace.inner import TOLERANCE
from spatialvote.models.latent.system import make_system, multiply_columns, multiply_rows, solve_system
from spatialvote.models.sparse_kernel import multiply

_MOST_STEPS = 60
_MOST_HALVINGS = 30


@compiled()
def find_inner(
    family, dispersion, t, precision, b_mean, b_precision, design, votes, size, layout, z, b, start
):  # fmt: skip
    """Mode at given hyperparameters.

    Parameters
    ----------
    t
        Precision of e.
    precision
        Entries of Q, as `combine_bases` gives them.
    b_mean, b_precision
        Prior of the coefficients, shape (p,).
    z, b, start
        Where to begin: stacked terms in the pattern's order (N,), coefficients (p,), modes of eta (rows,).

    Returns
    -------
    found, objective, z, b, m, out, system
        Whether Newton's method converged; log p at the mode; the mode; linear predictors without e;
        `collapse_all`'s rows; the `System` at the mode.
    """
    below_start, below_index = layout.pattern[1], layout.pattern[2]
    below, diagonal = precision[: below_index.size].copy(), precision[below_index.size :].copy()
    rows = votes.size
    out, trial = np.empty((ROWS, rows)), np.empty((ROWS, rows))
    m = multiply_rows(layout, z) + design @ b
    collapse_all(family, m, t, votes, size, dispersion, start, out)
    prior_z = multiply(below_start, below_index, below, diagonal, z)
    off = b - b_mean
    objective = np.sum(out[0]) - 0.5 * np.dot(z, prior_z) - 0.5 * np.sum(b_precision * off * off)
    system = make_system(precision, out[2], design, b_precision, layout)
    found = False
    for _ in range(_MOST_STEPS):
        if np.isnan(system.factor[0]):
            break
        slope_z = multiply_columns(layout, out[1]) - prior_z
        slope_b = design.T @ out[1] - b_precision * (b - b_mean)
        step_z, step_b = solve_system(layout, system, slope_z, slope_b)
        gain = 0.5 * (np.dot(slope_z, step_z) + np.dot(slope_b, step_b))
        if not np.isfinite(gain):
            break
        if gain < TOLERANCE:
            found = True
            break
        length = 1.0
        for _ in range(_MOST_HALVINGS):
            z_new, b_new = z + length * step_z, b + length * step_b
            m_new = multiply_rows(layout, z_new) + design @ b_new
            collapse_all(family, m_new, t, votes, size, dispersion, out[8] + (m_new - m), trial)
            prior_new = multiply(below_start, below_index, below, diagonal, z_new)
            off = b_new - b_mean
            reached = np.sum(trial[0]) - 0.5 * np.dot(z_new, prior_new)
            reached -= 0.5 * np.sum(b_precision * off * off)
            # Rounding of a sum over many rows may hide the last small gains.
            if reached >= objective - 1e-12 * abs(objective):
                break
            length *= 0.5
        z, b, m, prior_z, objective = z_new, b_new, m_new, prior_new, reached
        out, trial = trial, out
        system = make_system(precision, out[2], design, b_precision, layout)
    return found, objective, z, b, m, out, system
