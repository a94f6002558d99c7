"""From a model and elections to an `ElectionsFit`, by either engine."""

import platform
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import numpy as np
import xarray as xr

from spatialvote.data.elections import Elections
from spatialvote.data.errors import FitError, ModelError, Problem
from spatialvote.models.elections.blocks import draw_blocks
from spatialvote.models.elections.fit import ElectionsFit
from spatialvote.models.elections.model import ElectionsModel
from spatialvote.models.elections.points import draw_points
from spatialvote.models.elections.posterior import Bound, bind_elections
from spatialvote.models.elections.terms import CHANGE, INDEPENDENT, PATH, PHI, SLOPE
from spatialvote.models.latent.fast import Drawn
from spatialvote.models.record import timed

ENGINES = ("laplace", "metropolis")
_VERSIONS = ("spatialvote", "numba", "numpy", "scipy", "xarray", "libpysal", "geopandas")
#: Settings where none are given.
_DRAWS = {"laplace": 1000, "metropolis": 1000}
_TUNE, _CHAINS = 100, 4


def fit_elections(
    model: ElectionsModel,
    elections: Elections,
    engine: str,
    *,
    seed: int,
    draws: int | None = None,
    tune: int | None = None,
    chains: int | None = None,
    cores: int | None = None,
) -> ElectionsFit:
    """Fit; see `ElectionsModel.fit`."""
    if engine not in ENGINES:
        raise ModelError(Problem(f"engine '{engine}' is unknown", f"use one of {', '.join(ENGINES)}"))
    if engine == "laplace" and (tune is not None or chains is not None):
        raise ModelError(
            Problem("engine 'laplace' has no chains and no warm-up", "leave tune and chains out")
        )
    settings: dict[str, Any] = {"draws": draws or _DRAWS[engine]}
    if engine == "metropolis":
        settings |= {"tune": _TUNE if tune is None else tune, "chains": chains or _CHAINS}
    wrong = [name for name, value in settings.items() if value < (100 if name == "draws" else 0)]
    if wrong:
        raise ModelError(Problem(f"{', '.join(wrong)} are too few", "ask for 100 draws or more"))
    rng = np.random.default_rng(seed)
    timings: dict[str, float] = {}
    with timed(timings, "prepare"):
        bound = bind_elections(model, elections)
        bound.posterior.layout  # noqa: B018  # found here, so that its time is not the sampler's
    try:
        with timed(timings, "sample"):
            if engine == "laplace":
                drawn = draw_points(bound.posterior, settings["draws"], rng, cores)
            else:
                drawn = draw_blocks(bound.posterior, **settings, cores=cores, rng=rng)
    except ArithmeticError as error:
        raise FitError(
            Problem(f"this posterior cannot be approximated ({error})", "simplify the model")
        ) from error
    record = _record(elections, bound, engine, settings, seed, timings) | {"drawn": dict(drawn.report)}
    return ElectionsFit(_tree(bound, elections, drawn, settings.get("chains", 1)), model, record)


def variables(
    bound: Bound, elections: Elections, drawn: Drawn
) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    """Dimensions and draws of every variable, (draws, ...)."""
    count, n = len(elections.labels), elections.n
    posterior = bound.posterior
    hypers = posterior.constrain(drawn.theta)
    z, start = {}, 0
    for term in posterior.terms:
        z[term.name] = drawn.z[:, start : start + term.size].astype(np.float64)
        start += term.size
    slopes = drawn.b[:, count + len(bound.others) :]
    effect = slopes if slopes.shape[1] == count else np.repeat(slopes, count, axis=1)
    if PATH in z:
        effect = effect + z[PATH] @ bound.steps.loadings.T
    structured = z[PHI]
    made: dict[str, tuple[tuple[str, ...], np.ndarray]] = {
        "intercept": (("election",), drawn.b[:, :count]),
        "beta": (("coefficient",), drawn.b[:, count : count + len(bound.others)]),
        "effect": (("election",), effect),
        **{name: ((), values) for name, values in hypers.items()},
        "persistent": (("district",), structured + z[INDEPENDENT]),
        "phi": (("district",), structured / (hypers["sigma"] * np.sqrt(hypers["rho"]))[:, None]),
        "eta": (("row",), drawn.eta),
    }
    if CHANGE in z:
        fields = z[CHANGE].reshape(len(drawn.theta), bound.steps.count, n)
        made["change"] = (("election", "district"), np.einsum("tk,dkn->dtn", bound.steps.loadings, fields))
    if SLOPE in z:
        made["slope"] = (("district",), z[SLOPE])
    return made


def _tree(bound: Bound, elections: Elections, drawn: Drawn, chains: int) -> xr.DataTree:
    made = variables(bound, elections, drawn)
    draws = len(drawn.theta) // chains
    arrays = {
        name: (("chain", "draw", *dims), values.reshape(chains, draws, *values.shape[1:]).astype(np.float32))
        for name, (dims, values) in made.items()
    }
    coords = {
        "chain": np.arange(chains),
        "draw": np.arange(draws),
        "election": list(elections.labels),
        "district": list(elections.ids),
        "coefficient": list(bound.others),
        "row": np.arange(len(elections.table)),
    }
    at = bound.design.names.index(bound.effect)
    observed = {"votes": ("row", bound.posterior.votes), "valid": ("row", bound.posterior.size)}
    constant = {
        "district": ("row", elections.district),
        "election": ("row", elections.election),
        "column": ("row", bound.column),
        "others": (
            ("row", "coefficient"),
            bound.posterior.design[:, len(elections.labels) : len(elections.labels) + len(bound.others)],
        ),
        "center": ((), bound.design.center[at]),
        "scale": ((), bound.design.scale[at]),
    }
    return xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset(arrays, coords=coords),
            "observed_data": xr.Dataset(observed),
            "constant_data": xr.Dataset(constant),
        }
    )


def _record(
    elections: Elections,
    bound: Bound,
    engine: str,
    settings: dict[str, Any],
    seed: int,
    timings: dict[str, float],
) -> dict[str, Any]:
    record = elections.record
    return {
        "engine": engine,
        "settings": settings,
        "seed": seed,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in _VERSIONS}},
        "timings": {name: round(seconds, 2) for name, seconds in timings.items()},
        "fingerprints": dict(elections.fingerprint),
        "about": asdict(elections.about),
        "effect": bound.effect,
        "hyperparameters": list(bound.posterior.hyperparameters),
        "graph": asdict(elections.graph_report),
        "read": {
            "files": dict(record.files),
            "dropped": dict(record.dropped),
            "repaired": list(record.repaired),
            "notes": list(record.notes),
        },
    }
