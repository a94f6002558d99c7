"""The five Danish elections by either engine: seconds, quality of the draws, and what they say.

    OMP_NUM_THREADS=1 .venv/bin/python benchmarks/elections_denmark.py laplace
    OMP_NUM_THREADS=1 .venv/bin/python benchmarks/elections_denmark.py metropolis
    OMP_NUM_THREADS=1 .venv/bin/python benchmarks/elections_denmark.py laplace varying

needs the Danish table at ../shared/data. The first run after an edit compiles: run it twice for times.
"""

import sys
import time
from pathlib import Path

from spatialvote.analysis.elections_answers import effect_path, variance_parts
from spatialvote.analysis.elections_review import elections_review
from spatialvote.data.districts import About
from spatialvote.data.elections_read import read_elections
from spatialvote.models.elections.model import ElectionsModel

DATA = Path(__file__).resolve().parents[1] / ".." / "shared" / "data" / "dk_folketing_valgsted"


def main() -> None:
    """Fit, and print."""
    elections = read_elections(
        DATA / "dk_valgsted_joined.csv", id="valgsted_id", votes={"df": "df_{election}"},
        valid="valid_{election}", elections=(2001, 2005, 2007, 2011, 2015), migrants="nonwestern_per_10000",
        covariates=["higher_edu_25_64_pct"],
        units={"nonwestern_per_10000": "per ten thousand", "higher_edu_25_64_pct": "percent"},
        fractions="round", edges=DATA / "adjacency_valgsted_fuzzy60m.csv",
        about=About("Denmark, Folketing", "polling district", source="Den Danske Valgdatabase"),
    )  # fmt: skip
    model = ElectionsModel(
        "df ~ nonwestern_per_10000 + higher_edu_25_64_pct", varying="varying" in sys.argv[2:]
    )
    wall, cpu = time.perf_counter(), time.process_time()
    fit = model.fit(elections, sys.argv[1], seed=1)
    print(fit, f"{time.perf_counter() - wall:.0f} s, {time.process_time() - cpu:.0f} s of CPU")
    print(fit.record["drawn"], fit.record["timings"])
    for name in (*fit.hyperparameters, "effect", "beta"):
        draws = fit.draws(name)
        print(name, draws.mean(axis=0).round(4), draws.std(axis=0).round(4))
    path = effect_path(fit, elections, points=1)
    print(path.step, path.table().round(3).to_string(), path.change(), sep="\n")
    print({name: draws.mean().round(3) for name, draws in variance_parts(fit, elections).items()})
    for check in elections_review(fit, elections):
        print(check.name, round(check.value, 4), check.verdict)


if __name__ == "__main__":
    main()
