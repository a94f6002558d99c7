r"""The likelihood of coefficients and hyperparameters, effects of districts and groups integrated out.

Given its own effect each district's votes say nothing of the coefficients: the sum of the stored log
likelihoods is the same whatever they are, as long as eta is. What the votes say of b, sigma and rho is

    p(y | b, sigma, rho) = integral of p(y | eta) p(eta | b, sigma, rho) d eta,

here with p(y_i | eta_i) as the normal density that it nearly is at the posterior mean of eta_i,

    log p(y_i | eta_i) = log p(y_i | h_i) + s_i^2 / (2 v_i) - v_i (y*_i - eta_i)^2 / 2,

with h the posterior mean, s the score and v the Fisher information there, and y*_i = h_i + s_i / v_i. For
counts of some dozen votes that is accurate, for logits of shares exact. With D = diag(v), C the covariance of
all effects and r = y* - X b,

    log p(y | b, sigma, rho) = const - log|I + C D| / 2 - r'(C + D^-1)^-1 r / 2.

A district that tells no votes has v = 0 and adds nothing.
"""

from dataclasses import dataclass

import numpy as np

from spatialvote.models.cholesky import factorise_values, log_determinant, solve_in_place
from spatialvote.models.families import FAMILIES
from spatialvote.models.latent.posterior import LatentPosterior
from spatialvote.models.latent.system import (
    combine_bases,
    log_det_system,
    make_system,
    multiply_columns,
    solve_system,
)
from spatialvote.models.posterior import Posterior
from spatialvote.models.structures.dispatch import log_det, weights


@dataclass(frozen=True, eq=False)
class Unknowns:
    """Draws of what the likelihood is of.

    Attributes
    ----------
    coefficients
        Intercept and coefficients, shape (draws, p).
    hyper
        Hyperparameters by name, each shape (draws,).
    """

    coefficients: np.ndarray
    hyper: dict[str, np.ndarray]


def log_marginal(
    posterior: Posterior, eta: np.ndarray, unknowns: Unknowns, latent: LatentPosterior | None = None
) -> np.ndarray:
    """Log likelihood of each draw up to a constant, shape (draws,).

    Parameters
    ----------
    posterior
        The model bound to its districts.
    eta
        Posterior mean of the linear predictor, shape (n,).
    unknowns
        The draws.
    latent
        The same posterior as one of latent terms, where it has such.
    """
    fixed = posterior.column_group == 0
    family = FAMILIES[posterior.family]
    votes, size, hyper = posterior.votes, posterior.size, unknowns.hyper
    total = np.empty(len(unknowns.coefficients))
    for s, coefficients in enumerate(unknowns.coefficients):
        dispersion = float(hyper[family.HYPER[0]][s]) if family.HYPER else 0.0
        v = family.information(eta, size, dispersion)
        told = v > 0
        score = np.where(told, family.score(eta, votes, size, dispersion), 0.0)
        away = score / np.where(told, v, 1.0)
        at_mean = np.where(told, family.log_likelihood(eta, votes, size, dispersion), 0.0)
        residual = np.where(told, eta + away - posterior.design[:, fixed] @ coefficients, 0.0)
        sigma = float(hyper["sigma"][s]) if "sigma" in hyper else 0.0
        rho = float(hyper["rho"][s]) if "rho" in hyper else 0.0
        if latent is not None:
            values = {name: value[s] for name, value in hyper.items()}
            quadratic, log_ratio = _solve_terms(latent, v, values, residual)
            total[s] = (at_mean + score * away / 2).sum() - (log_ratio + quadratic) / 2
            continue
        levels = posterior.design[:, ~fixed]
        solved, log_ratio = _solve(posterior, v, sigma, rho, np.column_stack([residual, levels]))
        quadratic = residual @ solved[:, 0]
        if levels.shape[1]:
            at = {name: value[s] for name, value in hyper.items()}
            covariance = posterior.coefficient_covariance(at)[np.ix_(~fixed, ~fixed)]
            inner = np.linalg.inv(covariance) + levels.T @ solved[:, 1:]
            by_level = levels.T @ solved[:, 0]
            quadratic -= by_level @ np.linalg.solve(inner, by_level)
            log_ratio += np.linalg.slogdet(inner)[1] + np.linalg.slogdet(covariance)[1]
        total[s] = (at_mean + score * away / 2).sum() - (log_ratio + quadratic) / 2
    return total


def _solve(
    posterior: Posterior, v: np.ndarray, sigma: float, rho: float, columns: np.ndarray
) -> tuple[np.ndarray, float]:
    """(C + D^-1)^-1 times columns (n, p), and log|I + C D|, of the effects of districts alone."""
    field = posterior.field
    if not posterior.has_field:
        return v[:, None] * columns, 0.0
    if field.precision is not None:
        precision, pattern = field.precision, tuple(field.precision.pattern)
        order = precision.pattern.order
        share, _ = weights(precision.code, rho, precision.table)
        diagonal = share @ precision.diagonal_terms + sigma**2 * v[order]
        factor = factorise_values(share @ precision.below_terms, diagonal, pattern)
        nodes = precision.nodes
        alone, _ = log_det(precision.code, rho, nodes.value, nodes.weight, precision.constants)
        weighted = v[:, None] * columns
        inner = sigma**2 * _back(factor, pattern, order, weighted)
        return weighted - v[:, None] * inner, log_determinant(factor, pattern) - alone
    graph = field.graph
    # Effects without links, and the independent part of others, join the noise.
    fraction = rho if graph.sizes.size else 0.0
    own, scale = sigma**2 * (1 - fraction), sigma**2 * fraction
    d = v / (1 + v * own)
    weighted = d[:, None] * columns
    log_ratio = float(np.log1p(v * own).sum())
    if scale == 0:
        return weighted, log_ratio
    pattern, order = tuple(graph.pattern), graph.pattern.order
    below, diagonal = graph.pattern.below_value, graph.pattern.diagonal
    # R + a^2 diag(d), with a^2 the variance of the structured part.
    factor = factorise_values(below, diagonal + scale * d[order], pattern)
    constant = (graph.component[:, None] == np.arange(graph.sizes.size)).astype(np.float64)
    solved = scale * _back(factor, pattern, order, np.column_stack([weighted, constant]))
    inner, spread = solved[:, : columns.shape[1]], solved[:, columns.shape[1] :]
    # The structured part sums to zero in each component.
    between = constant.T @ spread
    inner -= spread @ np.linalg.solve(between, constant.T @ inner)
    log_ratio += log_determinant(factor, pattern) + np.linalg.slogdet(between / scale)[1]
    return weighted - d[:, None] * inner, float(log_ratio)


def _solve_terms(
    latent: LatentPosterior, v: np.ndarray, values: dict[str, np.ndarray], residual: np.ndarray
) -> tuple[float, float]:
    """r'(C + D^-1)^-1 r and log|I + C D| of latent terms and the effects of districts together."""
    layout, own = latent.layout, np.real(latent.variance(values))
    d = v / (1 + v * own)
    weights = np.array([np.real(one) for term in latent.terms for one in term.weights(values)])
    # No coefficients: these are given, so that a column of zeros stands for them.
    system = make_system(
        combine_bases(weights, layout), d, np.zeros((len(v), 1)), np.ones(1), layout
    )  # fmt: skip
    loaded = multiply_columns(layout, d * residual)
    solved, _ = solve_system(layout, system, loaded, np.zeros(1))
    log_ratio = np.log1p(v * own).sum() + log_det_system(layout, system)
    log_ratio -= sum(float(np.real(term.log_det(values))) for term in latent.terms)
    return float(residual @ (d * residual) - loaded @ solved), float(log_ratio)


def _back(factor: np.ndarray, pattern: tuple, order: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Solve with a factor in the districts' order, columns (n, p)."""
    permuted = np.ascontiguousarray(columns[order])
    solve_in_place(factor, pattern, permuted)
    solved = np.empty_like(permuted)
    solved[order] = permuted
    return solved
