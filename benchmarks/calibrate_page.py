"""From ranks to docs/calibration.md and its figure: are they as uniform as chance allows?

The ranks' empirical distribution is compared with a simultaneous 95 % band (Sailynoja, Buerkner and Vehtari
2022): a pointwise binomial band, widened until 95 % of uniform samples lie wholly inside.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
from calibrate_cases import ENGINES, RANKS
from matplotlib.figure import Figure
from scipy.stats import binom

_POINTS = np.arange(1, RANKS) / RANKS
_SAMPLES = 20_000
#: A deviation rarer than this is no chance among some two hundred quantities.
_CLEAR = 0.0005
#: Above this k-hat the engine's weights are not to be trusted, and a fit says so.
_UNRELIABLE = 0.7
_COLOURS = {"laplace": "#12456b", "nuts": "#d9822b"}
_CALLED = {"laplace": "Laplace", "nuts": "NUTS"}
#: Columns of the table of coverage: its heading and the quantities that it takes.
_COLUMNS = {
    "intercept": ("intercept",),
    "beta 1": ("beta 1",),
    "beta 2": ("beta 2",),
    "sigma": ("sigma",),
    "rho": ("rho",),
    "dispersion": ("overdispersion", "noise"),
    "sd of group": ("sd_region",),
    "eta 0": ("eta 0",),
    "eta 99": ("eta 99",),
    "log lik.": ("log likelihood",),
}


@cache
def _chance(fits: int) -> np.ndarray:
    """Least pointwise tail probability of samples of uniform ranks, sorted."""
    rng = np.random.default_rng(fits)
    counts = rng.multinomial(fits, np.full(RANKS, 1 / RANKS), size=_SAMPLES).cumsum(axis=1)[:, :-1]
    return np.sort(_least_tail(counts, fits))


def _least_tail(counts: np.ndarray, fits: int) -> np.ndarray:
    """The smallest probability, over all points, of a count as low or as high."""
    return np.minimum(binom.cdf(counts, fits, _POINTS), binom.sf(counts - 1, fits, _POINTS)).min(axis=-1)


def band(fits: int) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper limits of the ECDF less the uniform one, at each point."""
    tail = np.quantile(_chance(fits), 0.05)
    return tuple(binom.ppf(one, fits, _POINTS) / fits - _POINTS for one in (tail, 1 - tail))


@dataclass(frozen=True)
class Ranked:
    """The ranks of one quantity: its ECDF, how probable such a deviation is by chance, and the coverage."""

    ranks: np.ndarray

    @property
    def difference(self) -> np.ndarray:
        """ECDF less the uniform one."""
        return self._counts / len(self.ranks) - _POINTS

    @property
    def probability(self) -> float:
        """How often uniform ranks deviate as much."""
        chance = _chance(len(self.ranks))
        # Counts are whole numbers: equal tails must count as equal.
        reached = _least_tail(self._counts, len(self.ranks)) * (1 + 1e-9)
        return (np.searchsorted(chance, reached) + 1) / (len(chance) + 1)

    @property
    def coverage(self) -> float:
        """Of the central 90 % interval."""
        return float(np.mean((self.ranks >= 0.05 * RANKS) & (self.ranks < 0.95 * RANKS)))

    @property
    def _counts(self) -> np.ndarray:
        return (self.ranks[:, None] < np.arange(1, RANKS)).sum(axis=0)

    def cell(self) -> str:
        """Coverage, with a star where the ranks leave the band and two where that is no chance."""
        probability = self.probability
        return f"{self.coverage:.3f}" + ("**" if probability < _CLEAR else "*" if probability < 0.05 else "")


def binomial_error(fits: int) -> float:
    """Half the width of a 95 % interval of the coverage of so many fits."""
    return 1.96 * np.sqrt(0.9 * 0.1 / fits)


def ranked(block: dict[str, Any], among: np.ndarray | slice = slice(None)) -> dict[str, Ranked]:
    """The quantities of a case and engine, or of some of its fits."""
    return {name: Ranked(np.array(values)[among]) for name, values in block["ranks"].items()}


def coverage_row(name: str, engine: str, block: dict[str, Any]) -> str:
    """A row of the table of coverage."""
    quantities = ranked(block)
    cells = [
        next((quantities[one].cell() for one in taken if one in quantities), "")
        for taken in _COLUMNS.values()
    ]
    fits = len(block["fits"])
    return f"| {name} | {_CALLED[engine]} | {fits} | {binomial_error(fits):.3f} | {' | '.join(cells)} |"


def diagnostics_row(name: str, engines: dict[str, dict[str, Any]]) -> str:
    """A row of what both engines said of their fits."""
    cells = [name]
    laplace, nuts = ({k: np.array(v) for k, v in engines[one]["diagnostics"].items()} for one in ENGINES)
    k_hat = laplace["k_hat"]
    cells += [f"{np.mean(k_hat > _UNRELIABLE):.0%}", f"{laplace['importance_ess'].mean():.0f}"]
    cells += [str(len(engines["laplace"]["failed"])), f"{np.median(laplace['seconds']):.2f}"]
    diverged = int((nuts["divergences"] > 0).sum())
    cells += [f"{diverged} of {len(nuts['divergences'])}", f"{np.median(nuts['least_ess']):.0f}"]
    cells += [str(len(engines["nuts"]["failed"])), f"{np.median(nuts['seconds']):.2f}"]
    cells.append(f"{int(laplace['redrawn'].sum() + nuts['redrawn'].sum())}")
    return f"| {' | '.join(cells)} |"


def reliable_rows(name: str, block: dict[str, Any]) -> list[str]:
    """Quantities that differ materially where only fits with a k-hat of at most 0.7 count."""
    sound = np.array(block["diagnostics"]["k_hat"]) <= _UNRELIABLE
    if sound.sum() < RANKS:
        return []
    rows = []
    for (quantity, every), some in zip(ranked(block).items(), ranked(block, sound).values(), strict=True):
        changed = (every.probability < 0.05) != (some.probability < 0.05)
        if changed or abs(every.coverage - some.coverage) > binomial_error(int(sound.sum())):
            rows.append(f"| {name} | {quantity} | {every.cell()} | {some.cell()} | {sound.sum()} |")
    return rows


def made_by(blocks: list[dict[str, Any]], code: str) -> str:
    """How many of the fits the code made that ran last, in words."""
    fits = sum(len(block["fits"]) for block in blocks)
    codes = [one for block in blocks for one in block.get("code", [])]
    if not any(codes):
        return "Of none of these fits was it recorded by which code it was made."
    return f"Of these {fits:,} fits {codes.count(code):,} were made by the code with the fingerprint {code}."


def draw(cases: dict[str, dict[str, dict[str, Any]]]) -> Figure:
    """The ranks' ECDF less the uniform one, a line for each quantity, two panels for each case."""
    rows = (len(cases) + 1) // 2
    figure = Figure(figsize=(12, 2.1 * rows), layout="constrained")
    panels = figure.subplots(rows, 4, sharex=True, sharey=True, squeeze=False)
    flat = panels.reshape(-1, 2)
    for pair, (name, engines) in zip(flat, cases.items(), strict=False):
        for axes, engine in zip(pair, ENGINES, strict=True):
            fits = len(engines[engine]["fits"])
            low, high = band(fits)
            axes.fill_between(_POINTS, low, high, color="0.88", lw=0)
            axes.axhline(0, color="0.4", lw=0.8)
            outside = []
            for quantity, one in ranked(engines[engine]).items():
                leaves = one.probability < 0.05
                axes.plot(
                    _POINTS, one.difference, lw=2 if leaves else 0.8, color=_COLOURS[engine],
                    alpha=1 if leaves else 0.75,
                )  # fmt: skip
                outside += [quantity] if leaves else []
            axes.set_title(f"{name}, {_CALLED[engine]} ({fits} fits)", loc="left", fontsize=9)
            if outside:
                named = fill(f"outside: {', '.join(outside)}", 40)
                axes.text(0.03, 0.04, named, transform=axes.transAxes, fontsize=8)
    for axes in flat.ravel()[2 * len(cases) :]:
        axes.set_axis_off()
    for axes in panels[-1]:
        axes.set_xlabel("rank of the true value, as a fraction", fontsize=9)
    for axes in panels[:, 0]:
        axes.set_ylabel("ECDF - uniform", fontsize=9)
    return figure


def write(results: dict[str, Any], names: list[str], folder: Path) -> None:
    """Write page and figure of the cases that both engines have fitted."""
    cases = {
        name: results["cases"][name]
        for name in names
        if all(results["cases"].get(name, {}).get(engine, {}).get("fits") for engine in ENGINES)
    }
    blocks = [case[engine] for case in cases.values() for engine in ENGINES]
    probabilities = np.array([one.probability for block in blocks for one in ranked(block).values()])
    reliable = [row for name, case in cases.items() for row in reliable_rows(name, case["laplace"])]
    folder.mkdir(parents=True, exist_ok=True)
    draw(cases).savefig(folder / "calibration.png", dpi=130)
    template = Path(__file__).with_name("calibrate_template.md").read_text(encoding="utf-8")
    page = template.format(
        date=results["date"],
        machine=results["machine"],
        quantities=len(probabilities),
        outside=int((probabilities < 0.05).sum()),
        expected=round(0.05 * len(probabilities)),
        clear=int((probabilities < _CLEAR).sum()),
        rarity=f"{1 / _CLEAR:,.0f}",
        made=made_by(blocks, results.get("code", "")),
        headings=" | ".join(_COLUMNS),
        rules="|".join(["---"] * len(_COLUMNS)),
        coverage="\n".join(
            coverage_row(name, engine, case[engine]) for name, case in cases.items() for engine in ENGINES
        ),
        diagnostics="\n".join(diagnostics_row(name, case) for name, case in cases.items()),
        reliable="\n".join(reliable) or "| (none) | | | | |",
    )
    (folder / "calibration.md").write_text(page, encoding="utf-8")
