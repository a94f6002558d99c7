"""Coverage of slopes by level, their spread and correlation: fits to votes drawn from the model's own prior.

    python benchmarks/calibrate_levels.py 100

Every fit has a truth of its own, drawn from the prior: hyperparameters, coefficients, effects of eight levels
and of 64 districts on a lattice. Intervals of a right posterior then cover the truth as often as they say,
within the binomial error of the number of fits.
"""

import sys
import time
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from kept import covered, keep_fits

from spatialvote.data.districts import About, Districts
from spatialvote.data.neighbours import graph_from_edges, report_graph
from spatialvote.data.roles import Roles
from spatialvote.models.fit_groups import draw_prior
from spatialvote.models.priors import PCSigma, Priors
from spatialvote.models.vote_share import VoteShareModel

SIDE, VOTES = 8, 600
MODEL = VoteShareModel(
    "party ~ migrants + (1 + migrants | city)",
    priors=Priors(intercept_mean=-1.0, intercept_sd=0.5, sigma=PCSigma(0.8, 0.05), group=PCSigma(0.8, 0.05)),
)
NAMES = ("intercept", "sigma", "rho", "sd_city", "sd_migrants|city", "cor_migrants|city")
LEVELS = (0.5, 0.9)


def lattice(votes: np.ndarray, x: np.ndarray) -> Districts:
    """Districts of a square lattice with a city for each row."""
    index = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    i = np.concatenate([index[:, :-1].ravel(), index[:-1].ravel()])
    j = np.concatenate([index[:, 1:].ravel(), index[1:].ravel()])
    ids = [f"D{q:02d}" for q in range(SIDE * SIDE)]
    table = pd.DataFrame(
        {
            "migrants": x,
            "valid": VOTES,
            "party": votes,
            "city": [f"C{q // SIDE}" for q in range(SIDE * SIDE)],
        },
        index=pd.Index(ids, name="district"),
    )
    roles = Roles(
        id="id", votes={"party": "party"}, valid="valid", migrants="migrants", groups=("city",),
        units={"migrants": "percent"},
    )  # fmt: skip
    graph = graph_from_edges(ids, i, j)
    frame = gpd.GeoDataFrame(table, geometry=[None] * len(ids))
    return Districts(
        frame, roles, graph, report_graph(graph, "rook"), About("Lattice", "cell", 2026, simulated=True)
    )


def one_fit(seed: int) -> dict[str, Any]:
    """Whether each interval covers the truth, where the truth ranks among the draws, and k-hat."""
    rng = np.random.default_rng(seed)
    x = rng.gamma(2.0, 6.0, SIDE * SIDE)
    half = np.full(SIDE * SIDE, VOTES // 2)
    posterior, _ = MODEL.posterior(lattice(half, x))
    truth = {name: value[0] for name, value in draw_prior(posterior, 1, rng).items()}
    votes = rng.binomial(VOTES, 1 / (1 + np.exp(-truth["eta"])))
    start = time.process_time()
    fit = MODEL.fit(lattice(votes, x), "laplace", seed=seed, draws=400, cores=1, progress=False)
    seconds = time.process_time() - start
    pairs = {name: (fit.draws(name), truth[name]) for name in NAMES}
    pairs["beta"] = (fit.draws("beta")[:, 0], truth["beta"][0])
    slopes = fit.draws("beta")[:, [0]] + fit.draws("effect_migrants|city")
    of_truth = truth["beta"][0] + truth["effect_migrants|city"]
    pairs |= {f"slope {k}": (slopes[:, k], of_truth[k]) for k in range(SIDE)}
    ranks = {name: float((draws < true).mean()) for name, (draws, true) in pairs.items()}
    return {"k_hat": fit.record["laplace"]["k_hat"], "seconds": seconds, "ranks": ranks}


def summary(fits: list[dict]) -> str:
    """A table in Markdown: covered parts of 50 % and 90 % intervals, slopes of all levels together."""
    rows = ["| quantity | in the 50 % interval | in the 90 % interval |", "|---|---|---|"]
    together: dict[str, list[float]] = {}
    for fit in fits:
        for name, rank in fit["ranks"].items():
            together.setdefault("slope of a level" if name.startswith("slope") else name, []).append(rank)
    for name, ranks in together.items():
        held = " | ".join(f"{100 * covered(ranks, level) / len(ranks):.0f} %" for level in LEVELS)
        rows.append(f"| {name.replace('|', chr(92) + '|')} | {held} |")
    k_hat, seconds = (np.array([fit[key] for fit in fits]) for key in ("k_hat", "seconds"))
    rows.append(
        f"\n{len(fits)} fits; k-hat above 0.7 in {int((k_hat > 0.7).sum())}; processor seconds a fit: median "
        f"{np.median(seconds):.1f}."
    )
    return "\n".join(rows)


def main() -> None:
    """Make the fits that are missing, and tell."""
    fits = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    print(summary(keep_fits("levels", "fits", one_fit, fits)))


if __name__ == "__main__":
    main()
