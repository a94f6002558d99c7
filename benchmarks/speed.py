"""Effective draws per second: the textbook PyMC BYM2 and ours, both sampled by nutpie, in one run.

    python benchmarks/speed.py [--draws 1500] [--output docs/speed.md]

Measured on the simulated city and, where the tables of real elections lie beside the project, on the Dutch
municipalities of 2023. Compile time is kept apart; the figure compared is the minimum bulk effective sample
size over beta, sigma and rho, divided by the seconds of sampling (warm-up included).
"""

import argparse
import os
import platform
import time
from collections.abc import Iterator
from datetime import date
from importlib.metadata import version
from pathlib import Path

import arviz as az
import numpy as np
import nutpie
from textbook import textbook_bym2

from spatialvote.data.districts import About, Districts
from spatialvote.data.read import read_districts
from spatialvote.data.simulate import simulate_city
from spatialvote.models.nuts import NutsSettings, sample
from spatialvote.models.priors import BetaRho, Priors
from spatialvote.models.recover import recover
from spatialvote.models.vote_share import VoteShareModel

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
PRIORS = Priors(rho=BetaRho(1.0, 1.0))
SEED = 2026


INTRODUCTION = """\
Written by `make benchmark`. The textbook BYM2 (theta and phi sampled, as in the PyMC gallery and the Stan
case study) beside this package's form (eta sampled, phi and the coefficients integrated out), both by
nutpie's NUTS with 4 chains x {draws} draws after {tune}, the same priors, in one run. The effective sample
size is the minimum over beta, sigma and rho; sampling includes warm-up; preparing is what comes before:
compiling the PyMC model, or factorising the graph. Each side tunes for its default acceptance probability."""


def cases() -> Iterator[tuple[str, Districts, VoteShareModel]]:
    """Name, districts and model of each comparison."""
    city = simulate_city()
    formula = "national_list ~ migrant_share + higher_education + income"
    yield "simulated city", city.districts, VoteShareModel(formula, priors=PRIORS)
    folder = SHARED / "nl_tk2023_gemeente"
    if not folder.is_dir():
        print("The Dutch table is not at hand: only the simulated city is measured.")
        return
    covariates = ("pct_migration_background_2021", "edu_appl_sci", "income_high")
    districts = read_districts(
        folder / "nl_tk2023_gemeente_joined.csv",
        id="gm",
        votes={"pvv": "pvv"},
        valid="valid",
        covariates=covariates,
        edges=folder / "adjacency_queen.csv",
        about=About("Netherlands, House of Representatives", "municipality", 2023),
    )
    yield (
        "Dutch municipalities, PVV 2023",
        districts,
        VoteShareModel(f"pvv ~ {' + '.join(covariates)}", priors=PRIORS),
    )


def measure_ours(model: VoteShareModel, districts: Districts, draws: int) -> dict[str, float]:
    """Prepare, sample, and draw the coefficients; all but the preparation counts as sampling."""
    rng = np.random.default_rng(SEED)
    start = time.perf_counter()
    posterior, _ = model.posterior(districts)
    density = posterior.function()
    density(np.zeros(posterior.n_dim))
    prepared = time.perf_counter()
    sampled, statistics = sample(posterior, NutsSettings(draws=draws), rng)
    shape = sampled["sigma"].shape
    coefficients, _ = recover(
        posterior,
        sampled["sigma"].ravel(),
        sampled["rho"].ravel(),
        sampled["eta"].reshape(-1, districts.n),
        rng,
    )
    seconds = time.perf_counter() - prepared
    scalars = [
        sampled["sigma"],
        sampled["rho"],
        *np.moveaxis(coefficients.reshape(*shape, -1)[..., 1:], -1, 0),
    ]
    return summarise(prepared - start, seconds, scalars, statistics)


def measure_textbook(model: VoteShareModel, districts: Districts, draws: int) -> dict[str, float]:
    """Compile and sample the textbook form with the same number of draws, chains and cores."""
    start = time.perf_counter()
    compiled = nutpie.compile_pymc_model(textbook_bym2(model, districts))
    prepared = time.perf_counter()
    settings = NutsSettings(draws=draws)
    tree = nutpie.sample(
        compiled, draws=draws, tune=settings.tune, chains=settings.chains, seed=SEED, progress_bar=False
    )
    seconds = time.perf_counter() - prepared
    posterior = tree["posterior"]
    beta = np.moveaxis(posterior["beta"].to_numpy(), -1, 0)
    scalars = [posterior["sigma"].to_numpy(), posterior["rho"].to_numpy(), *beta]
    return summarise(prepared - start, seconds, scalars, tree["sample_stats"])


def summarise(preparing: float, sampling: float, scalars: list[np.ndarray], statistics) -> dict[str, float]:
    """The figures that are compared."""
    effective = min(float(az.ess(one)) for one in scalars)
    return {
        "preparing": preparing,
        "sampling": sampling,
        "effective": effective,
        "per_second": effective / sampling,
        "r_hat": max(float(az.rhat(one)) for one in scalars),
        "divergent": int(statistics["diverging"].sum()),
        "steps": float(statistics["n_steps"].mean()),
    }


def main() -> None:
    """Measure all cases and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=1500, help="draws of each of the four chains")
    parser.add_argument("--output", type=Path, default=Path("docs/speed.md"))
    arguments = parser.parse_args()
    rows, ratios = [], []
    for name, districts, model in cases():
        # The first call loads compiled code from disk; it belongs to neither side.
        measure_ours(model, districts, 50)
        measured = {
            "textbook PyMC": measure_textbook(model, districts, arguments.draws),
            "spatialvote": measure_ours(model, districts, arguments.draws),
        }
        for form, one in measured.items():
            rows.append(
                f"| {name} | {districts.n} | {form} | {one['preparing']:.1f} | {one['sampling']:.1f} | "
                f"{one['effective']:.0f} | {one['per_second']:.2f} | {one['r_hat']:.3f} | "
                f"{one['divergent']} | {one['steps']:.0f} |"
            )
            print(rows[-1], flush=True)
        ratio = measured["spatialvote"]["per_second"] / measured["textbook PyMC"]["per_second"]
        ratios.append(f"{name}: {ratio:.0f} times")
    arguments.output.write_text(page(rows, ratios, arguments.draws), encoding="utf-8")
    print("; ".join(ratios), f"-> {arguments.output}")


def page(rows: list[str], ratios: list[str], draws: int) -> str:
    """The page of the documentation."""
    columns = "districts of|n|form|preparing s|sampling s|min. bulk ESS|ESS / s|R-hat|divergent|steps"
    machine = f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}"
    libraries = ", ".join(f"{one} {version(one)}" for one in ("pymc", "nutpie", "numba"))
    return "\n".join(
        [
            "# Speed",
            "",
            *INTRODUCTION.format(draws=draws, tune=NutsSettings().tune).splitlines(),
            "",
            f"{date.today().isoformat()}, {machine}, {libraries}.",
            "",
            f"| {columns.replace('|', ' | ')} |",
            "|---" * 10 + "|",
            *rows,
            "",
            f"Effective draws per second, ours over the textbook's: {'; '.join(ratios)}.",
            "",
        ]
    )


if __name__ == "__main__":
    main()
