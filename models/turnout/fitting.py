"""Fit a turnout model: draws of hyperparameters, then of everything else given them."""

import platform
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import numpy as np
import xarray as xr
from scipy.linalg import solve_triangular

from spatialvote.data.turnout import TurnoutCells
from spatialvote.models.families.binomial import CODE
from spatialvote.models.laplace.district import ROWS, collapse_all
from spatialvote.models.record import timed
from spatialvote.models.turnout.explore import Explored, explore
from spatialvote.models.turnout.fit import TurnoutFit
from spatialvote.models.turnout.model import TurnoutModel
from spatialvote.models.turnout.posterior import Point, TurnoutPosterior, cell_precision

_VERSIONS = ("spatialvote", "numba", "numpy", "scipy", "xarray")
#: Draws at which the Gaussian approximation given the hyperparameters is compared with the density itself.
_COMPARED = 200


def fit_turnout(model: TurnoutModel, cells: TurnoutCells, *, seed: int, draws: int) -> TurnoutFit:
    """Fit; see `TurnoutModel.fit`."""
    rng = np.random.default_rng(seed)
    timings: dict[str, float] = {}
    posterior = TurnoutPosterior.of(model, cells)
    with timed(timings, "hyperparameters"):
        explored = explore(posterior, rng)
    with timed(timings, "draws"):
        variables, ratio = _draw(posterior, explored, draws, rng)
    record = _record(cells, seed, draws, timings) | {
        "approximation": {
            "k_hat": explored.k,
            "points": len(explored.weight),
            "effective_points": explored.effective,
            "evaluations": explored.evaluations,
            "sd_log_ratio": ratio,
        }
    }
    return TurnoutFit(_tree(posterior, cells, variables), model, cells, record)


def _draw(
    posterior: TurnoutPosterior, explored: Explored, draws: int, rng: np.random.Generator
) -> tuple[dict[str, np.ndarray], float]:
    """Draws of every variable, and the spread of log density minus log approximation at some of them."""
    # Systematic resampling: a point of weight w is taken floor(draws w) or one more times.
    at = (rng.random() + np.arange(draws)) / draws
    last = len(explored.weight) - 1
    taken = np.bincount(np.minimum(np.searchsorted(np.cumsum(explored.weight), at), last), minlength=last + 1)
    x = np.empty((draws, posterior.size))
    eta = np.empty((draws, posterior.voted.size), dtype=np.float32)
    theta = np.repeat(explored.theta, taken, axis=0)
    ratios = []
    start = 0
    every = max(1, draws // _COMPARED)
    for number in np.flatnonzero(taken):
        point = posterior.point(explored.theta[number], explored.modes[number])
        block = slice(start, start + taken[number])
        start = block.stop
        noise = rng.normal(size=(posterior.size, taken[number]))
        x[block] = (point.mode[:, None] + solve_triangular(point.factor, noise)).T
        values = posterior.values(explored.theta[number])
        m = posterior.offset + x[block][:, posterior.index].sum(axis=2)
        eta[block] = _cell_effects(posterior, point, m, cell_precision(values) ** -0.5, rng)
        if block.start // every != block.stop // every:
            ratios.append(_log_ratio(posterior, point, values, x[block.stop - 1], noise[:, -1]))
    # Draws in random order: those of one point would stand together otherwise.
    order = rng.permutation(draws)
    variables: dict[str, np.ndarray] = {"eta": eta[order]}
    start = 0
    for term in posterior.terms:
        variables[term.name] = x[order, start : start + term.size]
        start += term.size
    for position, name in enumerate(posterior.names):
        column = theta[order, position]
        variables[name] = 1 / (1 + np.exp(-column)) if name == "rho" else np.exp(column)
    return variables, float(np.std(ratios)) if len(ratios) > 1 else 0.0


def _cell_effects(
    posterior: TurnoutPosterior, point: Point, m: np.ndarray, sigma: float, rng: np.random.Generator
) -> np.ndarray:
    """Draws of eta = m + e given m, shape (draws, cells).

    At the mode eta has mean m + g / t and variance (t - h) / t^2, t = 1 / sigma^2; away from it the mean
    moves by (1 - h / t) for each unit of m, to first order.
    """
    if sigma == 0:
        return m
    at_mode = posterior.offset + point.mode[posterior.index].sum(axis=1)
    g, h = point.cells[1], point.cells[2]
    mean = at_mode + g * sigma**2 + (1 - h * sigma**2) * (m - at_mode)
    variance = sigma**2 * np.maximum(1 - h * sigma**2, 0.0)
    return mean + np.sqrt(variance) * rng.normal(size=m.shape)


def _log_ratio(
    posterior: TurnoutPosterior, point: Point, values: dict[str, float], x: np.ndarray, noise: np.ndarray
) -> float:
    """Log density of x given the hyperparameters minus that of its approximation, each up to a constant."""
    prior, _ = posterior.precision(values)
    t = cell_precision(values)
    out = np.empty((ROWS, posterior.voted.size))

    def height(value: np.ndarray) -> float:
        m = posterior.offset + value[posterior.index].sum(axis=1)
        collapse_all(CODE, m, t, posterior.voted, posterior.entitled, 0.0, m.copy(), out)
        return float(out[0].sum() - 0.5 * value @ prior @ value)

    return height(x) - height(point.mode) + 0.5 * float(noise @ noise)


def _tree(posterior: TurnoutPosterior, cells: TurnoutCells, variables: dict[str, np.ndarray]) -> xr.DataTree:
    draws = len(variables["eta"])
    coords: dict[str, Any] = {
        "chain": [0],
        "draw": np.arange(draws),
        **{name: list(labels) for name, labels in cells.levels.items()},
    }
    shapes = {term.name: term.dims for term in posterior.terms} | {"eta": ("cell",)}
    arrays = {}
    for name, value in variables.items():
        dims = shapes.get(name, ())
        sizes = [len(cells.voted) if dim == "cell" else len(cells.levels[dim]) for dim in dims]
        arrays[name] = (("chain", "draw", *dims), value.reshape(1, draws, *sizes).astype(np.float32))
    observed = {"voted": ("cell", cells.voted), "entitled": ("cell", cells.entitled)}
    constant = {f"index_{name}": ("cell", cells.index(name)) for name in cells.factors}
    return xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset(arrays, coords=coords),
            "observed_data": xr.Dataset(observed),
            "constant_data": xr.Dataset(
                constant | {"edges": (("edge", "end"), cells.edges), "offset": ((), posterior.offset)}
            ),
        }
    )


def _record(cells: TurnoutCells, seed: int, draws: int, timings: dict[str, float]) -> dict[str, Any]:
    return {
        "engine": "laplace",
        "seed": seed,
        "draws": draws,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in _VERSIONS}},
        "timings": {name: round(seconds, 2) for name, seconds in timings.items()},
        "fingerprints": {"cells": cells.fingerprint},
        "files": dict(cells.files),
        "notes": list(cells.notes),
    }
