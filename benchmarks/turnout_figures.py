"""Figures and tables of docs/turnout.md and docs/policy.md.

python benchmarks/turnout_figures.py                    figures of simulated data, tables of the calibration
python benchmarks/turnout_figures.py FOLDER             also the maps of Denmark, from a folder with
                                                        dk_kommune_joined.csv, .geojson and its links
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from calibrate_turnout import RESULTS, SIZES, summary
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from spatialvote.analysis.figures import style
from spatialvote.analysis.figures.policy import plot_policy_profile
from spatialvote.analysis.figures.turnout import plot_turnout_by_age, plot_turnout_panels
from spatialvote.analysis.figures.turnout_map import map_turnout, map_turnout_change
from spatialvote.analysis.policy import policy_profile
from spatialvote.data.policy_simulate import simulate_policy
from spatialvote.data.turnout import TurnoutAbout
from spatialvote.data.turnout_read import TurnoutColumns, read_turnout
from spatialvote.data.turnout_shapes import read_area_shapes
from spatialvote.data.turnout_simulate import simulate_register
from spatialvote.models.turnout.model import TurnoutModel

IMAGES = Path(__file__).parents[1] / "docs" / "images"
ELECTIONS = (2001, 2005, 2007, 2011, 2015)


@style.styled
def plot_pooling(registers: list[dict]):
    """Root mean squared error of raw and pooled rates by size of cell."""
    names = [name for name in SIZES if name != "0"]
    figure = style.new_figure(3.0)
    title = style.wrap(
        "Pooled estimates are nearer to the truth than raw rates, most where cells are small",
        style.WIDTH - 2 * style.MARGIN, style.TITLE_SIZE, "bold",
    )  # fmt: skip
    style.write(
        figure, style.MARGIN, 3.0 - style.MARGIN, "\n".join(title), fontsize=style.TITLE_SIZE,
        fontweight="bold",
    )  # fmt: skip
    axes = figure.add_axes(style.inch_rect(figure, 1.45, 0.98, 3.3, 1.42))
    for row, name in enumerate(names):
        raw, pooled = (100 * np.sqrt(weighted(registers, name, key)) for key in ("raw", "pooled"))
        axes.plot([pooled, raw], [row, row], color=style.RULE, linewidth=2, zorder=1)
        axes.plot(raw, row, "o", color="white", markeredgecolor=style.INK, markersize=8, label="raw rate")
        axes.plot(pooled, row, "o", color=style.VOTE, markersize=8, label="pooled estimate")
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator([1, 2, 5, 10, 20, 50]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlim(1, 50)
    axes.set_yticks(range(len(names)), [f"{name} entitled" for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlabel("root mean squared error, percentage points")
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles[:2], labels[:2], loc="lower left", bbox_to_anchor=(0.01, 0.08), ncols=2)
    style.write_simulated(figure)
    return figure


def weighted(registers: list[dict], name: str, key: str) -> float:
    """Mean over cells of all registers."""
    rows = [one[name] for one in registers if name in one]
    return float(np.average([row[key] for row in rows], weights=[row["cells"] for row in rows]))


def denmark(folder: Path) -> None:
    """Turnout of 98 municipalities in five elections: one spatial model, two maps."""
    wide = pd.read_csv(folder / "dk_kommune_joined.csv", dtype=str)
    long = pd.concat(
        pd.DataFrame(
            {
                "kommune": wide["kommune_nr"],
                "election": str(year),
                "entitled": wide[f"electorate_{year}"],
                "cast": wide[f"cast_{year}"],
            }
        )
        for year in ELECTIONS
    )
    table = Path("studies") / "denmark-cells.csv"
    table.parent.mkdir(exist_ok=True)
    long.to_csv(table, index=False)
    edges = folder / "adjacency_kommune_fuzzy60m.csv"
    cells = read_turnout(
        table, TurnoutColumns(area="kommune", election="election"), entitled="entitled", voted="cast",
        edges=edges,
        about=TurnoutAbout(
            "Denmark, Folketing 2001–2015", source="Den Danske Valgdatabase", area_unit="municipality"
        ),
    )  # fmt: skip
    started = time.time()
    fit = TurnoutModel(interactions=()).fit(cells, seed=1)
    print(f"Denmark: {cells}\n  {time.time() - started:.1f} s, {fit.record['approximation']}")
    for name in fit.hyperparameters:
        draws = fit.draws(name)
        low, high = np.quantile(draws, [0.025, 0.975])
        print(f"  {name}: {draws.mean():.3f} ({low:.3f} to {high:.3f})")
    shapes = read_area_shapes(folder / "dk_kommune_joined.geojson", cells, id="kommune_nr")
    now = map_turnout(fit, shapes, election="2015")
    (IMAGES / "turnout-denmark.png").write_bytes(style.to_png(now))
    change = map_turnout_change(fit, shapes, first="2001", last="2015")
    (IMAGES / "turnout-denmark-change.png").write_bytes(style.to_png(change))


def main() -> None:
    results = json.loads(RESULTS.read_text())
    for name, row in summary(results["fits"]).items():
        print(f"| {name} | {row['p_uniform']:.2f} | {row['covered_50']:.3f} | {row['covered_90']:.3f} |")
    for name in SIZES:
        told = {
            key: weighted(results["registers"], name, key)
            for key in ("raw", "pooled", "covered")
            if name != "0"
        }
        print(name, told)
    (IMAGES / "turnout-pooling.png").write_bytes(style.to_png(plot_pooling(results["registers"])))
    profile = policy_profile(simulate_policy(2026), "Sweden", earlier=2014)
    (IMAGES / "policy.png").write_bytes(style.to_png(plot_policy_profile(profile)))
    fit = TurnoutModel().fit(simulate_register(2026).cells, seed=2026)
    (IMAGES / "turnout.png").write_bytes(style.to_png(plot_turnout_by_age(fit)))
    (IMAGES / "turnout-panels.png").write_bytes(style.to_png(plot_turnout_panels(fit)))
    if len(sys.argv) > 1:
        denmark(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
