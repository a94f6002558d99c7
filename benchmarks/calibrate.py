"""Simulation-based calibration: are posterior ranks of the true values uniform?

    python benchmarks/calibrate.py [--fits 400] [--output docs]

Parameters are drawn from the prior, votes from the model, and the posterior is sampled. If density, gradient
and draws are right, the rank of each true value among its posterior draws is uniform (Talts et al. 2018). The
ranks' empirical distribution is compared with a simultaneous 95 % band (Sailynoja, Buerkner and Vehtari 2022:
the band is widened until 95 % of uniform samples lie wholly inside).
"""

import argparse
import os
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.stats import binom

from spatialvote.data.districts import About, Districts
from spatialvote.data.neighbours import graph_from_edges, report_graph
from spatialvote.data.roles import Roles
from spatialvote.models.families import FAMILIES
from spatialvote.models.fit_groups import draw_prior
from spatialvote.models.nuts import NutsSettings, sample
from spatialvote.models.posterior import Posterior
from spatialvote.models.recover import recover
from spatialvote.models.vote_share import VoteShareModel

SEED = 2026
SIDE = 10
#: Draws kept of each fit, thinned so that they are nearly independent.
RANKS = 100


@dataclass(frozen=True)
class Case:
    """A family and structure to calibrate, with a typical number of valid votes or expected cases."""

    family: str
    structure: str
    typical: float

    @property
    def name(self) -> str:
        """For tables and figures."""
        unit = "valid votes" if self.family == "binomial" else "expected cases"
        return f"{self.structure}, {self.family}, about {self.typical:g} {unit}"


CASES = (
    Case("binomial", "bym2", 1000),
    Case("binomial", "iid", 1000),
    Case("binomial", "none", 1000),
    Case("poisson", "bym2", 10),
)


def lattice(rng: np.random.Generator, typical: float) -> Districts:
    """A hundred districts: two lattices (two components) and two islands, two covariates."""
    n = SIDE * SIDE
    index = np.arange(n - 2).reshape(-1, 7)
    # One row of links is left out, so that the map has two components.
    above, below = np.delete(index[:-1], 8, axis=0), np.delete(index[1:], 8, axis=0)
    i = np.r_[index[:, 1:].ravel(), above.ravel()]
    j = np.r_[index[:, :-1].ravel(), below.ravel()]
    ids = [f"{q:03d}" for q in range(n)]
    graph = graph_from_edges(ids, i, j)
    table = pd.DataFrame(
        {
            "x": rng.normal(size=n),
            "z": rng.normal(size=n),
            "size": np.ceil(rng.gamma(4.0, typical / 4, n)) + 1,
            "votes": np.ones(n),
        },
        index=pd.Index(ids, name="district"),
    )
    roles = Roles(id="id", votes={"party": "votes"}, valid="size", exposure="size", covariates=("x", "z"))
    frame = gpd.GeoDataFrame(table, geometry=[None] * n)
    return Districts(
        frame, roles, graph, report_graph(graph, "lattice"), About("lattice", "cell", simulated=True)
    )


def ranks_of(posterior: Posterior, seed: int) -> tuple[dict[str, int], int]:
    """Draw truth and votes, sample, and rank; the number of divergent transitions beside."""
    rng = np.random.default_rng(seed)
    truth = {name: values[0] for name, values in draw_prior(posterior, 1, rng).items()}
    whole = posterior.size.astype(np.int64) if posterior.family == "binomial" else posterior.size
    votes = FAMILIES[posterior.family].draw(rng, truth["eta"], whole)
    drawn = replace(posterior, votes=votes.astype(np.float64))
    # Many more draws than ranks: thinning must leave nearly independent ones.
    sampled, statistics = sample(drawn, NutsSettings(draws=1000, tune=400, chains=1, cores=1), rng)
    keep = np.linspace(0, 999, RANKS - 1).astype(int)
    kept = {name: values[0, keep] for name, values in sampled.items()}
    if "coefficients" in kept:
        coefficients = kept["coefficients"]
        kept["eta"] = coefficients @ drawn.design.T
    else:
        rho = kept.get("rho", np.full(len(keep), 0.5))
        coefficients, _ = recover(drawn, kept["sigma"], rho, kept["eta"], rng)
    quantities = {"intercept": (coefficients[:, 0], truth["intercept"])}
    quantities |= {f"beta {q + 1}": (coefficients[:, q + 1], truth["beta"][q]) for q in range(2)}
    quantities |= {name: (kept[name], truth[name]) for name in ("sigma", "rho") if name in kept}
    quantities |= {f"eta {q}": (kept["eta"][:, q], truth["eta"][q]) for q in (0, len(votes) - 1)}
    likelihood = FAMILIES[drawn.family].log_likelihood
    quantities["log likelihood"] = (
        likelihood(kept["eta"], votes, posterior.size).sum(axis=1),
        likelihood(truth["eta"], votes, posterior.size).sum(),
    )
    ranks = {name: int((draws < value).sum()) for name, (draws, value) in quantities.items()}
    return ranks, int(statistics["diverging"].sum())


def band(fits: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, float]:
    """Lower and upper limits of the count of ranks below each point, and the pointwise level used."""
    points = np.arange(1, RANKS) / RANKS
    uniform = rng.integers(0, RANKS, size=(4000, fits))
    counts = (uniform[:, :, None] < np.arange(1, RANKS)).sum(axis=1)
    tail = np.minimum(binom.cdf(counts, fits, points), binom.sf(counts - 1, fits, points))
    level = 2 * np.quantile(tail.min(axis=1), 0.05)
    return binom.ppf(level / 2, fits, points), binom.ppf(1 - level / 2, fits, points), float(level)


def main() -> None:
    """Calibrate every case; write the figure and the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fits", type=int, default=400, help="fits of each case")
    parser.add_argument("--output", type=Path, default=Path("docs"), help="folder of the page and figure")
    arguments = parser.parse_args()
    rng = np.random.default_rng(SEED)
    low, high, level = band(arguments.fits, rng)
    results, rows = {}, []
    for case in CASES:
        districts = lattice(np.random.default_rng(SEED), case.typical)
        model = VoteShareModel("party ~ x + z", case.family, case.structure)
        # A vague intercept would put most simulated maps at 0 % or 100 %; the default level is kept.
        posterior, _ = replace(model, priors=replace(model.priors, intercept_mean=-1.0)).posterior(districts)
        seeds = rng.integers(0, 2**31, arguments.fits)
        outcomes = [ranks_of(posterior, int(seed)) for seed in seeds]
        ranks = {name: np.array([one[0][name] for one in outcomes]) for name in outcomes[0][0]}
        results[case.name] = ranks
        divergent = sum(one[1] > 0 for one in outcomes)
        for name, values in ranks.items():
            counts = (values[:, None] < np.arange(1, RANKS)).sum(axis=0)
            inside = bool(np.all((counts >= low) & (counts <= high)))
            covered = np.mean((values >= 5) & (values < 95))
            rows.append(
                f"| {case.name} | {name} | {'yes' if inside else 'NO'} | {covered:.3f} | {divergent} |"
            )
            print(rows[-1], flush=True)
    arguments.output.mkdir(parents=True, exist_ok=True)
    draw(results, low, high, arguments.fits).savefig(arguments.output / "calibration.png", dpi=150)
    page = PAGE.format(
        fits=arguments.fits,
        today=date.today().isoformat(),
        cores=os.cpu_count(),
        level=level,
        error=1.96 * np.sqrt(0.9 * 0.1 / arguments.fits),
        rows="\n".join(rows),
    )
    (arguments.output / "calibration.md").write_text(page, encoding="utf-8")


def draw(results: dict[str, dict[str, np.ndarray]], low, high, fits: int) -> Figure:
    """The ranks' ECDF less the uniform one, a line for each quantity, a panel for each case."""
    figure = Figure(figsize=(10, 2.6 * len(results)), layout="constrained")
    points = np.arange(1, RANKS) / RANKS
    for axes, (name, ranks) in zip(
        figure.subplots(len(results), 1, sharex=True), results.items(), strict=True
    ):
        axes.fill_between(points, low / fits - points, high / fits - points, color="0.88", lw=0)
        for values in ranks.values():
            counts = (values[:, None] < np.arange(1, RANKS)).sum(axis=0)
            axes.plot(points, counts / fits - points, lw=1)
        axes.axhline(0, color="0.3", lw=0.8)
        axes.set_title(name, loc="left", fontsize=10)
        axes.set_ylabel("ECDF - uniform")
    axes.set_xlabel("rank of the true value, as a fraction")
    return figure


PAGE = """# Calibration

Written by `make calibrate`: for each case {fits} data sets were drawn from the prior and the model, on a
map of 100 districts with two components and two islands, and fitted by NUTS (1,000 draws after 400, one
chain). If the density, its gradient and the draws of what was integrated out are right, the rank of each
true value among 99 thinned posterior draws is uniform. "Inside" says whether the ranks' distribution lies
wholly within the simultaneous 95 % band (pointwise level {level:.4f}); one quantity in twenty falls
outside by chance. Coverage is that of the central 90 % interval; chance alone moves it by {error:.3f}.
The last column counts fits with at least one divergent transition, which the review of such a fit reports.

{today}, {cores} cores.

![Rank distributions](calibration.png)

| case | quantity | inside | coverage of 90 % | fits with divergences |
|---|---|---|---|---|
{rows}

Talts, S., Betancourt, M., Simpson, D., Vehtari, A., Gelman, A. (2018). Validating Bayesian inference
algorithms with simulation-based calibration. arXiv:1804.06788.

Sailynoja, T., Buerkner, P.-C., Vehtari, A. (2022). Graphical test for discrete uniformity and its
applications in goodness-of-fit evaluation and multiple sample comparison. Statistics and Computing 32.
"""


if __name__ == "__main__":
    main()
