"""Simulation-based calibration: are posterior ranks of the true values uniform?

    python benchmarks/calibrate.py [--fits-laplace 500] [--fits-nuts 200] [--engines laplace nuts]
                                   [--cases "bym2 binomial" ...] [--add] [--renew] [--minutes 30]
                                   [--page] [--output docs]

Parameters are drawn from the prior, votes from the model, and an engine draws from the posterior. If density,
gradient, weights and draws are right, the rank of each true value among its posterior draws is uniform (Talts
et al. 2018). `calibrate_cases.py` has the cases and one fit; fits are spread over all cores, all cases and
engines in step, so that a run that is stopped has about the same part of each. What is done is written every
few seconds to benchmarks/results/calibration.json, from which `calibrate_page.py` makes the page, at the end
or, with --page, without a fit. With --add a run does the fits that the results lack, and those that failed;
with --renew also those that were made by other code, which are replaced one by one: each fit is kept with a
fingerprint of the code that made it (`code_print.py`). With --minutes no fit is begun after that time. All
run at low priority, so that a machine stays usable beside them.
"""

import argparse
import json
import multiprocessing
import os
import platform
import time
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from datetime import date
from pathlib import Path
from typing import Any

import calibrate_page
from calibrate_cases import CASES, ENGINES, Outcome, fit
from code_print import code_print
from numpy.linalg import LinAlgError

from spatialvote.data.errors import SpatialvoteError

RESULTS = Path(__file__).with_name("results") / "calibration.json"
#: Seconds between two writings of the results.
_PAUSE = 15.0
#: How far the fits give way to other processes.
_NICE = 10


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


def store(
    results: dict[str, Any], name: str, engine: str, number: int, outcome: Outcome | None, code: str
) -> None:
    """Add a fit to the results, or put it in the place of an older one.

    They hold a list for each quantity and each thing an engine says, and the fingerprint of the code behind
    each fit.
    """
    block = results.setdefault(name, {}).setdefault(
        engine, {"fits": [], "code": [], "failed": [], "ranks": {}, "diagnostics": {}}
    )
    if outcome is None:
        block["failed"].append(number)
        return
    # Results of earlier versions do not say what made them.
    block.setdefault("code", [""] * len(block["fits"]))
    if number in block["fits"]:
        at = block["fits"].index(number)
        for values in (
            block["fits"],
            block["code"],
            *block["ranks"].values(),
            *block["diagnostics"].values(),
        ):
            del values[at]
    block["fits"].append(number)
    block["code"].append(code)
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


def left_over(held: dict[str, Any], fits: dict[str, int], names: list[str], renew: bool, code: str):
    """The fits that results lack, and after them, with ``renew``, those that other code made."""
    done: set[tuple[str, str, int]] = set()
    old: set[tuple[str, str, int]] = set()
    for name in names:
        for engine in fits:
            block = held["cases"].get(name, {}).get(engine, {"fits": []})
            codes = block.get("code", [""] * len(block["fits"]))
            for number, one in zip(block["fits"], codes, strict=True):
                done.add((name, engine, number))
                if one != code:
                    old.add((name, engine, number))
    wanted = tasks(fits, names)
    return [one for one in wanted if one not in done] + [one for one in wanted if renew and one in old]


def calibrate(
    fits: dict[str, int], names: list[str], path: Path, add: bool, renew: bool, minutes: float
) -> None:
    """Run the fits; those of the same case and engine in the file are added to, or else replaced."""
    held = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"cases": {}}
    cases, code = held["cases"], code_print()
    for name in names:
        for engine in fits:
            if not add:
                cases.get(name, {}).pop(engine, None)
            elif engine in cases.get(name, {}):
                cases[name][engine]["failed"] = []
    held |= {"date": date.today().isoformat(), "machine": machine(), "code": code}
    todo = iter(left_over(held, fits, names, renew, code))
    began = saved = time.perf_counter()
    # One thread each. Started afresh rather than forked: a fork would have this process's threads already.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"
    workers = os.cpu_count() or 1
    pool = ProcessPoolExecutor(
        workers, mp_context=multiprocessing.get_context("spawn"), initializer=os.nice, initargs=(_NICE,)
    )
    running: dict[Future, tuple[str, str, int]] = {}
    count = 0
    try:
        while True:
            late = time.perf_counter() - began > 60 * minutes
            # Two for each worker, so that none waits; no more, because what is begun is finished.
            while not late and len(running) < 2 * workers and (task := next(todo, None)) is not None:
                running[pool.submit(run, *task)] = task
            if not running:
                break
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                store(cases, *running.pop(future), future.result(), code)
                count += 1
            now = time.perf_counter()
            if now - saved > _PAUSE:
                saved = now
                save(held, path)
                print(f"{count} fits, {(now - began) / 60:.1f} minutes", flush=True)
    finally:
        # Interrupted or failed: what waits is not begun, and what is done is kept.
        pool.shutdown(cancel_futures=True)
        save(held, path)
        print(f"{count} fits done, {len(list(todo))} left", flush=True)


def main() -> None:
    """Calibrate the cases asked for and write figure and page."""
    names = [case.name for case in CASES]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fits-laplace", type=int, default=500, help="Laplace fits of each case")
    parser.add_argument("--fits-nuts", type=int, default=200, help="NUTS fits of each case")
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=ENGINES)
    parser.add_argument("--cases", nargs="+", choices=names, default=names, metavar="CASE")
    parser.add_argument("--add", action="store_true", help="keep the fits done before")
    parser.add_argument(
        "--renew", action="store_true", help="keep them, and replace those that other code made"
    )
    parser.add_argument(
        "--minutes", type=float, default=float("inf"), help="after which no fit is begun; default: no limit"
    )
    parser.add_argument("--page", action="store_true", help="write the page from fits done before")
    parser.add_argument("--output", type=Path, default=Path("docs"), help="folder of the page and figure")
    parser.add_argument("--results", type=Path, default=RESULTS, help="file of the fits' ranks")
    arguments = parser.parse_args()
    if not arguments.page:
        fits = {engine: getattr(arguments, f"fits_{engine}") for engine in arguments.engines}
        add = arguments.add or arguments.renew
        calibrate(fits, arguments.cases, arguments.results, add, arguments.renew, arguments.minutes)
    results = json.loads(arguments.results.read_text(encoding="utf-8"))
    calibrate_page.write(results, names, arguments.output)


if __name__ == "__main__":
    main()
