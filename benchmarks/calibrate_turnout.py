"""Calibration of turnout: truths drawn from the prior, registers drawn from the truths, ranks of the truths.

    python benchmarks/calibrate_turnout.py       make every fit that is missing, then write the page's table
    python benchmarks/calibrate_turnout.py 20    at most so many fits more

Simulation-based calibration (Talts et al. 2018): where the posterior is right, the rank of a truth among
draws is uniform. The electorate is that of a simulated register, small, so that most cells hold fewer than
ten persons; hyperparameters, curves and effects are drawn anew from the prior for each fit. Beside it,
registers of `simulate_register`, whose truth is not from the prior, are fitted, and pooled estimates
compared with raw rates.
"""

import json
import sys
import time
from datetime import date
from itertools import zip_longest
from pathlib import Path

import numpy as np
from scipy.special import expit
from scipy.stats import binomtest, chisquare

from spatialvote.analysis.many import run_many
from spatialvote.analysis.turnout_gaps import ELECTORATE, group_rates_by, standard_weights
from spatialvote.analysis.turnout_rates import rates
from spatialvote.analysis.turnout_votes import extra_votes
from spatialvote.data.turnout import TurnoutCells
from spatialvote.data.turnout_ages import AgeBand
from spatialvote.data.turnout_simulate import simulate_register
from spatialvote.models.turnout.fit import TurnoutFit
from spatialvote.models.turnout.model import TurnoutModel
from spatialvote.models.turnout.posterior import TurnoutPosterior

RESULTS = Path(__file__).parent / "results" / "turnout.json"
PAGE = Path(__file__).parents[1] / "docs" / "turnout.md"
BEGIN, END = "<!-- calibration -->", "<!-- end of calibration -->"
FITS, DRAWS, BINS, SEED = 200, 999, 10, 20260
CHUNK = 10  # fits after which results are kept
MODEL = TurnoutModel()
#: Cells by entitled persons: lowest and first beyond.
SIZES = {"0": (0, 1), "1-9": (1, 10), "10-99": (10, 100), "100 and more": (100, 10**9)}


def draw_truth(posterior: TurnoutPosterior, rng: np.random.Generator) -> tuple[dict[str, float], np.ndarray]:
    """Hyperparameters and the log-odds of every cell, from the prior."""
    values = posterior.values(rng.normal(size=len(posterior.hypers)))
    eta = np.full(posterior.voted.size, posterior.offset)
    for term in posterior.terms:
        noise = rng.normal(size=(term.copies, term.nodes)) * np.sqrt(term.variances(values))
        drawn = noise if term.vectors is None else noise @ term.vectors.T
        eta += drawn.ravel()[term.index]
    return values, eta + values["sigma_cell"] * rng.normal(size=eta.size)


def small_register() -> TurnoutCells:
    """Cells of four groups, eight bands of age and nine areas, most of fewer than ten persons."""
    cells = simulate_register(7, electorate=3000, areas=9).cells
    table = cells.table.assign(age=cells.index("age") // 2)
    table = table.groupby(list(cells.factors), as_index=False).sum()
    ages = tuple(
        AgeBand(f"{one.low}+", one.low, None) if other is one or other.high is None
        else AgeBand(f"{one.low}–{other.high}", one.low, other.high)
        for one, other in zip_longest(cells.ages[::2], cells.ages[1::2], fillvalue=cells.ages[-1])
    )  # fmt: skip
    levels = dict(cells.levels) | {"age": tuple(one.label for one in ages)}
    return TurnoutCells(table, levels, cells.groups, ages, cells.edges, cells.about)


def with_votes(cells: TurnoutCells, voted: np.ndarray) -> TurnoutCells:
    return TurnoutCells(
        cells.table.assign(voted=voted), cells.levels, cells.groups, cells.ages, cells.edges, cells.about
    )


def quantities(fit: TurnoutFit, p: np.ndarray, chosen: dict[str, int]) -> dict[str, tuple[float, np.ndarray]]:
    """Truth and draws of everything that is judged; `p` are the true probabilities of the cells."""
    cells = fit.cells
    found = {f"cell of {name}": (p[at], fit.probability[:, at]) for name, at in chosen.items()}
    whole = rates(fit, ("group",))
    draws, _, entitled = group_rates_by(fit, ("age",), np.random.default_rng(0))
    _, weights = standard_weights(fit, ELECTORATE, ("age",), entitled)
    group, age, n = cells.index("group"), cells.index("age"), cells.entitled
    shape = draws.shape[1:]
    key = group * shape[1] + age
    # As the estimate is defined: an age without persons counts its cells alike.
    weight = np.where(np.bincount(key, n, np.prod(shape))[key] > 0, n, 1.0)
    true_rate = (np.bincount(key, weight * p) / np.bincount(key, weight)).reshape(shape)
    true_whole = np.bincount(group, n * p) / np.bincount(group, n)
    for g in range(1, shape[0]):
        label = cells.levels["group"][g]
        gap = whole.draws[:, g] - whole.draws[:, 0]
        standard = (draws[:, g] - draws[:, 0]) @ weights
        true_standard = float((true_rate[g] - true_rate[0]) @ weights)
        found[f"gap {label}"] = (true_whole[g] - true_whole[0], gap)
        found[f"standardised gap {label}"] = (true_standard, standard)
        found[f"part of age {label}"] = (true_whole[g] - true_whole[0] - true_standard, gap - standard)
    last = cells.levels["group"][-1]
    extra = extra_votes(fit, last, cells.levels["group"][0]).draws
    found["votes more"] = (float((true_rate[0] - true_rate[-1]) @ entitled[-1]), extra)
    return found


def one_fit(number: int) -> dict:
    """One register drawn from the prior, fitted; ranks of all truths among the draws."""
    rng = np.random.default_rng([SEED, number])
    base = small_register()
    # The prior's mean must not depend on the votes that are drawn: votes of half the entitled centre it at 0.
    posterior = TurnoutPosterior.of(MODEL, with_votes(base, base.entitled / 2))
    values, eta = draw_truth(posterior, rng)
    p = expit(eta)
    cells = with_votes(base, rng.binomial(base.entitled.astype(int), p))
    chosen = {}
    for name, (low, beyond) in SIZES.items():
        there = np.flatnonzero((cells.entitled >= low) & (cells.entitled < beyond))
        if there.size:
            chosen[name] = int(rng.choice(there))
    fit = MODEL.fit(cells, seed=number, draws=DRAWS)
    found = quantities(fit, p, chosen) | {name: (values[name], fit.draws(name)) for name in values}
    return {
        "ranks": {name: int((draws < truth).sum()) for name, (truth, draws) in found.items()},
        "k_hat": fit.record["approximation"]["k_hat"],
        "sd_log_ratio": fit.record["approximation"]["sd_log_ratio"],
    }


def one_register(number: int) -> dict:
    """One simulated register: squared errors of raw and pooled rates by size of cell, and coverage."""
    register = simulate_register(number, electorate=20_000, areas=9)
    fit = MODEL.fit(register.cells, seed=number, draws=DRAWS)
    n, y, p = register.cells.entitled, register.cells.voted, register.probability
    pooled = fit.probability
    low, high = np.quantile(pooled, [0.025, 0.975], axis=0)
    found = {}
    for name, (least, beyond) in SIZES.items():
        at = (n >= least) & (n < beyond)
        if not at.any():
            continue
        raw = float(((y[at] / n[at] - p[at]) ** 2).mean()) if least else None
        found[name] = {
            "cells": int(at.sum()),
            "raw": raw,
            "pooled": float(((pooled[:, at].mean(axis=0) - p[at]) ** 2).mean()),
            "covered": float(((low[at] <= p[at]) & (p[at] <= high[at])).mean()),
        }
    return found


def summary(fits: list[dict]) -> dict[str, dict]:
    """Of each quantity: chi-squared of the ranks in ten bins, coverage of 50 and 90 % intervals."""
    table = {}
    for name in dict.fromkeys(name for fit in fits for name in fit["ranks"]):
        ranks = np.array([fit["ranks"][name] for fit in fits if name in fit["ranks"]])
        u = (ranks + 0.5) / (DRAWS + 1)
        counts = np.histogram(u, BINS, (0, 1))[0]
        inside = {level: int((np.abs(u - 0.5) < level / 2).sum()) for level in (0.5, 0.9)}
        table[name] = {
            "fits": len(ranks),
            "p_uniform": float(chisquare(counts).pvalue),
            "covered_50": inside[0.5] / len(ranks),
            "covered_90": inside[0.9] / len(ranks),
            "p_covered_90": float(binomtest(inside[0.9], len(ranks), 0.9).pvalue),
            "mean_rank": float(u.mean()),
        }
    return table


def page_text(kept: dict) -> str:
    """The table of docs/turnout.md, and the sentence on hyperparameters below it."""
    found = summary(kept["fits"])
    lines = ["| quantity | p | inside 50 % | inside 90 % |", "|---|---|---|---|"]
    lines += [
        f"| {name} | {row['p_uniform']:.2f} | {row['covered_50']:.3f} | {row['covered_90']:.3f} |"
        for name, row in found.items()
    ]
    hyper = [row["covered_90"] for name, row in found.items() if name == "rho" or name.startswith("sigma_")]
    fits = len(kept["fits"])
    error = np.sqrt(0.9 * 0.1 / fits)
    lines += [
        "",
        f"With {fits} fits the Monte Carlo standard error of the last column is {error:.3f}. 90 % intervals",
        f"of the standard deviations and of ρ hold the truth in {100 * min(hyper):.0f} to "
        f"{100 * max(hyper):.0f} % of the fits, {100 * np.mean(hyper):.1f} % on average.",
        f"Pareto k was at most {max(one['k_hat'] for one in kept['fits']):.2f}.",
        f"Written by `python benchmarks/calibrate_turnout.py` on {date.today().isoformat()}.",
    ]
    return "\n".join(lines)


def write_page(kept: dict) -> None:
    """Put the table between the marks of the page."""
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n{page_text(kept)}\n{END}{after}", encoding="utf-8")


def main() -> None:
    most = int(sys.argv[1]) if len(sys.argv) > 1 else 10**6
    kept = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {"fits": [], "registers": []}
    started = time.time()
    for name, make, wanted in (("fits", one_fit, FITS), ("registers", one_register, 20)):
        while (done := len(kept[name])) < wanted and most > 0:
            numbers = range(done, min(wanted, done + CHUNK, done + most))
            kept[name] += run_many(make, numbers)
            most -= len(numbers)
            print(f"{name}: {len(kept[name])} of {wanted} ({time.time() - started:.0f} s)", flush=True)
            RESULTS.write_text(json.dumps(kept) + "\n")
    if len(kept["fits"]) == FITS:
        write_page(kept)
    print(page_text(kept))


if __name__ == "__main__":
    main()
