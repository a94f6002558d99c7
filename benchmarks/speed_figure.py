"""The figure of docs/speed.md: seconds and peak memory against the number of districts, by engine."""

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

#: Colour, marker and line of each engine: told apart in grey by any of the three.
_STYLE = {
    "textbook": ("textbook PyMC", "#999999", "s", (0, (1, 1.5))),
    "nuts": ("nuts", "#0072B2", "o", "-"),
    "laplace": ("laplace", "#000000", "D", "-"),
    "tmb": ("TMB", "#D55E00", "^", (0, (5, 2))),
}


def seconds(turn: dict[str, Any]) -> float:
    """Wall time of a fit; of a sampler, that of preparing and of 1,000 effective draws."""
    if "ess_per_second" in turn:
        return turn["preparing"] + 1000 / turn["ess_per_second"]
    return turn["wall"]


def draw_figure(results: list[dict[str, Any]], path: Path) -> None:
    """Draw both panels; lines are named where they end."""
    figure = Figure(figsize=(9.5, 4.2), layout="constrained")
    panels = figure.subplots(1, 2)
    titles = ("Seconds to 1,000 draws", "Peak memory of the process, GB")
    for panel, title in zip(panels, titles, strict=True):
        panel.set_title(title, loc="left", fontsize=11)
        panel.set(xscale="log", yscale="log", xlabel="districts")
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(True, which="major", color="#dddddd", linewidth=0.6)
        panel.set_axisbelow(True)
    ends: dict[Any, list[tuple[int, float, str, str]]] = {panel: [] for panel in panels}
    for engine, (name, colour, marker, dashes) in _STYLE.items():
        own = sorted((one for one in results if one["engine"] == engine), key=lambda one: one["n"])
        if not own:
            continue
        n = [one["n"] for one in own]
        middle = [sorted(map(seconds, one["turns"]))[(len(one["turns"]) - 1) // 2] for one in own]
        memory = [one["turns"][0]["peak"] for one in own]
        for panel, values in ((panels[0], middle), (panels[1], memory)):
            if None in values:
                continue
            scaled = values if panel is panels[0] else [value / 1e9 for value in values]
            panel.plot(n, scaled, color=colour, marker=marker, linestyle=dashes, markersize=5)
            ends[panel].append((n[-1], scaled[-1], name, colour))
    for panel in panels:
        sizes = sorted({one["n"] for one in results})
        panel.set_xticks(sizes, [f"{n:,}" for n in sizes])
        panel.minorticks_off()
        # Room for the names at the ends of the lines.
        panel.set_xlim(right=max(sizes) * 6)
        panel.yaxis.set_major_formatter("{x:g}")
        _name_lines(panel, ends[panel])
    figure.savefig(path, dpi=150)


def _name_lines(panel: Any, ends: list[tuple[int, float, str, str]]) -> None:
    """Write each name beside the end of its line, above that of a line that ends at the same place."""
    low, high = panel.get_ylim()
    apart = (high / low) ** 0.05
    last: dict[int, float] = {}
    for n, value, name, colour in sorted(ends, key=lambda end: end[:2]):
        last[n] = max(value, last.get(n, 0.0) * apart)
        panel.annotate(
            name,
            (n, last[n]),
            xytext=(7, 0),
            textcoords="offset points",
            va="center",
            color=colour,
            annotation_clip=False,
        )
