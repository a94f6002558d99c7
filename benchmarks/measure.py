"""One measurement, in a process of its own: an engine on a map, the data in memory before the clock starts.

    python benchmarks/measure.py '{"map": "400", "engine": "nuts", "draws": 1500}'

Writes one line of JSON. `engines.py` calls this file for every pair of engine and map: what one engine loads,
compiles or leaves in memory then says nothing about another. Every engine has the same priors: those of the
package, but a uniform one for rho, which the peers can express too.
"""

import gc
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from maps import map_named

from spatialvote.data.districts import Districts
from spatialvote.models.fit import Fit
from spatialvote.models.nuts import NutsSettings
from spatialvote.models.priors import BetaRho, Priors
from spatialvote.models.vote_share import VoteShareModel

SEED = 2026
PRIORS = Priors(rho=BetaRho(1.0, 1.0))
#: Only what is shorter than this is repeated, seconds.
SHORT = 30.0
#: The map that loads compiled code before the clock starts.
WARM_UP_MAP = "100"


@dataclass(frozen=True)
class Request:
    """What to measure.

    Attributes
    ----------
    map
        A number of districts or the name of a case, see `maps.map_named`.
    engine
        ``textbook``, ``nuts``, ``laplace`` or ``tmb``.
    draws
        Draws of each chain, or weighted draws of the Laplace engine; TMB's number is fixed.
    repeats
        Runs, as long as they are short; 0: only the warm-up.
    tmb
        Folder of TMB's compiled template.
    """

    map: str
    engine: str
    draws: int = 1000
    repeats: int = 1
    tmb: str = ""


def measure(request: Request) -> dict[str, Any]:
    """Seconds, bytes, estimates and diagnostics of every repeat."""
    warm_up = 0.0
    if request.engine in ("nuts", "laplace"):
        # The map is part of it: scaling its graph loads the Cholesky kernels, as reading any map would.
        start = time.perf_counter()
        small, formula = map_named(WARM_UP_MAP)
        _fit(VoteShareModel(formula, priors=PRIORS), small, request.engine, 100)
        warm_up = time.perf_counter() - start
    if request.repeats == 0:
        return {"warm_up": warm_up}
    districts, formula = map_named(request.map)
    model = VoteShareModel(formula, priors=PRIORS)
    result = {"n": districts.n, "warm_up": warm_up}
    if request.engine == "tmb":
        # Imported where needed: only this engine needs R, and only the textbook form needs PyMC.
        from tmb_peer import measure_tmb

        turns, about = measure_tmb(model, districts, Path(request.tmb), request.repeats)
        return {**result, "turns": turns, "about": about}
    if request.engine == "textbook":
        from textbook import fit_textbook

        settings = NutsSettings(draws=request.draws, tune=400)
        return {
            **result,
            "turns": _turns(
                lambda: fit_textbook(model, districts, settings, SEED), _of_textbook, request.repeats
            ),
        }
    summarise = {"nuts": _of_nuts, "laplace": _of_laplace}[request.engine]
    turns = _turns(lambda: _fit(model, districts, request.engine, request.draws), summarise, request.repeats)
    return {**result, "turns": turns}


def _fit(model: VoteShareModel, districts: Districts, engine: str, draws: int) -> Fit:
    return model.fit(districts, engine=engine, draws=draws, seed=SEED, progress=False)


def _turns[Outcome](
    run: Callable[[], Outcome], summarise: Callable[[Outcome], dict[str, Any]], repeats: int
) -> list[dict[str, Any]]:
    """Run up to ``repeats`` times, as long as a run is short."""
    turns = []
    while len(turns) < repeats and (not turns or turns[-1]["wall"] < SHORT):
        gc.collect()
        _reset_peak()
        resident, cpu, wall = _bytes("VmRSS"), time.process_time(), time.perf_counter()
        outcome = run()
        turn = {
            "wall": time.perf_counter() - wall,
            "cpu": time.process_time() - cpu,
            "resident": resident,
            "peak": _bytes("VmHWM"),
        }
        turns.append({**turn, **summarise(outcome)})
    return turns


def _written(fit: Fit) -> dict[str, Any]:
    """What a file of the fit takes: seconds, and the most memory since the fit began.

    Predictions and log likelihoods are computed for it, and all is compressed.
    """
    with TemporaryDirectory() as folder:
        start = time.perf_counter()
        fit.save(Path(folder) / "fit.nc")
        return {"file": time.perf_counter() - start, "peak_file": _bytes("VmHWM")}


def _of_nuts(fit: Fit) -> dict[str, Any]:
    """Sampling includes warm-up and the draws of the coefficients, but not those of predictions."""
    timings, posterior, statistics = fit.record["timings"], fit.tree["posterior"], fit.tree["sample_stats"]
    sampling = timings["sample"] + timings["coefficients"]
    mixing = _mixing(posterior, statistics, sampling, timings["prepare"])
    return {**_estimates(posterior), **mixing, **_written(fit)}


def _of_textbook(outcome: tuple[Any, float, float]) -> dict[str, Any]:
    tree, preparing, sampling = outcome
    return {
        **_estimates(tree["posterior"]),
        **_mixing(tree["posterior"], tree["sample_stats"], sampling, preparing),
    }


def _of_laplace(fit: Fit) -> dict[str, Any]:
    laplace = fit.record["laplace"]
    figures = {name: float(laplace[name]) for name in ("k_hat", "importance_ess")}
    timings = dict(fit.record["timings"])
    return {**_estimates(fit.tree["posterior"]), **figures, "timings": timings, **_written(fit)}


def _scalars(posterior: Any) -> dict[str, np.ndarray]:
    """Draws (chain, draw) of what is compared: sigma, rho and every slope, the migrants' first."""
    beta = np.moveaxis(posterior["beta"].to_numpy(), -1, 0)
    slopes = {"slope" if q == 0 else f"slope {q + 1}": one for q, one in enumerate(beta)}
    return {**slopes, **{name: posterior[name].to_numpy() for name in ("sigma", "rho")}}


def _estimates(posterior: Any) -> dict[str, list[float]]:
    """Posterior mean and standard deviation of the migrants' slope, sigma and rho."""
    draws = _scalars(posterior)
    return {name: [float(draws[name].mean()), float(draws[name].std())] for name in ("slope", "sigma", "rho")}


def _mixing(posterior: Any, statistics: Any, sampling: float, preparing: float) -> dict[str, Any]:
    """What tells how well a sampler did: the least effective sample size of slopes, sigma and rho."""
    # Imported where needed: it takes memory that the fast engine's figures should not hold.
    import arviz as az

    draws = _scalars(posterior)
    effective = {name: float(az.ess(one)) for name, one in draws.items()}
    return {
        "preparing": preparing,
        "sampling": sampling,
        "effective": effective,
        "ess": min(effective.values()),
        "ess_per_second": min(effective.values()) / sampling,
        "r_hat": max(float(az.rhat(one)) for one in draws.values()),
        "divergent": int(statistics["diverging"].sum()),
        "steps": float(statistics["n_steps"].mean()),
    }


def _bytes(field: str) -> int | None:
    """Memory of this process by the kernel: VmRSS, now, or VmHWM, the most; None where there is no /proc."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    line = next(line for line in status.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024


def _reset_peak() -> None:
    """Forget the most memory so far, so that making the map does not count."""
    if (switch := Path("/proc/self/clear_refs")).exists():
        switch.write_text("5")


if __name__ == "__main__":
    print(json.dumps(measure(Request(**json.loads(sys.argv[1])))))
