"""Agreement with lme4 where there is no space: the Danish elections with independent effects alone.

    .venv/bin/python benchmarks/elections_lme4.py

needs R with lme4 and the Danish table at ../shared/data. The same model in both: an intercept and a slope of
the non-Western share for each election, higher education, an independent effect of each polling district and
of each district-election. Of BYM2 the structured part is held at a thousandth of the variance by the prior of
rho.
"""

import subprocess
import tempfile
from pathlib import Path

import pandas as pd

from spatialvote.data.elections_read import read_elections
from spatialvote.models.elections.model import ElectionsModel
from spatialvote.models.elections.posterior import bind_elections
from spatialvote.models.elections.priors import ElectionsPriors
from spatialvote.models.priors import BetaRho

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / ".." / "shared" / "data" / "dk_folketing_valgsted"
MODEL = ElectionsModel(
    "df ~ nonwestern_per_10000 + higher_edu_25_64_pct",
    path="free",
    interaction="independent",
    priors=ElectionsPriors(rho=BetaRho(50.0, 50_000.0)),
)


def main() -> None:
    """Fit by both and print them below each other."""
    elections = read_elections(
        DATA / "dk_valgsted_joined.csv", id="valgsted_id", votes={"df": "df_{election}"},
        valid="valid_{election}", elections=(2001, 2005, 2007, 2011, 2015), migrants="nonwestern_per_10000",
        covariates=["higher_edu_25_64_pct"], units={"nonwestern_per_10000": "per ten thousand"},
        fractions="round", edges=DATA / "adjacency_valgsted_fuzzy60m.csv",
    )  # fmt: skip
    bound = bind_elections(MODEL, elections)
    rows = pd.DataFrame(
        {
            "votes": bound.posterior.votes,
            "valid": bound.posterior.size,
            "election": elections.election,
            "district": elections.district,
            "z": bound.column,
            "w": bound.posterior.design[:, 5],
        }
    )
    fit = MODEL.fit(elections, seed=1)
    print(fit, fit.record["drawn"], fit.record["timings"])
    for name in ("intercept", "effect", "beta", "sigma", "sigma_own"):
        draws = fit.draws(name)
        print(name, draws.mean(axis=0).round(4), draws.std(axis=0).round(4), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "rows.csv"
        rows.to_csv(table, index=False)
        script = Path(__file__).with_suffix(".R")
        told = subprocess.run(
            ["Rscript", str(script), str(table)], check=True, capture_output=True, text=True
        )
    print(told.stdout)


if __name__ == "__main__":
    main()
