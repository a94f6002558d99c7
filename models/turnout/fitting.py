"""Fit a turnout model: draws of hyperparameters, then of everything else given them, weighed to be exact."""

import platform
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import numpy as np
import xarray as xr
from scipy.special import logsumexp
from threadpoolctl import threadpool_limits

from spatialvote.data.turnout import TurnoutCells
from spatialvote.models.families.binomial import CODE
from spatialvote.models.laplace.district import ROWS
from spatialvote.models.laplace.eta import draw_all
from spatialvote.models.laplace.tail import smooth
from spatialvote.models.record import timed
from spatialvote.models.turnout.explore import Explored, explore
from spatialvote.models.turnout.fit import TurnoutFit
from spatialvote.models.turnout.model import TurnoutModel
from spatialvote.models.turnout.posterior import Point, TurnoutPosterior, cell_precision

_VERSIONS = ("spatialvote", "numba", "numpy", "scipy", "xarray")


def fit_turnout(model: TurnoutModel, cells: TurnoutCells, *, seed: int, draws: int) -> TurnoutFit:
    """Fit; see `TurnoutModel.fit`."""
    rng = np.random.default_rng(seed)
    timings: dict[str, float] = {}
    posterior = TurnoutPosterior.of(model, cells)
    # Threads of BLAS wait for each other by spinning: on matrices of a few hundred rows two of them take ten
    # times the time of one, and on a busy machine a fit seems to hang.
    with threadpool_limits(limits=1, user_api="blas"):
        with timed(timings, "hyperparameters"):
            explored = explore(posterior, rng)
        with timed(timings, "draws"):
            variables, told = _draw(posterior, explored, draws, rng)
    record = _record(cells, seed, draws, timings) | {
        "approximation": {
            "k_hat": explored.k,
            "points": len(explored.weight),
            "effective_points": explored.effective,
            "evaluations": explored.evaluations,
            **told,
        }
    }
    return TurnoutFit(_tree(posterior, cells, variables), model, cells, record)


def _draw(
    posterior: TurnoutPosterior, explored: Explored, draws: int, rng: np.random.Generator
) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Draws of every variable, and how good the Gaussian approximation is that they come from.

    Each draw of x is weighed by its density over that of the approximation, so that the draws are of the
    posterior and not of its approximation; they are resampled to equal weights.
    """
    taken = _resample(explored.weight, draws, rng)
    x = np.empty((draws, posterior.size))
    eta = np.empty((draws, posterior.voted.size), dtype=np.float32)
    theta = np.repeat(explored.theta, taken, axis=0)
    log_ratio = np.empty(draws)
    start = 0
    for number in np.flatnonzero(taken):
        point = posterior.point(explored.theta[number], explored.modes[number])
        block = slice(start, start + taken[number])
        start = block.stop
        noise = rng.normal(size=(posterior.size, taken[number]))
        x[block] = point.mode + point.factor.colour(noise).T
        t = cell_precision(posterior.values(explored.theta[number]))
        log_ratio[block] = _log_ratio(posterior, point, t, x[block], noise)
        eta[block] = _cell_draws(posterior, point, t, x[block], rng)
    smoothed, k = smooth(log_ratio)
    weight = np.exp(smoothed - logsumexp(smoothed))
    kept = np.repeat(np.arange(draws), _resample(weight, draws, rng))
    # Draws in random order: those of one point would stand together otherwise.
    order = rng.permutation(kept)
    variables: dict[str, np.ndarray] = {"eta": eta[order]}
    start = 0
    for term in posterior.terms:
        variables[term.name] = x[order, start : start + term.size]
        start += term.size
    for position, hyper in enumerate(posterior.hypers):
        variables[hyper.name] = hyper.value(theta[order, position])
    told = {
        "sd_log_ratio": float(log_ratio.std()),
        "k_hat_draws": k,
        "effective_draws": float(1 / (weight**2).sum()),
    }
    return variables, told


def _resample(weight: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """How often each is taken, shape of `weight`: systematically, floor(draws weight) or one more times."""
    at = (rng.random() + np.arange(draws)) / draws
    last = len(weight) - 1
    return np.bincount(np.minimum(np.searchsorted(np.cumsum(weight), at), last), minlength=last + 1)


def _cell_draws(
    posterior: TurnoutPosterior, point: Point, t: float, x: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Draws of eta given x, shape (draws, cells), from the exact density of the cells' own effects."""
    moved = posterior.predictor(x)
    if t == np.inf:
        return moved
    eta = np.empty(moved.shape[::-1])
    draw_all(
        CODE, t, np.ascontiguousarray(moved.T), posterior.predictor(point.mode), point.cells, posterior.voted,
        posterior.entitled, 0.0, rng, eta,
    )  # fmt: skip
    return eta.T


def _log_ratio(
    posterior: TurnoutPosterior, point: Point, t: float, x: np.ndarray, noise: np.ndarray
) -> np.ndarray:
    """Log density of draws given the hyperparameters minus that of their approximation, up to a constant
    that is the same for all: both are one at the mode."""
    out = np.empty((ROWS, posterior.voted.size))
    top = posterior.height(point.mode, point.prior, t, point.cells[8].copy(), out)
    heights = [posterior.height(one, point.prior, t, point.cells[8], out) for one in x]
    return np.array(heights) - top + 0.5 * (noise**2).sum(axis=0)


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
