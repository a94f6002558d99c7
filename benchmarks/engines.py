"""Every engine and peer on the same maps in one run: seconds, memory, effective draws, bias.

    python benchmarks/engines.py [--quick] [--engines nuts laplace tmb] [--sizes 400 3000]
                                 [--only simulated bias] [--add] [--output benchmarks/results/speed.json]

Parts of a run (``--only``):

compile    the very first fit of an engine, with nothing compiled, and the first of a new process after that
simulated  simulated maps of ``--sizes`` districts
elections  a simulated city and, where their tables are at hand, Dutch municipalities and US counties
bias       long NUTS runs, and 4,000 weighted Laplace draws to be held against them

All of it is meant to take forty minutes on two idle cores. With ``--quick`` it is twelve: compiling, 400 and
3,000 districts, the elections, and the Laplace engine up to 35,000.

Each measurement runs in a process of its own (`measure.py`), one after the other. Compiled code is made in
processes before them, so that what a compiler takes is in none of their figures. What is shorter than 30 s
is repeated, and the median counts. Figures are written after every measurement to a JSON file, from which
`speed_page.py` makes docs/speed.md and docs/speed.png.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import date
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import speed_page
import tmb_peer
from maps import available_cases
from measure import WARM_UP_MAP, Request

ENGINES = ("textbook", "nuts", "laplace", "tmb")
SIZES = (400, 3_000, 10_000, 35_000, 350_000)
PARTS = ("compile", "simulated", "elections", "bias")
RESULTS = Path(__file__).with_name("results") / "speed.json"
#: Most districts that an engine can do in minutes.
LARGEST = {"textbook": 3_000, "nuts": 35_000, "laplace": 350_000, "tmb": 35_000}
#: The same in a quick run.
_LARGEST_QUICK = {"textbook": 3_000, "nuts": 3_000, "laplace": 35_000, "tmb": 3_000}
REPEATS = 3
#: Draws of each chain of a long NUTS run, by number of districts, and of the Laplace engine held against it.
REFERENCE_DRAWS = {400: 6_000, 3_000: 4_000, 10_000: 2_000}
_BIAS_DRAWS = 4_000
#: Seconds after which a measurement is given up.
_PATIENCE = 2_400
_LIBRARIES = ("pymc", "nutpie", "numba", "numpy", "scipy")


def draws_for(engine: str, n: int) -> int:
    """Draws of each chain (NUTS, ours and the textbook's alike), or joint draws of an approximation."""
    if engine in ("laplace", "tmb"):
        return 1_000 if n <= 35_000 else 200
    return 1_500 if n <= 1_000 else 1_000 if n <= 10_000 else 300


def plan(
    engines: list[str], sizes: list[int], parts: list[str], tmb: str, largest: Mapping[str, int] = LARGEST
) -> Iterator[tuple[str, Request]]:
    """The part of the run and the request of every measurement but those of compiling."""
    if "simulated" in parts:
        for n in sizes:
            for engine in engines:
                if n <= largest[engine]:
                    yield "simulated", Request(str(n), engine, draws_for(engine, n), REPEATS, tmb)
    if "elections" in parts:
        for name, case in available_cases().items():
            for engine in engines:
                yield "elections", Request(name, engine, draws_for(engine, case.districts), REPEATS, tmb)
    if "bias" in parts:
        for n in sizes:
            if n in REFERENCE_DRAWS:
                for engine, draws in (("nuts", REFERENCE_DRAWS[n]), ("laplace", _BIAS_DRAWS)):
                    if engine in engines:
                        yield "bias", Request(str(n), engine, draws, 1)


def run(part: str, request: Request, cache: str) -> dict[str, Any]:
    """Measure in a new process, whose compiled code is kept in ``cache``."""
    command = [sys.executable, str(Path(__file__).with_name("measure.py")), json.dumps(asdict(request))]
    about = {
        "part": part,
        "map": request.map,
        "engine": request.engine,
        "draws": request.draws,
        "date": date.today().isoformat(),
    }
    start = time.perf_counter()
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            env={**os.environ, "NUMBA_CACHE_DIR": cache},
        )
    except subprocess.TimeoutExpired:
        return {**about, "failed": f"not done after {_PATIENCE // 60} minutes"}
    seconds = time.perf_counter() - start
    if done.returncode:
        return {**about, "failed": (done.stderr.strip().splitlines() or ["ended without a word"])[-1]}
    return {**about, "process": seconds, **json.loads(done.stdout.splitlines()[-1])}


def compile_measurements(engine: str, cache: str) -> Iterator[dict[str, Any]]:
    """The first fit of a small map ever, nothing being compiled, and the first of a new process after it."""
    for when in ("first ever", "new process"):
        yield {**run("compile", Request(WARM_UP_MAP, engine, repeats=0), cache), "when": when}


def machine() -> dict[str, str | int]:
    """What the figures were measured with."""
    described = {
        "date": date.today().isoformat(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        "processor": platform.machine(),
        "python": platform.python_version(),
    }
    if hasattr(os, "sysconf"):
        described["memory"] = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {**described, **{name: version(name) for name in _LIBRARIES}}


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two results are of the same measurement."""
    return all(one.get(key) == other.get(key) for key in ("part", "map", "engine", "when"))


def main() -> None:
    """Measure what was asked for, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES), help="default: all")
    parser.add_argument("--sizes", nargs="+", type=int, default=list(SIZES), help="districts; default: all")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts; default: all")
    parser.add_argument("--quick", action="store_true", help="a shorter run, see above")
    parser.add_argument("--add", action="store_true", help="keep what the output has and is not measured now")
    parser.add_argument("--output", type=Path, default=RESULTS, help="JSON file of the figures")
    arguments = parser.parse_args()
    engines = [engine for engine in ENGINES if engine in arguments.engines]
    parts = [part for part in arguments.only if not (arguments.quick and part == "bias")]
    largest = _LARGEST_QUICK if arguments.quick else LARGEST
    if "tmb" in engines and not tmb_peer.available():
        print("R with TMB and Matrix is not at hand: TMB is left out.")
        engines.remove("tmb")
    results: dict[str, Any] = {"measurements": []}
    if arguments.add and arguments.output.exists():
        results = json.loads(arguments.output.read_text(encoding="utf-8"))
    results["machine"] = machine()

    def keep(result: dict[str, Any]) -> None:
        kept = [one for one in results["measurements"] if not same(one, result)]
        results["measurements"] = [*kept, result]
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        print(speed_page.line(result), flush=True)

    with TemporaryDirectory() as caches, TemporaryDirectory() as compiled:
        if "tmb" in engines:
            about = {"part": "compile", "engine": "tmb", "map": "", "when": "first ever"}
            keep({**about, "warm_up": tmb_peer.compile_template(Path(compiled))})
        # A cache for each engine, which its first process fills; that of the others stays empty.
        cache = {engine: str(Path(caches) / engine) for engine in engines}
        for engine in engines:
            if engine in ("nuts", "laplace"):
                for result in compile_measurements(engine, cache[engine]):
                    if "compile" in parts:
                        keep(result)
        for part, request in plan(engines, arguments.sizes, parts, compiled, largest):
            keep(run(part, request, cache[request.engine]))
    failed = [one for one in results["measurements"] if "failed" in one]
    if arguments.output == RESULTS:
        speed_page.write(results, Path(__file__).resolve().parents[1] / "docs")
    if failed:
        sys.exit("\n".join(speed_page.line(one) for one in failed))


if __name__ == "__main__":
    main()
