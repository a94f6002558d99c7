"""From p-values to docs/calibration-space.md and its figure: are tests of space valid, what do they find?"""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import binom, kstest

_STATISTICS = {"moran": "Moran's I", "geary": "Geary's C"}
_COLOURS = {"moran": "#12456b", "geary": "#d9822b"}
#: Level of a test with the mean p below which it is taken: twice the mean is a valid p-value.
_LEVELS = {0.05: 0.025, 0.01: 0.005}


def band(fits: int, level: float) -> str:
    """Shares that chance gives so many tests of that level, 95 %."""
    low, high = binom.interval(0.95, fits, level)
    return f"{low / fits:.1%} to {high / fits:.1%}"


def true_rows(name: str, block: dict[str, Any]) -> list[str]:
    """Rows of a true model: shares of small p-values, at one draw and of the mean."""
    values, fits = block["values"], len(block["fits"])
    rows = []
    for key, called in _STATISTICS.items():
        cells = [name, called, str(fits)]
        for level, mean in _LEVELS.items():
            one = np.mean(np.array(values[f"{key}_one"]) < level)
            both = np.mean(np.array(values[key]) < mean)
            cells += [f"{one:.1%}", band(fits, level), f"{both:.1%}"]
        cells.append(f"{kstest(values[f'{key}_one'], 'uniform').pvalue:.2f}")
        rows.append(f"| {' | '.join(cells)} |")
    return rows


def other_row(name: str, block: dict[str, Any]) -> str:
    """Warnings of the checks of space that have no draw of their own."""
    values = {key: np.array(one) for key, one in block["values"].items()}
    p = np.minimum(values["getis_ord"], 1 - values["getis_ord"])
    cells = [
        name,
        str(len(block["fits"])),
        f"{np.mean(values['local'] > 0):.1%}",
        f"{np.mean(p < 0.01):.1%}",
        f"{np.mean(p <= 0.001):.1%}",
        f"{np.mean(values['variogram'] < 0.01):.1%}",
        f"{np.mean(values['variogram'] <= 0.001):.1%}",
    ]
    return f"| {' | '.join(cells)} |"


def power_row(name: str, block: dict[str, Any]) -> str:
    """How often each check warns or fails of what was left out."""
    values = {key: np.array(one) for key, one in block["values"].items()}
    cells = [name, str(len(block["fits"]))]
    for key in _STATISTICS:
        cells += [f"{np.mean(values[key] < 0.025):.0%}", f"{np.mean(values[key] < 0.005):.0%}"]
    p = np.minimum(values["getis_ord"], 1 - values["getis_ord"])
    for found in (values["local"] > 0, p < 0.01, values["variogram"] < 0.01):
        cells.append(f"{np.mean(found):.0%}")
    return f"| {' | '.join(cells)} |"


def draw(true: dict[str, Any], planted: dict[str, Any]) -> Figure:
    """ECDF of the p-values at one draw under true models, less the uniform one; and under omissions."""
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    panels = figure.subplots(2, max(len(true), len(planted)), squeeze=False)
    points = np.linspace(0.005, 0.995, 199)
    for axes, (name, block) in zip(panels[0], true.items(), strict=False):
        fits = len(block["fits"])
        low, high = (binom.ppf(q, fits, points) / fits - points for q in (0.025, 0.975))
        axes.fill_between(points, low, high, color="0.88", lw=0)
        axes.axhline(0, color="0.4", lw=0.8)
        for key, colour in _COLOURS.items():
            p = np.array(block["values"][f"{key}_one"])
            axes.plot(points, (p[:, None] <= points).mean(axis=0) - points, color=colour, lw=1.3)
        axes.set_title(f"{name}, fitted as it is ({fits} fits)", loc="left", fontsize=8)
        axes.set_ylim(-0.15, 0.15)
        axes.set_xlabel("p at one draw", fontsize=9)
    for axes, (name, block) in zip(panels[1], planted.items(), strict=False):
        for key, colour in _COLOURS.items():
            p = np.array(block["values"][key])
            axes.plot(points, (p[:, None] <= points).mean(axis=0), color=colour, lw=1.5)
        axes.axvline(0.025, color="0.4", lw=0.8, ls=":")
        axes.set_title(f"{name} ({len(block['fits'])} fits)", loc="left", fontsize=8)
        axes.set_ylim(0, 1.02)
        axes.set_xlabel("mean p over draws", fontsize=9)
    for axes in [*panels[0][len(true) :], *panels[1][len(planted) :]]:
        axes.set_axis_off()
    panels[0][0].set_ylabel("ECDF - uniform", fontsize=9)
    panels[1][0].set_ylabel("ECDF", fontsize=9)
    spare = panels[1][-1] if len(planted) < panels.shape[1] else panels[0][0]
    for key, colour in _COLOURS.items():
        spare.plot([], [], color=colour, label=_STATISTICS[key])
    spare.fill_between([], [], [], color="0.88", label="95 % of uniform p-values, point by point")
    spare.axvline(np.nan, color="0.4", lw=0.8, ls=":", label="below: a warning")
    spare.legend(loc="center left", fontsize=9, frameon=False)
    return figure


def write(results: dict[str, Any], names: list[str], folder: Path) -> None:
    """Write page and figure of the cases that have been fitted."""
    cases = {name: results["cases"][name] for name in names if results["cases"].get(name, {}).get("fits")}
    planted = {name: block for name, block in cases.items() if "fitted as" in name}
    true = {name: block for name, block in cases.items() if name not in planted}
    folder.mkdir(parents=True, exist_ok=True)
    draw(true, planted).savefig(folder / "calibration-space.png", dpi=130)
    template = Path(__file__).with_name("calibrate_space_template.md").read_text(encoding="utf-8")
    page = template.format(
        date=results["date"],
        machine=results["machine"],
        failed=sum(block["failed"] for block in cases.values()),
        true="\n".join(row for name, block in true.items() for row in true_rows(name, block)),
        others="\n".join(other_row(name, block) for name, block in true.items()),
        power="\n".join(power_row(name, block) for name, block in planted.items()),
    )
    (folder / "calibration-space.md").write_text(page, encoding="utf-8")
