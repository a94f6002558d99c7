"""Are the tests of the residuals' spatial pattern valid, and what do they find?

    python benchmarks/calibrate_space.py [--fits 200] [--cases "bym2" ...] [--add] [--page] [--output docs]

Data sets are drawn from the prior and the model, as in `calibrate_cases.py`, on the same map of 100
districts, and fitted by the Laplace engine; or, to see what is found, from a BYM2 field of given sigma and
rho, and fitted without it. Each fit is reviewed by the checks of space alone, and their p-values are kept in
benchmarks/results/calibration_space.json, from which docs/calibration-space.md and its figure are made, at
the end or, with --page, without a fit.
"""

import argparse
import json
import multiprocessing
import os
import time
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any
from zlib import crc32

import calibrate_space_page
import numpy as np
from calibrate import machine, save
from calibrate_cases import SEED, lattice
from numpy.linalg import LinAlgError

from spatialvote.analysis.checks import space_after, space_local, space_variogram
from spatialvote.analysis.checks.case import Case
from spatialvote.data.districts import Districts
from spatialvote.data.errors import SpatialvoteError
from spatialvote.models.draw_field import draw_structure
from spatialvote.models.fit_groups import draw_prior
from spatialvote.models.posterior import Posterior
from spatialvote.models.priors import Priors
from spatialvote.models.vote_share import VoteShareModel

RESULTS = Path(__file__).with_name("results") / "calibration_space.json"
DRAWS = 400
_PAUSE = 15.0


@dataclass(frozen=True)
class Planted:
    """A model that data come from and one that is fitted to them.

    Attributes
    ----------
    name
        For the command line, the results and the page.
    truth, fitted
        Structures.
    sigma, rho
        Of the truth; from the prior where None.
    """

    name: str
    truth: str
    fitted: str
    sigma: float | None = None
    rho: float | None = None

    def model(self, structure: str) -> VoteShareModel:
        """The specification, as for the calibration of posteriors."""
        return VoteShareModel("party ~ x + z", structure=structure, priors=Priors(intercept_mean=-1.0))


CASES = (
    Planted("bym2", "bym2", "bym2"),
    Planted("iid", "iid", "iid"),
    Planted("leroux", "leroux", "leroux"),
    Planted("none", "none", "none"),
    Planted("bym2 (rho 0.9), fitted as iid", "bym2", "iid", 0.4, 0.9),
    Planted("bym2 (rho 0.5), fitted as iid", "bym2", "iid", 0.4, 0.5),
    Planted("bym2 (rho 0.9), fitted as none", "bym2", "none", 0.4, 0.9),
)


def draw_votes(posterior: Posterior, case: Planted, rng: np.random.Generator) -> np.ndarray:
    """Votes from the prior and the model, or from a given field; anew where there are none, or all."""
    while True:
        truth = {name: values[0] for name, values in draw_prior(posterior, 1, rng).items()}
        eta = truth["eta"]
        if case.sigma is not None:
            field = draw_structure(posterior.field, np.array([case.sigma]), np.array([case.rho]), rng)[0]
            # Coefficients of a size that leaves the field to be seen.
            eta = -1.0 + 0.3 * posterior.design[:, 1] + field
        votes = rng.binomial(posterior.size.astype(np.int64), 1 / (1 + np.exp(-eta)))
        if votes.any() and (votes < posterior.size).any():
            return votes


def one_fit(name: str, number: int) -> dict[str, float] | None:
    """p-values of one fit; None where the engine refuses or finds no approximation."""
    case = next(one for one in CASES if one.name == name)
    rng = np.random.default_rng([SEED, crc32(name.encode()), number])
    districts = lattice(1000.0)
    votes = draw_votes(case.model(case.truth).posterior(districts)[0], case, rng)
    districts = replace(districts, table=districts.table.assign(votes=votes))
    began = time.perf_counter()
    try:
        fit = case.model(case.fitted).fit(
            districts, engine="laplace", seed=number, draws=DRAWS, progress=False
        )
    except (ArithmeticError, LinAlgError, SpatialvoteError) as error:
        print(f"{name}, fit {number}: {error}", flush=True)
        return None
    took = time.perf_counter() - began
    return p_values(fit, districts, rng) | {"seconds": took, "k_hat": float(fit.record["laplace"]["k_hat"])}


def p_values(fit: Any, districts: Districts, rng: np.random.Generator) -> dict[str, float]:
    """What the checks of space found: of all draws together, and of one draw alone."""
    case = Case.of(fit, districts, rng)
    found = {one.name: one for one in space_after.run(case)}
    values = {}
    for key, sign in (("moran", 1), ("geary", -1)):
        details = found[f"{key}_residual"].details
        reference = sign * np.array(details["reference"])
        values[key] = found[f"{key}_residual"].value
        values[f"{key}_one"] = float(np.mean(reference >= sign * rng.choice(details["observed"])))
    values["getis_ord"] = found["getis_ord_predictive"].value
    values["local"] = {one.name: one for one in space_local.run(case)}["local_residual"].value
    values["variogram"] = space_variogram.run(case)[0].value
    return values


def calibrate(fits: int, names: list[str], path: Path, add: bool, cores: int) -> None:
    """Run the fits; those of the same case in the file are added to, or else replaced."""
    held = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"cases": {}}
    blocks = held["cases"]
    for name in names:
        if not add or name not in blocks:
            blocks[name] = {"fits": [], "failed": 0, "values": {}}
    held |= {"date": date.today().isoformat(), "machine": machine()}
    # All cases in step, so that a run that is stopped has about the same part of each.
    todo = [(name, n) for n in range(fits) for name in names if n not in blocks[name]["fits"]]
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"
    pool = ProcessPoolExecutor(cores, mp_context=multiprocessing.get_context("spawn"))
    futures: dict[Future, tuple[str, int]] = {pool.submit(one_fit, *task): task for task in todo}
    saved = time.perf_counter()
    try:
        for count, future in enumerate(as_completed(futures), start=1):
            name, number = futures[future]
            found = future.result()
            if found is None:
                blocks[name]["failed"] += 1
            else:
                blocks[name]["fits"].append(number)
                for key, value in found.items():
                    blocks[name]["values"].setdefault(key, []).append(round(value, 4))
            if time.perf_counter() - saved > _PAUSE:
                saved = time.perf_counter()
                save(held, path)
                print(f"{count} of {len(todo)} fits", flush=True)
    finally:
        pool.shutdown(cancel_futures=True)
        save(held, path)


def main() -> None:
    """Calibrate the cases asked for and write figure and page."""
    names = [case.name for case in CASES]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fits", type=int, default=200, help="fits of each case")
    parser.add_argument("--cases", nargs="+", choices=names, default=names, metavar="CASE")
    parser.add_argument("--cores", type=int, default=None, help="processes; by default one a core")
    parser.add_argument("--add", action="store_true", help="keep the fits done before")
    parser.add_argument("--page", action="store_true", help="write the page from fits done before")
    parser.add_argument("--output", type=Path, default=Path("docs"), help="folder of the page and figure")
    parser.add_argument("--results", type=Path, default=RESULTS, help="file of the p-values")
    arguments = parser.parse_args()
    if not arguments.page:
        calibrate(arguments.fits, arguments.cases, arguments.results, arguments.add, arguments.cores)
    results = json.loads(arguments.results.read_text(encoding="utf-8"))
    calibrate_space_page.write(results, names, arguments.output)


if __name__ == "__main__":
    main()
