"""Where the time of the sampler's gradient goes: microseconds of the whole and of its parts, on one thread.

    python benchmarks/gradient.py [400 3000]

Each part is run in a compiled loop, so that nothing but the part is timed; CPU time, the least of several
runs. The field's part holds the factorisation and the solve (of eta and the columns of X together).
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
from maps import map_named
from measure import PRIORS
from numba import njit

from spatialvote.models.centring import centre, centred_log_posterior, pull_back, to_eta
from spatialvote.models.cholesky import factorise, solve_in_place
from spatialvote.models.density import add_likelihood, field_part
from spatialvote.models.vote_share import VoteShareModel

RUNS = 9
#: Seconds of one run, about.
_SECONDS = 0.02


@njit
def _whole(times, point, model, c):
    total = 0.0
    for _ in range(times):
        total += centred_log_posterior(point, model, c)[0]
    return total


@njit
def _coordinates(times, z, sigma, part, c, eta, scale, along, slope):
    for _ in range(times):
        to_eta(z, sigma, 0.0, part, c, eta, scale, along, slope)


@njit
def _back(times, by_eta, z, sigma, part, c, scale, along, slope, by_part):
    for _ in range(times):
        pull_back(by_eta.copy(), z, sigma, 0.0, part, c, scale, along, slope, by_part)


@njit
def _field(times, eta, sd, sigma, rho, model):
    total = 0.0
    for _ in range(times):
        total += field_part(eta, sd, sigma, rho, model)[0]
    return total


@njit
def _factor(times, k, pattern):
    total = 0.0
    for _ in range(times):
        total += factorise(k, pattern)[0]
    return total


@njit
def _solve(times, factor, pattern, columns):
    for _ in range(times):
        solve_in_place(factor, pattern, columns)


@njit
def _likelihood(times, family, eta, votes, size, gradient):
    for _ in range(times):
        add_likelihood(family, eta, votes, size, 0.0, gradient)


def microseconds(part: Callable, *arguments: object) -> float:
    """The least CPU time of one call over several runs."""
    part(1, *arguments)
    count, least = 10, np.inf
    for _ in range(RUNS):
        start = time.process_time()
        part(count, *arguments)
        each = (time.process_time() - start) / count
        least, count = min(least, each), max(10, int(_SECONDS / max(each, 1e-7)))
    return 1e6 * least


def main() -> None:
    """Time the parts on simulated maps."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sizes", nargs="*", type=int, default=[400, 3_000], help="districts")
    for n in parser.parse_args().sizes:
        districts, formula = map_named(str(n))
        posterior, _ = VoteShareModel(formula, priors=PRIORS).posterior(districts)
        centring, model, rng = centre(posterior), posterior.arrays, np.random.default_rng(1)
        c, sigma, rho = centring.arrays, 0.4, 0.65
        point = np.r_[np.log(sigma), np.log(rho / (1 - rho)), rng.standard_normal(n)]
        point[:2] = centring.free(point[:2])
        z, eta = point[2:].copy(), centring.eta(point[None])[0]
        part = np.array([sigma**2 * (1 - rho), sigma**2 * rho])
        scale, along, slope = np.empty(n), np.empty(len(c.basis)), np.empty(n)
        p = posterior.design.shape[1]
        k = rho / (1 - rho)
        family = int(model.switches[1])
        times = {
            "whole gradient": microseconds(_whole, point, model, c),
            "coordinates to eta": microseconds(
                _coordinates, z, sigma, part, c, np.empty(n), scale, along, slope
            ),
            "gradient back": microseconds(
                _back, rng.standard_normal(n), z, sigma, part, c, scale, along, slope, np.empty(2)
            ),
            "likelihood": microseconds(_likelihood, family, eta, model.votes, model.size, np.zeros(n)),
            "field": microseconds(_field, eta, posterior.prior_sd, sigma, rho, model),
            "  factor": microseconds(_factor, k, model.pattern),
            "  solve": microseconds(
                _solve, factorise(k, model.pattern), model.pattern, rng.standard_normal((n, p + 1))
            ),
        }
        print(f"{n:,} districts, {p} columns:")
        for name, value in times.items():
            print(f"  {name:20s} {value:9.1f} microseconds", flush=True)


if __name__ == "__main__":
    main()
