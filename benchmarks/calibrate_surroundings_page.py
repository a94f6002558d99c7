"""Write docs/calibration-surroundings.md and its figure from the fits of `calibrate_surroundings.py`.

python benchmarks/calibrate_surroundings_page.py [benchmarks/results/surroundings.json]
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import binom

from spatialvote.analysis.figures import style

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "surroundings.json"
TEMPLATE = HERE / "calibrate_surroundings_template.md"
PAGE = HERE.parent / "docs" / "calibration-surroundings.md"
PEAK, RADIUS = 25.0, "1000 m"
#: Quantity of a fit to what it is called.
QUANTITIES = {
    "halo": "halo: coefficient of the ring 200 to 1,000 m",
    "difference": "own share: difference of the predictor between 15 % and 45 %",
    "bend": "curvature: f(45 %) − 2 f(30 %) + f(15 %)",
}


def held(fits: list[dict[str, Any]], key: str) -> tuple[int, int]:
    """How many 95 % intervals of a quantity hold its true value, of how many."""
    inside = [one[key]["low"] < one[key]["true"] < one[key]["high"] for one in fits]
    return sum(inside), len(inside)


def band(n: int) -> tuple[int, int]:
    """Counts between which 95 % of calibrated runs of n intervals of 95 % lie."""
    low, high = binom.ppf([0.025, 0.975], n, 0.95)
    return int(low), int(high)


def rows(found: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Rows of the table of coverage."""
    lines = []
    for truth, fits in found.items():
        for key, called in QUANTITIES.items():
            inside, n = held(fits, key)
            low, high = band(n)
            bias = np.mean([one[key]["mean"] - one[key]["true"] for one in fits])
            sd = np.mean([one[key]["sd"] for one in fits])
            true = fits[0][key]["true"]
            lines.append(
                f"| {truth} | {called} | {true:.3g} | {inside} of {n} | {low} to {high} | {bias / sd:+.2f} |"
            )
    return lines


def figures(found: dict[str, list[dict[str, Any]]]) -> dict[str, str]:
    """Numbers of the text."""
    with_both, neither = found["with both"], found["neither"]
    likely = [one for one in with_both if one["peak"]["probability"] >= 0.5]
    inside = [one["peak"]["interval"][0] < PEAK < one["peak"]["interval"][1] for one in likely]
    radius = [RADIUS in one["plausible"] for one in with_both]
    first = [_best(one) == RADIUS for one in with_both]
    near = [_best(one) in ("500 m", RADIUS, "2500 m") for one in with_both]
    probability = np.array([one["peak"]["probability"] for one in with_both])
    none = np.array([one["peak"]["probability"] for one in neither])
    k_hat = np.array([one["k_hat"] for fits in found.values() for one in fits])
    return {
        "fits": f"{sum(map(len, found.values()))}",
        "both": f"{len(with_both)}",
        "neither": f"{len(neither)}",
        "peak_likely": f"{len(likely)}",
        "peak_held": f"{sum(inside)} of {len(inside)}",
        "peak_band": "{} to {}".format(*band(len(inside))),
        "peak_median": f"{np.median([one['peak']['median'] for one in likely]):.1f}",
        "peak_probability": f"{np.median(probability):.2f}",
        "peak_none": f"{np.median(none):.2f}",
        "peak_none_high": f"{(none > 0.5).sum()} of {len(none)}",
        "peak_none_sure": f"{(none > 0.95).sum()} of {len(none)}",
        "radius": f"{sum(radius)} of {len(radius)}",
        "radius_band": "{} to {}".format(*band(len(radius))),
        "first": f"{sum(first)} of {len(first)}",
        "near": f"{sum(near)} of {len(near)}",
        "set_size": f"{np.mean([len(one['plausible']) for one in with_both]):.1f}",
        "matter": f"{sum(one['matter'] for one in with_both)} of {len(with_both)}",
        "clear": f"{_clear(with_both)} of {len(with_both)}",
        "clear_none": f"{_clear(neither)} of {len(neither)}",
        "false": f"{sum(one['matter'] for one in neither)} of {len(neither)}",
        "none_probability": f"{np.median([one['radii']['none'] for one in neither]):.2f}",
        "k_hat": f"{np.median(k_hat):.2f}",
        "k_high": f"{(k_hat > 0.7).sum()} of {len(k_hat)}",
    }


def _clear(fits: list[dict[str, Any]]) -> int:
    """Fits whose interval of the halo leaves zero out."""
    return sum(one["halo"]["low"] > 0 or one["halo"]["high"] < 0 for one in fits)


def _best(one: dict[str, Any]) -> str:
    """The most probable radius of a fit."""
    radii = {name: value for name, value in one["radii"].items() if name != "none"}
    return max(radii, key=radii.__getitem__)


@style.styled
def draw(found: dict[str, list[dict[str, Any]]]) -> Figure:
    """Intervals of halo and peak, fit by fit; and how probable each radius is."""
    fits = found["with both"]
    figure = style.new_figure(4.6)
    panels = (
        (
            "halo coefficient (true: 0.03)",
            0.03,
            [(o["halo"]["low"], o["halo"]["mean"], o["halo"]["high"]) for o in fits],
        ),
        (
            "peak, % (true: 25)",
            PEAK,
            [(o["peak"]["interval"][0], o["peak"]["median"], o["peak"]["interval"][1]) for o in fits],
        ),
    )
    for number, (title, true, intervals) in enumerate(panels):
        axes = figure.add_axes((0.06 + 0.49 * number, 0.5, 0.42, 0.42), gid=title)
        values = np.array(intervals)
        values = values[np.isfinite(values).all(axis=1)]
        order = np.argsort(values[:, 1], kind="stable")
        for place, (low, middle, high) in enumerate(values[order]):
            outside = not low < true < high
            colour = style.VOTE if outside else style.SERIES[2]
            axes.plot([low, high], [place, place], color=colour, linewidth=0.9)
            axes.plot(middle, place, ".", color=style.INK, markersize=2)
        axes.axvline(true, color=style.INK, linewidth=0.8)
        axes.set(yticks=[], ylim=(-1, len(values)))
        axes.spines["left"].set_visible(False)
        axes.set_title(title, fontsize=style.SMALL_SIZE)
    axes = figure.add_axes((0.17, 0.13, 0.8, 0.25), gid="radii")
    names = list(fits[0]["radii"])
    order = ["none", *sorted((one for one in names if one != "none"), key=lambda one: int(one.split()[0]))]
    for shift, (truth, colour) in enumerate((("with both", style.VOTE), ("neither", style.MIGRANT))):
        mean = [np.mean([one["radii"][name] for one in found[truth]]) for name in order]
        label = "halo at 1,000 m" if truth == "with both" else "no halo"
        axes.bar(np.arange(len(order)) + 0.38 * shift, mean, 0.36, color=colour, label=label)
    axes.set(xticks=np.arange(len(order)) + 0.19, xticklabels=["no halo", *order[1:]], ylim=(0, 1))
    axes.set_title("mean posterior probability of each radius", fontsize=style.SMALL_SIZE)
    axes.legend(frameon=False, fontsize=style.SMALL_SIZE)
    return figure


def main(results: Path) -> None:
    """Write page and figure."""
    kept = json.loads(results.read_text(encoding="utf-8"))
    found = kept["fits"]
    text = TEMPLATE.read_text(encoding="utf-8")
    values = figures(found) | {"table": "\n".join(rows(found)), "districts": str(kept["districts"])}
    for key, value in values.items():
        text = text.replace(f"{{{{ {key} }}}}", value)
    PAGE.write_text(text, encoding="utf-8")
    PAGE.with_suffix(".png").write_bytes(style.to_png(draw(found), 160))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else RESULTS)
