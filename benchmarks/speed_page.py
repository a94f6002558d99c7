"""docs/speed.md and docs/speed.png from the figures of `engines.py`, without measuring again.

python benchmarks/speed_page.py [benchmarks/results/speed.json] [--output docs]
"""

import argparse
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from speed_figure import draw_figure

Result = dict[str, Any]

#: What the engines are called on the page.
NAMES = {
    "textbook": "textbook PyMC",
    "nuts": "spatialvote, nuts",
    "laplace": "spatialvote, laplace",
    "tmb": "TMB",
}
TEMPLATE = Path(__file__).with_name("speed_template.md")
SCALARS = ("slope", "sigma", "rho")


def typical(result: Result) -> Result:
    """The repeat of median wall time."""
    return sorted(result["turns"], key=lambda turn: turn["wall"])[(len(result["turns"]) - 1) // 2]


def line(result: Result) -> str:
    """One result in a line, for the terminal."""
    what = " ".join(filter(None, (result["part"], result["map"], result["engine"], result.get("when"))))
    if "failed" in result:
        return f"{what}: failed ({result['failed']})"
    if "turns" not in result:
        return f"{what}: {result['warm_up']:.1f} s"
    turn = typical(result)
    said = [f"{what}: wall {turn['wall']:.2f} s, cpu {turn['cpu']:.2f} s, peak {_megabytes(turn['peak'])} MB"]
    if "ess" in turn:
        said.append(
            f"ESS {turn['ess']:.0f}, {turn['ess_per_second']:.2f} a second, R-hat {turn['r_hat']:.3f}"
        )
    if "k_hat" in turn:
        said.append(f"k-hat {turn['k_hat']:.2f}, importance ESS {turn['importance_ess']:.0f}")
    said += [f"{name} {turn[name][0]:.4f} ({turn[name][1]:.4f})" for name in SCALARS]
    return "; ".join(said)


def write(results: Result, folder: Path) -> None:
    """Write the page and the figure."""
    measured = [one for one in results["measurements"] if "failed" not in one]
    draw_figure([one for one in measured if one["part"] == "simulated"], folder / "speed.png")
    (folder / "speed.md").write_text(page(measured, results["machine"]), encoding="utf-8")


def page(measured: list[Result], machine: Result) -> str:
    """The page of the documentation."""
    speed = [one for one in measured if one["part"] in ("simulated", "elections")]
    libraries = ", ".join(f"{name} {machine[name]}" for name in ("pymc", "nutpie", "numba", "numpy", "scipy"))
    peers = next((one["about"] for one in speed if one["engine"] == "tmb"), {})
    peers_said = "".join(f", {name} {value}" for name, value in peers.items())
    memory = f", {machine['memory'] / 2**30:.0f} GB" if "memory" in machine else ""
    return TEMPLATE.read_text(encoding="utf-8").format(
        machine=f"{machine['date']}, {machine['cores']} cores ({machine['processor']}){memory}, "
        f"Python {machine['python']}, {libraries}{peers_said}.",
        cost=_table(
            "districts of|n|engine|draws|wall s|CPU s|peak above start MB|peak MB|file s|peak with file MB",
            _cost(speed),
        ),
        growth="\n".join(_growth(speed)),
        sampling=_table(
            "districts of|n|form|preparing s|sampling s|min. bulk ESS|ESS / s|R-hat|divergent|steps",
            _sampling(speed),
        ),
        ratios="\n".join(_ratios(speed)),
        weights=_table("districts of|n|draws|k-hat|importance ESS", _weights(speed)),
        estimates=_table("districts of|n|engine|slope of migrants|sigma|rho", _estimates(speed)),
        bias=_table("districts of|n|engine|slope|sigma|rho|sds of slope, sigma, rho", _bias(measured)),
        compiling=_table("engine|when|fit s|whole process s", _compiling(measured)),
    )


def _cost(speed: list[Result]) -> Iterator[list[str]]:
    for one, turn in _with_turn(speed):
        first = one["turns"][0]
        above = None if first["peak"] is None else first["peak"] - first["resident"]
        chains = "4 x " if one["engine"] in ("nuts", "textbook") else ""
        draws = f"{chains}{one['draws']:,}"
        seconds = (f"{turn['wall']:.2f}", f"{turn['cpu']:.2f}")
        file = f"{turn['file']:.2f}" if "file" in turn else "–"
        peaks = (_megabytes(above), _megabytes(first["peak"]))
        yield [*_who(one), draws, *seconds, *peaks, file, _megabytes(first.get("peak_file"))]


def _growth(speed: list[Result]) -> Iterator[str]:
    """Exponent b of time ~ n^b of every engine, between 3,000 districts and the largest maps measured."""
    for engine in ("laplace", "tmb", "nuts"):
        turns = {one["n"]: turn for one, turn in _with_turn(_of(speed, engine, "simulated"))}
        # Of a sampler the seconds for as many effective draws, because its runs differ in length.
        what = "time to an effective draw" if engine == "nuts" else "time"
        cost = {
            n: 1 / turn["ess_per_second"] if engine == "nuts" else turn["wall"] for n, turn in turns.items()
        }
        for n in (10_000, 35_000, 350_000):
            if {3_000, n} <= set(cost):
                exponent = np.log(cost[n] / cost[3_000]) / np.log(n / 3_000)
                grows = f"{what} grows as n^{exponent:.2f}"
                yield f"- {NAMES[engine]}: {grows} between 3,000 and {n:,} districts."


def _sampling(speed: list[Result]) -> Iterator[list[str]]:
    for one, turn in _with_turn(speed):
        if "ess" in turn:
            yield [
                *_who(one),
                f"{turn['preparing']:.1f}",
                f"{turn['sampling']:.1f}",
                f"{turn['ess']:.0f}",
                f"{turn['ess_per_second']:.2f}",
                f"{turn['r_hat']:.3f}",
                str(turn["divergent"]),
                f"{turn['steps']:.0f}",
            ]


def _ratios(speed: list[Result]) -> Iterator[str]:
    """Effective draws per second, ours over the textbook's."""
    theirs = {one["map"]: turn["ess_per_second"] for one, turn in _with_turn(_of(speed, "textbook"))}
    for one, turn in _with_turn(_of(speed, "nuts")):
        if one["map"] in theirs:
            ratio = turn["ess_per_second"] / theirs[one["map"]]
            yield f"- {_where(one)} (n = {one['n']:,}): {ratio:.0f} times the textbook form."


def _weights(speed: list[Result]) -> Iterator[list[str]]:
    for one, turn in _with_turn(_of(speed, "laplace")):
        diagnostics = (f"{turn['k_hat']:.2f}", f"{turn['importance_ess']:.0f}")
        yield [_where(one), f"{one['n']:,}", f"{one['draws']:,}", *diagnostics]


def _estimates(speed: list[Result]) -> Iterator[list[str]]:
    for one, turn in _with_turn(speed):
        yield [*_who(one), *(f"{turn[name][0]:.4f} ({turn[name][1]:.4f})" for name in SCALARS)]


def _bias(measured: list[Result]) -> Iterator[list[str]]:
    """Differences of means from the longest NUTS run in its standard deviations, and of those in percent."""
    longest = {one["map"]: one for one in _of(measured, "nuts")}
    longest |= {one["map"]: one for one in _of(measured, "nuts", "bias")}
    compared = [*_of(measured, "laplace"), *_of(measured, "tmb")]
    # Of two Laplace runs on a map the one made for this table counts: it has more draws.
    chosen = {(one["map"], one["engine"]): one for one in compared if one["part"] != "bias"}
    chosen |= {(one["map"], one["engine"]): one for one in compared if one["part"] == "bias"}
    for (name, _), one in chosen.items():
        if name not in longest:
            continue
        reference, turn = typical(longest[name]), typical(one)
        cells, spreads = [], []
        for scalar in SCALARS:
            (mean, sd), (expected, spread) = turn[scalar], reference[scalar]
            independent = [reference["effective"][scalar], turn.get("importance_ess", np.inf)]
            error = np.sqrt(sum(1 / count for count in independent))
            cells.append(f"{(mean - expected) / spread:+.2f} ± {error:.2f}")
            spreads.append(f"{100 * (sd / spread - 1):+.0f} %")
        yield [*_who(one), *cells, ", ".join(spreads)]


def _compiling(measured: list[Result]) -> Iterator[list[str]]:
    for one in measured:
        if one["part"] == "compile":
            whole = f"{one['process']:.1f}" if "process" in one else "–"
            yield [NAMES[one["engine"]], one["when"], f"{one['warm_up']:.1f}", whole]


def _of(measured: Iterable[Result], engine: str, part: str | None = None) -> list[Result]:
    """Results of an engine that have turns, of one part of the run or of all."""
    return [
        one for one in measured if one["engine"] == engine and "turns" in one and part in (None, one["part"])
    ]


def _with_turn(results: Iterable[Result]) -> Iterator[tuple[Result, Result]]:
    """Each result and its typical repeat, in the order of maps."""

    def order(one: Result) -> tuple[bool, int]:
        return one["part"] != "simulated", one["n"] if one["map"].isdigit() else 0

    for one in sorted(results, key=order):
        yield one, typical(one)


def _where(one: Result) -> str:
    return "simulated map" if one["map"].isdigit() else one["map"]


def _who(one: Result) -> tuple[str, str, str]:
    return _where(one), f"{one['n']:,}", NAMES[one["engine"]]


def _megabytes(size: float | None) -> str:
    return "–" if size is None else f"{size / 1e6:,.0f}"


def _table(columns: str, rows: Iterable[list[str]]) -> str:
    body = [f"| {' | '.join(row)} |" for row in rows]
    if not body:
        return "(not measured)"
    names = columns.split("|")
    return "\n".join([f"| {' | '.join(names)} |", "|---" * len(names) + "|", *body])


def main() -> None:
    """Write the page from a file of figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = Path(__file__).with_name("results") / "speed.json"
    parser.add_argument("results", type=Path, nargs="?", default=default, help="JSON file of the figures")
    parser.add_argument("--output", type=Path, default=Path("docs"), help="folder of the page and figure")
    arguments = parser.parse_args()
    write(json.loads(arguments.results.read_text(encoding="utf-8")), arguments.output)


if __name__ == "__main__":
    main()
