"""The binomial BYM2 by TMB, run in R on the same data; files in a temporary folder carry both ways.

TMB's Laplace approximation is over all random effects jointly. Needs R with the packages TMB and Matrix
(Debian: r-base-core, r-cran-tmb, r-cran-matrix) and a C++ compiler; the package itself needs none of these.
"""

import shutil
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from scipy.sparse import triu
from scipy.special import expit

from spatialvote.data.districts import Districts
from spatialvote.models.vote_share import VoteShareModel

_SOURCE = Path(__file__).with_name("tmb")


def available() -> bool:
    """Whether R has what the peer needs."""
    if shutil.which("Rscript") is None:
        return False
    asked = "quit(status = !all(c('TMB', 'Matrix') %in% rownames(installed.packages())))"
    return subprocess.run(["Rscript", "-e", asked], capture_output=True).returncode == 0


def compile_template(folder: Path) -> float:
    """Compile the template into ``folder``; the seconds that it took."""
    shutil.copy(_SOURCE / "bym2.cpp", folder)
    start = time.perf_counter()
    _run(["Rscript", "-e", "TMB::compile('bym2.cpp', flags = '-O2')"], folder)
    return time.perf_counter() - start


def measure_tmb(
    model: VoteShareModel, districts: Districts, compiled: Path, repeats: int
) -> tuple[list[dict[str, float]], dict[str, str]]:
    """Fit and draw 1,000 times; the figures of every repeat, and the versions.

    The clock starts with the data in R's memory. Means and standard deviations of sigma and rho are those of
    TMB's normal approximation on the scales log and logit, taken back by quadrature.
    """
    posterior, _ = model.posterior(districts)
    with TemporaryDirectory() as name:
        folder = Path(name)
        table = pd.DataFrame({"votes": posterior.votes, "size": posterior.size})
        columns = [f"x{q}" for q in range(posterior.design.shape[1])]
        table = pd.concat([table, pd.DataFrame(posterior.design, columns=columns)], axis=1)
        table.to_csv(folder / "districts.csv", index=False)
        upper = triu(posterior.field.graph.matrix).tocoo()
        links = pd.DataFrame({"i": upper.row + 1, "j": upper.col + 1, "value": upper.data})
        links.to_csv(folder / "links.csv", index=False)
        rate = posterior.priors.sigma.code()[1]
        priors = pd.DataFrame({"mean": posterior.prior_mean, "sd": posterior.prior_sd, "rate": rate})
        priors.to_csv(folder / "priors.csv", index=False)
        _run(["Rscript", str(_SOURCE / "bym2.R"), str(compiled), name, str(repeats)], folder)
        result = pd.read_csv(folder / "result.csv", names=["turn", "name", "value"], dtype=str)
    about = result[result["turn"] == "about"].set_index("name")["value"].to_dict()
    measured = result[result["turn"] != "about"].astype({"value": float})
    turns = [one.set_index("name")["value"].to_dict() for _, one in measured.groupby("turn")]
    return [_figures(one) for one in turns], about


def _figures(raw: dict[str, float]) -> dict[str, float]:
    """The figures of one repeat under the names that every engine uses."""
    # 60 nodes integrate a function of a normal variable this smooth to machine precision.
    node, weight = np.polynomial.hermite_e.hermegauss(60)
    weight = weight / weight.sum()
    figures = {
        "wall": raw["wall"],
        "cpu": raw["cpu"],
        "resident": raw["resident_kb"] * 1024,
        "peak": raw["peak_kb"] * 1024,
        "converged": bool(raw["converged"]),
        "slope": [raw["slope_mean"], raw["slope_sd"]],
    }
    for parameter, scale, back in (("sigma", "log_sigma", np.exp), ("rho", "logit_rho", expit)):
        value = back(raw[f"{scale}_mean"] + raw[f"{scale}_sd"] * node)
        mean = float(weight @ value)
        figures[parameter] = [mean, float(np.sqrt(weight @ (value - mean) ** 2))]
    return figures


def _run(command: list[str], folder: Path) -> None:
    """Run R, and pass on what it said where it failed."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:2])} failed:\n{done.stdout}\n{done.stderr}")
