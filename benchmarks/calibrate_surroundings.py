"""Are own share, surroundings, their radius and the turning point recovered as often as they should be?

    python benchmarks/calibrate_surroundings.py [--cities 100] [--cores 2] [--districts 300]
                                                [--output benchmarks/results/surroundings.json]

A simulated city keeps its people; its votes are drawn anew for each fit from

    eta = -1.2 - 0.0012 (x - 25)^2 + h z(1,000 m) + BYM2(0.3, 0.5),

x the share of migrants (percent), z the halo within 1,000 m (percentage points), h = 0.03 or 0. The fitted
model, ``bs(migrant_share, df=4) + surroundings + higher_education + income``, holds the truth. Told are how
often 95 % intervals hold the halo's coefficient, the peak at 25 and the difference of the curve between two
shares; how often the radius is in its 95 % credible set; and how often surroundings are said to matter.
"""

import argparse
import json
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
from scipy.special import expit
from scipy.stats import binom

import spatialvote as sv
from spatialvote.analysis.many import run_many
from spatialvote.analysis.radii import WITHOUT
from spatialvote.data.districts import Districts
from spatialvote.data.simulate_field import draw_scaled_icar

RESULTS = Path(__file__).with_name("results") / "surroundings.json"
RADII = (500, 1_000, 2_500, 5_000)
TRUE_RADIUS, INNER = 1_000, 200
PEAK, BEND, LEVEL = 25.0, -0.0012, -1.2
SIGMA, RHO = 0.3, 0.5
#: Shares (percent) between which the curve's difference is compared.
LOW, HIGH = 15.0, 45.0
MODEL = sv.VoteShareModel(
    "national_list ~ bs(migrant_share, df=4) + surroundings + higher_education + income"
)


@dataclass(frozen=True)
class Job:
    """One city's votes: how strong the halo is, which map, and the seed."""

    effect: float
    districts: int
    seed: int


@cache
def city(n: int) -> Districts:
    """A city with its halo by radius."""
    made = sv.simulate_city(seed=11, n_districts=n)
    grid = made.grid.assign(migrants=made.grid["origin_eu"] + made.grid["origin_non_eu"])
    cells = sv.read_cells(grid, cell="cell", persons={"persons": "persons", "migrants": "migrants"})
    shared = sv.share_cells(cells, made.districts, border="share")
    egohoods = sv.count_egohoods(cells, (INNER, *RADII))
    rings = sv.halo(shared, egohoods, "migrants", [(INNER, radius) for radius in RADII])
    return sv.add_columns(made.districts, rings, units=dict.fromkeys(rings, "percentage points"))


def column(radius: int) -> str:
    return f"halo_{INNER}_{radius}m"


def one(job: Job) -> dict[str, bool | float]:
    """Draw votes, fit, and see what is held."""
    rng = np.random.default_rng(job.seed)
    districts = city(job.districts)
    i, j, _ = districts.edges
    x = districts.table["migrant_share"].to_numpy()
    phi = draw_scaled_icar(rng, districts.n, i, j, draws=1)[0]
    space = SIGMA * (np.sqrt(1 - RHO) * rng.normal(size=districts.n) + np.sqrt(RHO) * phi)
    halo = districts.table[column(TRUE_RADIUS)].to_numpy()
    eta = LEVEL + BEND * (x - PEAK) ** 2 + job.effect * halo + space
    votes = rng.binomial(districts.valid, expit(eta))
    table = districts.table.assign(national_list=votes, diversity_list=0)
    voted = replace(districts, table=table)
    fitted = replace(MODEL, formula=MODEL.formula.replace("surroundings", column(TRUE_RADIUS)))
    fit = fitted.fit(voted, engine="laplace", seed=job.seed, cores=1, progress=False)
    at = fit.coefficients.index(column(TRUE_RADIUS))
    slope = fit.draws("beta")[:, at] / fit.constant("scale")[at]
    turning = sv.curve(fit, voted).peak
    radii = sv.compare_radii(MODEL, voted, {f"{one} m": column(one) for one in RADII}, seed=job.seed, cores=1)
    difference = _difference(fit, voted)
    low, high = turning.interval
    true = BEND * ((HIGH - PEAK) ** 2 - (LOW - PEAK) ** 2)
    return {
        "halo": bool(np.quantile(slope, 0.025) < job.effect < np.quantile(slope, 0.975)),
        "halo_mean": float(slope.mean()),
        "curve": bool(np.quantile(difference, 0.025) < true < np.quantile(difference, 0.975)),
        "peak": bool(low < PEAK < high),
        "peak_probability": turning.probability,
        "radius": f"{TRUE_RADIUS} m" in radii.plausible,
        "radius_first": radii.plausible[0] == f"{TRUE_RADIUS} m",
        "radius_size": len(radii.plausible),
        "matter": radii.matter,
        "none": float(radii.table.loc[WITHOUT, "probability"]),
        "k_hat": float(fit.record["laplace"]["k_hat"]),
    }


def _difference(fit: sv.Fit, districts: Districts) -> np.ndarray:
    """Difference of the linear predictor between two shares of migrants, draw by draw."""
    from spatialvote.analysis.effects.design import design_of

    row = districts.table.iloc[[0, 0]].drop(columns=districts.table.geometry.name)
    ends = design_of(fit, districts).evaluate(row.assign(migrant_share=[LOW, HIGH]))
    return fit.draws("beta") / fit.constant("scale") @ (ends[1] - ends[0])


def main() -> None:
    """Draw, fit, count, and say."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cities", type=int, default=100, help="sets of votes with, and without a halo")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--districts", type=int, default=300)
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    results = {}
    for name, effect in (("halo", 0.03), ("no halo", 0.0)):
        jobs = [Job(effect, arguments.districts, 1_000 + k) for k in range(arguments.cities)]
        found = run_many(one, jobs, cores=arguments.cores)
        results[name] = {key: [each[key] for each in found] for key in found[0]}
        for key in ("halo", "curve", "peak", "radius", "radius_first", "matter"):
            held, n = sum(results[name][key]), arguments.cities
            print(
                f"{name}: {key} {held} of {n} (95 % of {n}: {binom.ppf([0.025, 0.975], n, 0.95)})", flush=True
            )
    results["date"] = date.today().isoformat()
    results["districts"] = arguments.districts
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(results) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
