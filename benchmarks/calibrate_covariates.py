"""Are a coefficient and unknown values of its covariate recovered as often as they should be?

    python benchmarks/calibrate_covariates.py [--fits 60] [--cores 2] [--districts 100] [--chains 4]
                                              [--draws 500] [--output benchmarks/results/covariates.json]

A simulated city keeps its people; for each fit a covariate ("need") and votes are drawn anew,

    need = 0.5 z(higher_education) + BYM2(0.8, 0.6),
    eta  = -1 - 0.2 z(migrant_share) + 0.3 need + BYM2(0.25, 0.6),

and need is spoilt in one of three ways: 15 % of its values are blanked, the rest exact; all are rounded to
multiples of 2; all are estimated with standard error 0.7. Each map is fitted three times: by the model that
takes these values as unknown (engine ``nuts``); to need as published, taken as exact, blanks filled with the
mean (engine ``laplace``, as is the next); and to the true need. Told are mean, and coverage of 95 %
intervals, of the coefficient of need (0.3); coverage of 95 and 50 % intervals of unknown values; and the
ratio of their standard deviations with and without the votes. Of the sampler: the worst R-hat and the least
effective number of draws over the coefficient and the hyperparameters, and CPU time.

What is done is written after every map (with more cores, as many maps as these), and the same command goes on
from there.
"""

import argparse
import json
import time
from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit
from threadpoolctl import threadpool_limits

import spatialvote as sv
from spatialvote.analysis.many import run_many
from spatialvote.data.aside import written_aside
from spatialvote.data.districts import Districts
from spatialvote.models.draw_field import draw_effects
from spatialvote.models.scaled_graph import scale_graph

RESULTS = Path(__file__).with_name("results") / "covariates.json"
SLOPE, STEP, ERROR, BLANK = 0.3, 2.0, 0.7, 0.15
WAYS = ("blanked", "rounded", "estimated")
MODEL = sv.VoteShareModel("national_list ~ migrant_share + higher_education + need")


@dataclass(frozen=True)
class Job:
    """One map: how its covariate is spoilt, how many districts, the seed, and what is drawn."""

    way: str
    districts: int
    seed: int
    chains: int
    draws: int


@cache
def city(n: int) -> Districts:
    """The city whose people stay."""
    made = sv.simulate_city(seed=11, n_districts=n).districts
    return sv.add_columns(made, pd.DataFrame({"need": np.arange(n, dtype=float)}, index=made.ids))


def draw(job: Job) -> tuple[Districts, np.ndarray]:
    """Districts with votes and need as it is, and the generator's draws behind them."""
    made, rng = city(job.districts), np.random.default_rng([17, job.seed])
    graph = scale_graph(made.n, *made.edges)
    people = made.table[["migrant_share", "higher_education"]]
    standard = (people - people.mean()) / people.std(ddof=0)
    fields = draw_effects(graph, np.array([0.8, 0.25]), np.array([0.6, 0.6]), rng)
    need = 0.5 * standard["higher_education"].to_numpy(float) + fields[0]
    eta = -1 - 0.2 * standard["migrant_share"].to_numpy(float) + SLOPE * need + fields[1]
    votes = rng.binomial(made.valid, expit(eta))
    table = made.table.assign(need=need, national_list=votes, diversity_list=0)
    return replace(made, table=table), rng.normal(size=made.n)


def run(job: Job) -> dict[str, object]:
    """Estimates of one map by four fits."""
    true, noise = draw(job)
    need = true.table["need"].to_numpy()
    columns = pd.DataFrame({"need": need}, index=true.ids)
    if job.way == "blanked":
        hidden = np.argsort(noise)[: round(BLANK * true.n)]
        columns.iloc[hidden, 0] = np.nan
        declared, published = sv.Uncertain(missing=True), columns["need"].fillna(columns["need"].mean())
    elif job.way == "rounded":
        columns["need"] = STEP * np.round(need / STEP)
        declared, published = sv.Uncertain(rounded=STEP), columns["need"]
    else:
        columns = columns.assign(need=need + ERROR * noise, se=ERROR)
        declared, published = sv.Uncertain(se="se"), columns["need"]
    spoilt = sv.declare_uncertain(true, {"need": declared}, columns)
    seed, begun = 1000 + job.seed, time.process_time()
    fit = MODEL.fit(spoilt, seed=seed, draws=job.draws, chains=job.chains, cores=1, progress=False)
    seconds = time.process_time() - begun
    naive = MODEL.fit(
        replace(true, table=true.table.assign(need=published)), "laplace", seed=seed, progress=False
    )
    known = MODEL.fit(true, "laplace", seed=seed, progress=False)
    district = fit.constant("unknown_district")
    values, alone = fit.draws("unknown"), fit.tree["covariates"]["unknown"].to_numpy()[0]
    inside = {f"inside_{level}": float(_inside(values, need[district], level).mean()) for level in (95, 50)}
    return {
        **asdict(job),
        "slope": {name: _told(one) for name, one in (("joint", fit), ("published", naive), ("true", known))},
        **inside,
        "sd_ratio": float(np.median(values.std(axis=0) / alone.std(axis=0))),
        "diverging": int(fit.tree["sample_stats"]["diverging"].sum()),
        **_mixing(fit, job),
        "seconds": round(seconds, 1),
    }


def _told(fit: sv.Fit) -> tuple[float, float, float, float]:
    """Mean, standard deviation and 95 % interval of the coefficient of need, per unit."""
    slopes = fit.draws("beta")[:, -1] / fit.constant("scale")[-1]
    return (float(slopes.mean()), float(slopes.std()), *map(float, np.quantile(slopes, [0.025, 0.975])))


def _inside(values: np.ndarray, truth: np.ndarray, level: int) -> np.ndarray:
    low, high = np.quantile(values, [0.5 - level / 200, 0.5 + level / 200], axis=0)
    return (low <= truth) & (truth <= high)


def _mixing(fit: sv.Fit, job: Job) -> dict[str, float]:
    """Worst R-hat and least effective number of draws over coefficient of need and hyperparameters."""
    from arviz_stats.base.array import array_stats

    named = ("sigma", "rho", "covariate_sigma", "covariate_rho")
    drawn = [fit.draws("beta")[:, -1], *(fit.draws(name).reshape(-1) for name in named)]
    chains = [np.asarray(one, dtype=np.float64).reshape(job.chains, job.draws) for one in drawn]
    return {
        "r_hat": max(float(np.asarray(array_stats.rhat(one))) for one in chains),
        "ess": min(float(np.asarray(array_stats.ess(one))) for one in chains),
    }


def summarise(rows: list[dict]) -> list[dict[str, object]]:
    """One row for each way of spoiling and kind of fit."""
    found = []
    for way in WAYS:
        here = [row for row in rows if row["way"] == way]
        if not here:
            continue
        for kind in ("joint", "published", "true"):
            told = np.array([row["slope"][kind] for row in here])
            found.append(
                {
                    "way": way,
                    "fit": kind,
                    "fits": len(here),
                    "mean": float(told[:, 0].mean()),
                    "mean_se": float(told[:, 0].std() / np.sqrt(max(len(here) - 1, 1))),
                    "sd": float(told[:, 1].mean()),
                    "covered": int(((told[:, 2] <= SLOPE) & (told[:, 3] >= SLOPE)).sum()),
                }
            )
        found[-3] |= {
            name: float(np.mean([row[name] for row in here]))
            for name in ("inside_95", "inside_50", "sd_ratio", "diverging")
        } | {
            "worst_r_hat": float(max(row["r_hat"] for row in here)),
            "median_ess": float(np.median([row["ess"] for row in here])),
            "median_seconds": float(np.median([row["seconds"] for row in here])),
        }
    return found


def main() -> None:
    """Run the fits and write the results."""
    parser = argparse.ArgumentParser(description="Calibrate models with unknown values of covariates.")
    parser.add_argument("--fits", type=int, default=60, help="maps for each way of spoiling")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--districts", type=int, default=100)
    parser.add_argument("--chains", type=int, default=4, help="of each fit with unknown values")
    parser.add_argument("--draws", type=int, default=500, help="of each chain")
    parser.add_argument("--output", type=Path, default=RESULTS)
    given = parser.parse_args()
    each = (given.chains, given.draws)
    jobs = [Job(way, given.districts, seed, *each) for seed in range(given.fits) for way in WAYS]
    rows: list[dict] = []
    if given.output.exists():
        rows = json.loads(given.output.read_text(encoding="utf-8"))["rows"]
    settings = {(row["districts"], row["chains"], row["draws"]) for row in rows}
    if settings - {(given.districts, *each)}:
        parser.error(f"{given.output} has fits of other districts, chains or draws: give another --output")
    done = {(row["way"], row["seed"]) for row in rows}
    left = [job for job in jobs if (job.way, job.seed) not in done]
    given.output.parent.mkdir(parents=True, exist_ok=True)
    with threadpool_limits(limits=1):
        for first in range(0, len(left), given.cores):
            rows += run_many(run, left[first : first + given.cores], cores=given.cores)
            found = {"date": date.today().isoformat(), "slope": SLOPE, "summary": summarise(rows)}
            with written_aside(given.output) as aside:
                aside.write_text(json.dumps(found | {"rows": rows}, indent=1) + "\n", encoding="utf-8")
            print(f"{len(rows)} of {len(jobs)}", flush=True)
    for row in summarise(rows):
        print({name: round(one, 4) if isinstance(one, float) else one for name, one in row.items()})


if __name__ == "__main__":
    main()
