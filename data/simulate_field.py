"""Random fields for simulated cities: smooth ones in the plane, and the scaled intrinsic CAR on a graph."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.sparse import csc_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

#: Right-hand sides per sparse solve, so that memory stays at n times this number.
_BLOCK = 256


@dataclass(frozen=True, eq=False)
class SmoothField:
    """A smooth random surface with mean 0 and variance 1 at every point.

    f(x) = sqrt(2/m) sum_k cos(w_k'x + b_k), w_k ~ N(0, I / length^2), b_k ~ U(0, 2 pi): random Fourier
    features of the squared-exponential covariance exp(-|x - y|^2 / (2 length^2)) (Rahimi and Recht 2007).

    Attributes
    ----------
    frequencies
        Shape (m, 2), radians per metre.
    phases
        Shape (m,), radians.
    """

    frequencies: np.ndarray
    phases: np.ndarray

    @classmethod
    def draw(cls, rng: np.random.Generator, length: float, terms: int = 48) -> Self:
        """Draw a surface whose correlation falls over `length` metres."""
        return cls(rng.normal(size=(terms, 2)) / length, rng.uniform(0, 2 * np.pi, size=terms))

    def __call__(self, xy: np.ndarray) -> np.ndarray:
        """Evaluate at points, shape (k, 2) in metres; gives shape (k,)."""
        value = np.zeros(len(xy))
        for (fx, fy), phase in zip(self.frequencies, self.phases, strict=True):
            value += np.cos(fx * xy[:, 0] + fy * xy[:, 1] + phase)
        return value * np.sqrt(2 / len(self.phases))


def draw_scaled_icar(
    rng: np.random.Generator, n: int, i: np.ndarray, j: np.ndarray, draws: int
) -> np.ndarray:
    """Draw the intrinsic CAR of a graph, scaled within each connected component.

    In a component with Laplacian L and Moore-Penrose inverse L^-, phi ~ N(0, L^- / g) with g the geometric
    mean of diag(L^-), so that the geometric mean of the marginal variances is 1 (Freni-Sterrantino et al.
    2018); phi sums to zero in the component. A node without a neighbour gets N(0, 1).

    With B the incidence matrix, L = B'B, so x = L^- B'z with z iid N(0, 1), one per link, has covariance
    L^-: one sparse solve a draw. L^- itself is the inverse of L without its first node (G, bordered with
    zeros), centred on both sides; hence diag(L^-)_i = G_ii - 2 mean(G_i.) + mean(G), exactly.

    Parameters
    ----------
    n
        Number of nodes.
    i, j
        Positions of linked nodes, each link once, shape (m,).
    draws
        Number of independent draws.

    Returns
    -------
    ndarray
        Shape (draws, n).
    """
    phi = np.empty((draws, n))
    incidence = csc_array(
        (
            np.concatenate([np.ones(len(i)), -np.ones(len(i))]),
            (np.tile(np.arange(len(i)), 2), np.concatenate([i, j])),
        ),
        shape=(len(i), n),
    )
    laplacian = csc_array(incidence.T @ incidence)
    _, component = connected_components(laplacian, directed=False)
    noise = rng.normal(size=(draws, len(i)))
    right = incidence.T @ noise.T
    for members in _members(component):
        if len(members) == 1:
            phi[:, members] = rng.normal(size=(draws, 1))
            continue
        grounded = splu(laplacian[members][:, members][1:, 1:].tocsc())
        x = np.zeros((len(members), draws))
        x[1:] = grounded.solve(right[members[1:]])
        x -= x.mean(axis=0)
        phi[:, members] = x.T / np.sqrt(_geometric_mean_variance(grounded, len(members)))
    return phi


def _members(component: np.ndarray) -> list[np.ndarray]:
    """Split node positions by component label."""
    order = np.argsort(component, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(component[order])) + 1)


def _geometric_mean_variance(grounded, n: int) -> float:
    """Geometric mean of diag(L^-) from the factor of the Laplacian without its first node."""
    diagonal, row_mean = np.zeros(n), np.zeros(n)
    for start in range(0, n - 1, _BLOCK):
        columns = np.arange(start, min(start + _BLOCK, n - 1))
        unit = np.zeros((n - 1, len(columns)))
        unit[columns, np.arange(len(columns))] = 1.0
        inverse = grounded.solve(unit)
        diagonal[1 + columns] = inverse[columns, np.arange(len(columns))]
        row_mean[1 + columns] = inverse.sum(axis=0) / n
    variance = diagonal - 2 * row_mean + row_mean.mean()
    return float(np.exp(np.log(variance).mean()))
