r"""Exact draws of one district after the other, for structures without an iid part.

The Cholesky factor of S = P + diag(h) writes the Gaussian approximation of x, given the coefficients, as a
chain: from the last row to the first, x_i given those after it is normal with precision L_ii^2. In each such
conditional the district's own likelihood stands as its site l^_i, a quadratic. Here it is put back: with the
cavity N(m_i; u_i, 1 / t_i), what is left of the conditional without its site,

    t_i = L_ii^2 - h_i,    t_i u_i = L_ii^2 E[m_i | later] - (b_i + h_i m^_i),

x_i is drawn from the density proportional to p(y_i | m_i) N(m_i; u_i, 1 / t_i), by the same rejection sampler
that draws eta where there is an iid part. Its normaliser Z_i, by the same quadrature, is known, so that the
density of a draw is too, and the posterior over it is

    exp(log_z) prod_i Z_i / Z^_i,    Z^_i = integral of exp(l^_i) N(u_i, 1 / t_i),

with log_z the log normaliser of the Gaussian approximation. A draw is thus as skewed as its own likelihood
makes it, and a weight varies only by what the skewness of districts that are drawn later says about those
drawn before them, which falls with the sixth power of the correlation of effects given the votes. This is
sequential importance sampling (Liu and Chen 1998) with the optimal one-step proposal, along an order that
keeps the chain sparse.

Liu, J. S., Chen, R. (1998). Sequential Monte Carlo methods for dynamic systems. JASA 93.
"""

import numpy as np

from spatialvote.models.compiled import compiled
from spatialvote.models.families import FAMILIES
from spatialvote.models.laplace.district import collapsed
from spatialvote.models.laplace.draws import draw_deviations
from spatialvote.models.laplace.eta import draw_one
from spatialvote.models.laplace.series import TERMS, expand, has_series
from spatialvote.models.laplace.sites import Sites
from spatialvote.models.laplace.target import Target
from spatialvote.models.symbolic import COLUMNS, FIELDS, FIRST, PANEL_AT, ROW_AT, ROWS


@compiled()
def draw_in_turn(
    family, dispersion, mean, value, slope, curvature, factor, pattern, votes, size, fixed, rng, x
):  # fmt: skip
    """Draw x in place of its conditional means given the coefficients.

    Parameters
    ----------
    mean, value, slope, curvature
        Of the sites, shape (n,) each.
    factor
        Of S.
    fixed
        X c of each draw, shape (n, k).
    x
        On entry the mean of x given c of each draw, shape (n, k); on return the draws.

    Returns
    -------
    ndarray
        sum_i log(Z_i / Z^_i) of each draw, shape (k,).
    """
    nodes, row_index = pattern[5], pattern[6]
    n, draws = x.shape
    off, shift, ratio = np.zeros((n, draws)), np.empty(draws), np.zeros(draws)
    work, coefficient, sides = np.empty(TERMS + 1), np.empty(TERMS + 1), np.empty((2, 4))
    for s in range(nodes.size // FIELDS - 2, -1, -1):
        node = s * FIELDS
        first, columns, rows = nodes[node + FIRST], nodes[node + COLUMNS], nodes[node + ROWS]
        panel, row_at = nodes[node + PANEL_AT], nodes[node + ROW_AT]
        for j in range(columns - 1, -1, -1):
            i, column = first + j, panel + j * rows
            shift[:] = 0.0
            for r in range(j + 1, rows):
                row = first + r if r < columns else row_index[row_at + r - columns]
                for q in range(draws):
                    shift[q] += factor[column + r] * off[row, q]
            root = factor[column + j]
            if size[i] == 0.0:
                for q in range(draws):
                    off[i, q] = (rng.standard_normal() - shift[q]) / root
                continue
            precision, h = root * root, curvature[i]
            t = precision - h
            centre = np.nan
            if has_series(family):
                centre = mean[i]
                expand(family, centre, votes[i], size[i], coefficient)
            for q in range(draws):
                level = x[i, q] + fixed[i, q]
                m = level - shift[q] / root
                # The cavity's mean, written so that nothing cancels where votes leave it little to say.
                cavity = m + (h * (m - mean[i]) - slope[i]) / t
                log_z, _, variance, _, _, mode = collapsed(
                    family, cavity, t, votes[i], size[i], dispersion, m, work, sides
                )
                apart = m - mean[i]
                site = value[i] + (slope[i] - 0.5 * h * apart) * apart
                ratio[q] += log_z - site + 0.5 * t * (m - cavity) ** 2 - 0.5 * np.log(t / precision)
                drawn = draw_one(
                    family, cavity, t, votes[i], size[i], dispersion, mode, 1.0 / variance, centre,
                    coefficient, rng,
                )  # fmt: skip
                off[i, q] = drawn - level
    x += off
    return ratio


def draw_corrected(
    target: Target, dispersion: float, sites: Sites, draws: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draws of field (n, draws) and coefficients (p, draws), and the log of the posterior over their density
    without ``sites.log_z``, shape (draws,)."""
    c = rng.standard_normal((len(sites.c), draws))
    draw_deviations(sites.lower, c)
    x = sites.x[:, None] - sites.v @ c
    c += sites.c[:, None]
    ratio = draw_in_turn(
        FAMILIES[target.posterior.family].CODE, dispersion, sites.m, sites.value, sites.slope,
        sites.curvature, sites.factor, target.pattern, target.votes, target.size, target.design @ c, rng, x,
    )  # fmt: skip
    return x, c, ratio
