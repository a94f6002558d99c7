"""Are own share, surroundings, their radius and the turning point recovered as often as they should be?

    python benchmarks/calibrate_surroundings.py [--cities 100] [--districts 300]
                                                [--output benchmarks/results/surroundings.json]

A simulated city keeps its people; its votes are drawn anew for each fit, in turn from

    with both:  eta = -1.2 - 0.0012 (x - 25)^2 + 0.03 z(1,000 m) + BYM2(0.3, 0.5)
    neither:    eta = -1.2 - 0.02 (x - 25) + BYM2(0.3, 0.5)

x the share of migrants (percent), z the halo between 200 and 1,000 m (percentage points). The fitted model,
``bs(migrant_share, df=4) + surroundings + higher_education + income``, holds both truths. Kept of each fit
are the 95 % intervals of the halo's coefficient, of the own share's difference and bend (`ENDS`) and of the
peak, with its probability, and the probabilities of all radii.

Each fit is written as it comes, and what is there already is kept: the same command goes on where it was
stopped. `calibrate_surroundings_page.py` makes table and figure of it.
"""

import argparse
import json
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit, softmax
from threadpoolctl import threadpool_limits

import spatialvote as sv
from spatialvote.analysis.effects.design import design_of
from spatialvote.analysis.radii import WITHOUT, Radii, credible
from spatialvote.data.aside import written_aside
from spatialvote.data.districts import Districts
from spatialvote.data.simulate_field import draw_scaled_icar
from spatialvote.models.laplace.evidence import log_evidence

RESULTS = Path(__file__).with_name("results") / "surroundings.json"
RADII = (500, 1_000, 2_500, 5_000)
TRUE_RADIUS, INNER = 1_000, 200
PEAK, BEND, SLOPE, LEVEL, HALO = 25.0, -0.0012, -0.02, -1.2, 0.03
SIGMA, RHO = 0.3, 0.5
#: Shares (percent): the difference is f(last) - f(first), the bend f(last) - 2 f(middle) + f(first).
ENDS = (15.0, 30.0, 45.0)
MODEL = sv.VoteShareModel(
    "national_list ~ bs(migrant_share, df=4) + surroundings + higher_education + income"
)


@dataclass(frozen=True)
class Truth:
    """What votes are drawn from."""

    bend: float
    slope: float
    halo: float

    def own(self, share: np.ndarray) -> np.ndarray:
        """Effect of the own share on the linear predictor."""
        return self.bend * (share - PEAK) ** 2 + self.slope * (share - PEAK)


TRUTHS = {"with both": Truth(BEND, 0.0, HALO), "neither": Truth(0.0, SLOPE, 0.0)}


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
    """Name of the halo's column."""
    return f"halo_{INNER}_{radius}m"


def one(truth: Truth, n: int, seed: int) -> dict[str, object]:
    """Draw votes, fit, and keep intervals and probabilities."""
    rng = np.random.default_rng(seed)
    districts = city(n)
    i, j, _ = districts.edges
    phi = draw_scaled_icar(rng, districts.n, i, j, draws=1)[0]
    space = SIGMA * (np.sqrt(1 - RHO) * rng.normal(size=districts.n) + np.sqrt(RHO) * phi)
    halo = districts.table[column(TRUE_RADIUS)].to_numpy()
    own = truth.own(districts.table["migrant_share"].to_numpy())
    votes = rng.binomial(districts.valid, expit(LEVEL + own + truth.halo * halo + space))
    voted = replace(districts, table=districts.table.assign(national_list=votes, diversity_list=0))
    fitted = replace(MODEL, formula=MODEL.formula.replace("surroundings", column(TRUE_RADIUS)))
    fit = fitted.fit(voted, engine="laplace", seed=seed, cores=1, progress=False)
    at = fit.coefficients.index(column(TRUE_RADIUS))
    beta = fit.draws("beta") / fit.constant("scale")
    row = voted.table.iloc[[0, 0, 0]].drop(columns=voted.table.geometry.name)
    first, middle, last = design_of(fit, voted).evaluate(row.assign(migrant_share=list(ENDS)))
    true = truth.own(np.array(ENDS))
    peak = sv.curve(fit, voted).peak
    radii = _radii(fit, voted, seed)
    return {
        "seed": seed,
        "halo": _told(beta[:, at], truth.halo),
        "difference": _told(beta @ (last - first), true[2] - true[0]),
        "bend": _told(beta @ (last - 2 * middle + first), true[2] - 2 * true[1] + true[0]),
        "peak": {"probability": peak.probability, "median": peak.median, "interval": peak.interval},
        "radii": radii.table["probability"].to_dict(),
        "matter": radii.matter,
        "plausible": radii.plausible,
        "k_hat": float(fit.record["laplace"]["k_hat"]),
    }


def _radii(fit: sv.Fit, voted: Districts, seed: int) -> Radii:
    """What `compare_radii` says of the radius, without its leave-one-out, which takes half of its time."""
    found = {f"{TRUE_RADIUS} m": log_evidence(fit)}
    for name, term in {WITHOUT: "", **{f"{r} m": column(r) for r in RADII if r != TRUE_RADIUS}}.items():
        formula = MODEL.formula.replace("surroundings + ", f"{term} + " if term else "")
        other = replace(MODEL, formula=formula)
        found[name] = log_evidence(other.fit(voted, engine="laplace", seed=seed, cores=1, progress=False))
    table = pd.DataFrame({"probability": softmax(list(found.values()))}, index=list(found))
    chosen = credible(table["probability"].to_numpy())
    return Radii(table.assign(plausible=np.isin(np.arange(len(table)), chosen)), MODEL.formula)


def _told(draws: np.ndarray, true: float) -> dict[str, float]:
    """Mean, sd and 95 % interval of draws, and the posterior probability of less than the truth."""
    low, high = np.quantile(draws, [0.025, 0.975])
    return {
        "true": float(true),
        "mean": float(draws.mean()),
        "sd": float(draws.std()),
        "low": float(low),
        "high": float(high),
        "below": float((draws < true).mean()),
    }


def main() -> None:
    """Draw, fit, keep; say how far it is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cities", type=int, default=100, help="sets of votes of each truth")
    parser.add_argument("--districts", type=int, default=300)
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    found = {"districts": arguments.districts, "fits": {name: [] for name in TRUTHS}}
    if arguments.output.exists():
        found = json.loads(arguments.output.read_text(encoding="utf-8"))
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    for number in range(arguments.cities):
        for name, truth in TRUTHS.items():
            seed = 1_000 + number
            if any(fit["seed"] == seed for fit in found["fits"][name]):
                continue
            with threadpool_limits(limits=1):
                found["fits"][name].append(one(truth, found["districts"], seed))
            with written_aside(arguments.output) as aside:
                aside.write_text(json.dumps(found) + "\n", encoding="utf-8")
        print(f"{number + 1} of {arguments.cities}", flush=True)


if __name__ == "__main__":
    main()
