"""What a reviewer needs to know about how a fit came about, as plain values."""

import platform
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from spatialvote.data.districts import Districts

_RECORDED = ("spatialvote", "nutpie", "arviz", "numba", "numpy", "scipy", "xarray", "libpysal", "geopandas")


def make_record(
    districts: Districts, engine: str, settings: Mapping[str, Any], seed: int, timings: Mapping[str, float]
) -> dict[str, Any]:
    """The record of a fit; engines add what is theirs alone.

    Parameters
    ----------
    engine, settings, seed
        What drew the posterior, with which settings, from which seed.
    timings
        Seconds of each step.
    """
    roles = districts.roles
    return {
        "engine": engine,
        "settings": dict(settings),
        "seed": seed,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in _RECORDED}},
        "timings": {name: round(seconds, 2) for name, seconds in timings.items()},
        "fingerprints": dict(districts.fingerprint),
        "about": asdict(districts.about),
        "roles": {
            **{name: getattr(roles, name) for name in ("id", "valid", "exposure", "electorate", "migrants")},
            "votes": dict(roles.votes),
            "covariates": list(roles.covariates),
            "groups": list(roles.groups),
            "units": dict(roles.units),
        },
        "graph": asdict(districts.graph_report),
        "read": {
            "files": dict(districts.record.files),
            "dropped": dict(districts.record.dropped),
            "repaired": list(districts.record.repaired),
            "notes": list(districts.record.notes),
        },
    }


@contextmanager
def timed(timings: dict[str, float], name: str) -> Iterator[None]:
    """Note the seconds that a step takes."""
    start = time.perf_counter()
    yield
    timings[name] = time.perf_counter() - start
