"""The latent terms of elections over time, each as `spatialvote.models.latent.term` has them."""

from collections.abc import Callable

import numpy as np
from scipy.sparse import csr_array, eye_array, kron

from spatialvote.models.elections.steps import Steps
from spatialvote.models.latent.term import Hyper, Term, Values
from spatialvote.models.latent.terms import icar, zero_sums
from spatialvote.models.scaled_graph import ScaledGraph

#: Names of the terms, which are those of their draws.
PHI, INDEPENDENT, CHANGE, PATH, SLOPE = "phi", "independent", "change", "path", "slope"


def _nothing(z: np.ndarray, values: Values) -> dict[str, np.ndarray]:
    return {}


def structured_part(graph: ScaledGraph, district: np.ndarray, sigma: Hyper, rho: Hyper) -> Term:
    """sigma sqrt(rho) phi of BYM2: what neighbours share at all elections."""
    return icar(
        PHI, graph, _rows_of(district, graph.n), (sigma, rho), lambda v: v["sigma"] * np.sqrt(v["rho"])
    )


def independent_part(n: int, district: np.ndarray, sigma: Hyper, rho: Hyper) -> Term:
    """sigma sqrt(1 - rho) v of BYM2: what a district has by itself at all elections."""

    def variance(values: Values) -> np.ndarray:
        return values["sigma"] ** 2 * (1 - values["rho"])

    return Term(
        INDEPENDENT, _rows_of(district, n), (sigma, rho), (csr_array(eye_array(n)),),
        lambda values: [1 / variance(values)], lambda values: -n * np.log(variance(values)), _nothing,
    )  # fmt: skip


def varying_slope(graph: ScaledGraph, district: np.ndarray, column: np.ndarray, sigma: Hyper) -> Term:
    """sigma_slope times a scaled intrinsic CAR times the covariate: a slope that varies over the map."""
    return icar(SLOPE, graph, _rows_of(district, graph.n, column), (sigma,), lambda v: v[sigma.name])


def structured_change(
    graph: ScaledGraph,
    steps: Steps,
    district: np.ndarray,
    election: np.ndarray,
    sigma: Hyper,
    persistence: Hyper | None,
) -> Term:
    """sigma_change times a structure over time times a scaled intrinsic CAR (type IV of Knorr-Held 2000).

    In the loadings B of `steps` the Kronecker product over time and space is K fields, independent under a
    walk and correlated by M under an autoregression; psi = B z sums to zero over time by itself.
    """
    n, k = graph.n, steps.count
    rows = np.repeat(np.arange(district.size), k)
    columns = (district[:, None] + n * np.arange(k)).ravel()
    matrix = csr_array((steps.loadings[election].ravel(), (rows, columns)), shape=(district.size, k * n))
    constraints = csr_array(kron(eye_array(k), zero_sums(graph), format="csr"))
    rank = n - graph.sizes.size
    bases, weights, log_det = _over_time(steps, csr_array(graph.matrix), rank, sigma.name)
    hypers = (sigma,) if persistence is None else (sigma, persistence)
    return Term(CHANGE, matrix, hypers, bases, weights, log_det, _nothing, constraints)


def walking_effect(
    steps: Steps, election: np.ndarray, column: np.ndarray, sigma: Hyper, persistence: Hyper | None
) -> Term:
    """sigma_path times a structure over time times the covariate: the effect's path around its mean."""
    matrix = csr_array(steps.loadings[election] * column[:, None])
    bases, weights, log_det = _over_time(steps, csr_array(np.eye(1)), 1, sigma.name)
    hypers = (sigma,) if persistence is None else (sigma, persistence)
    return Term(PATH, matrix, hypers, bases, weights, log_det, _nothing)


def _rows_of(district: np.ndarray, n: int, value: np.ndarray | None = None) -> csr_array:
    """From districts to rows, each times a value."""
    rows = np.arange(district.size)
    value = np.ones(district.size) if value is None else value
    return csr_array((value, (rows, district)), shape=(district.size, n))


def _over_time(
    steps: Steps, space: csr_array, rank: int, sigma: str
) -> tuple[tuple[csr_array, ...], Callable, Callable]:
    """T_m, weights and log |Q| of Q = M^-1 (x) space / sigma^2."""
    k = steps.count
    if steps.kind == "rw1":
        return (
            (csr_array(kron(eye_array(k), space)),),
            lambda values: [values[sigma] ** -2],
            lambda values: -2 * rank * k * np.log(values[sigma]),
        )
    pairs = [(a, b) for a in range(k) for b in range(a + 1)]
    bases = []
    for a, b in pairs:
        small = np.zeros((k, k))
        small[a, b] = small[b, a] = 1.0
        bases.append(csr_array(kron(csr_array(small), space)))

    def weights(values: Values) -> list:
        inverse = steps.precision(values)
        return [inverse[..., a, b] * values[sigma] ** -2 for a, b in pairs]

    def log_det(values: Values) -> np.ndarray:
        return rank * (steps.log_det(values) - 2 * k * np.log(values[sigma]))

    return tuple(bases), weights, log_det
