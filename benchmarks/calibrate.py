"""Simulation-based calibration: are posterior ranks of the true values uniform?

    python benchmarks/calibrate.py [--fits-laplace 500] [--fits-nuts 200] [--engines laplace nuts]
                                   [--cases "bym2 binomial" ...] [--add] [--page] [--output docs]

Parameters are drawn from the prior, votes from the model, and an engine draws from the posterior. If density,
gradient, weights and draws are right, the rank of each true value among its posterior draws is uniform (Talts
et al. 2018). `calibrate_cases.py` has the cases and one fit; fits are spread over all cores, all cases and
engines in step, so that a run that is stopped has about the same part of each. What is done is written every
few seconds to benchmarks/results/calibration.json, from which `calibrate_page.py` makes the page, at the end
or, with --page, without a fit. With --add a run does the fits that the results lack, and those that failed.
"""

import argparse
import json
import multiprocessing
import os
import platform
import time
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from datetime import date
from pathlib import Path
from typing import Any

import calibrate_page
from calibrate_cases import CASES, ENGINES, Outcome, fit
from numpy.linalg import LinAlgError

from spatialvote.data.errors import SpatialvoteError

RESULTS = Path(__file__).with_name("results") / "calibration.json"
#: Seconds between two writings of the results.
_PAUSE = 15.0


def tasks(fits: dict[str, int], names: list[str]) -> list[tuple[str, str, int]]:
    """Case, engine and number of each fit, in the order in which each pair is always equally far."""
    numbered = [
        (number / count, name, engine, number)
        for engine, count in fits.items()
        for name in names
        for number in range(count)
    ]
    return [tuple(one[1:]) for one in sorted(numbered, key=lambda one: one[0])]


def run(name: str, engine: str, number: int) -> Outcome | None:
    """One fit in a process of its own; None where an engine refuses or finds no approximation."""
    case = next(case for case in CASES if case.name == name)
    try:
        return fit(case, engine, number)
    except (ArithmeticError, LinAlgError, SpatialvoteError) as error:
        print(f"{name}, {engine}, fit {number}: {error}", flush=True)
        return None


def store(results: dict[str, Any], name: str, engine: str, number: int, outcome: Outcome | None) -> None:
    """Add a fit to the results, which hold a list for each quantity and each thing an engine says."""
    block = results.setdefault(name, {}).setdefault(
        engine, {"fits": [], "failed": [], "ranks": {}, "diagnostics": {}}
    )
    if outcome is None:
        block["failed"].append(number)
        return
    block["fits"].append(number)
    for part in ("ranks", "diagnostics"):
        for quantity, value in getattr(outcome, part).items():
            block[part].setdefault(quantity, []).append(round(value, 3))


def save(results: dict[str, Any], path: Path) -> None:
    """Write the results aside and move them in place, so that a stopped run leaves a whole file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".part")
    text = json.dumps(results, separators=(",", ":")).replace("},", "},\n")
    aside.write_text(text + "\n", encoding="utf-8")
    aside.replace(path)


def machine() -> str:
    """What the fits ran on."""
    return f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}"


def calibrate(fits: dict[str, int], names: list[str], path: Path, add: bool) -> None:
    """Run the fits; those of the same case and engine in the file are added to, or else replaced."""
    held = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"cases": {}}
    cases = held["cases"]
    done: set[tuple[str, str, int]] = set()
    for name in names:
        for engine in fits:
            if not add:
                cases.get(name, {}).pop(engine, None)
            elif engine in cases.get(name, {}):
                block = cases[name][engine]
                block["failed"] = []
                done.update((name, engine, number) for number in block["fits"])
    held |= {"date": date.today().isoformat(), "machine": machine()}
    todo = [task for task in tasks(fits, names) if task not in done]
    began = saved = time.perf_counter()
    # One thread each. Started afresh rather than forked: a fork would have this process's threads already.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"
    pool = ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn"))
    futures: dict[Future, tuple[str, str, int]] = {pool.submit(run, *task): task for task in todo}
    try:
        for count, future in enumerate(as_completed(futures), start=1):
            store(cases, *futures[future], future.result())
            now = time.perf_counter()
            if now - saved > _PAUSE or count == len(todo):
                saved = now
                save(held, path)
                print(f"{count} of {len(todo)} fits, {(now - began) / 60:.1f} minutes", flush=True)
    finally:
        # Interrupted or failed: what waits is not begun, and what is done is kept.
        pool.shutdown(cancel_futures=True)
        save(held, path)


def main() -> None:
    """Calibrate the cases asked for and write figure and page."""
    names = [case.name for case in CASES]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fits-laplace", type=int, default=500, help="Laplace fits of each case")
    parser.add_argument("--fits-nuts", type=int, default=200, help="NUTS fits of each case")
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=ENGINES)
    parser.add_argument("--cases", nargs="+", choices=names, default=names, metavar="CASE")
    parser.add_argument("--add", action="store_true", help="keep the fits done before")
    parser.add_argument("--page", action="store_true", help="write the page from fits done before")
    parser.add_argument("--output", type=Path, default=Path("docs"), help="folder of the page and figure")
    parser.add_argument("--results", type=Path, default=RESULTS, help="file of the fits' ranks")
    arguments = parser.parse_args()
    if not arguments.page:
        fits = {engine: getattr(arguments, f"fits_{engine}") for engine in arguments.engines}
        calibrate(fits, arguments.cases, arguments.results, arguments.add)
    results = json.loads(arguments.results.read_text(encoding="utf-8"))
    calibrate_page.write(results, names, arguments.output)


if __name__ == "__main__":
    main()
