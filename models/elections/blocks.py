r"""The exact engine of elections: Metropolis-Hastings with everything proposed at once.

A proposal is a point of the hyperparameters, drawn from a mixture q that the fast engine's draws have made,
and given it all terms z and coefficients b at once from their Gaussian approximation (block updating;
Knorr-Held and Rue 2002). It does not depend on where the chain is, so it is accepted with probability
min(1, w' / w),

    w = p(theta, z, b | y) / [q(theta) p~(z, b | theta)],

where the e are integrated out row by row to quadrature's accuracy: chains converge to the posterior itself,
not to its approximation, and R-hat and effective sample size over chains tell how well (Tierney 1994:
uniformly ergodic where w is bounded, for which q is wider than those draws and keeps a part of the prior).
eta is drawn exactly given the rest. All proposals are made in parallel, and chains then walk through their
own.

Gradient sampling (`spatialvote.models.latent.exact`) is exact too; with thousands of district-elections it
takes dozens of factorisations a draw where this takes a handful.

References
----------
Knorr-Held, L., Rue, H. (2002). On block updating in Markov random field models for disease mapping.
Scandinavian Journal of Statistics 29.
Tierney, L. (1994). Markov chains for exploring posterior distributions. Annals of Statistics 22.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from spatialvote.models.elections.points import draw_points
from spatialvote.models.laplace.outer import find_mode, look_around
from spatialvote.models.laplace.proposals import Mixture, Vague, propose
from spatialvote.models.latent.fast import Drawn, fill_point, refresh
from spatialvote.models.latent.posterior import LatentPosterior
from spatialvote.models.latent.target import LatentTarget

#: Draws of the fast engine from which the mixture is made.
_PILOT = 1000
#: How much wider than their density the kernels around them are.
_WIDER = 1.4


def draw_blocks(
    posterior: LatentPosterior,
    *,
    draws: int,
    tune: int,
    chains: int,
    cores: int | None,
    rng: np.random.Generator,
) -> Drawn:
    """Chains of draws of a posterior.

    Parameters
    ----------
    posterior
        The model for some rows.
    draws, tune
        Draws to keep of each chain, after so many that are not kept.
    chains, cores
        How many chains, and threads; None: as many as the machine has cores.
    rng
        Source of randomness.

    Returns
    -------
    Drawn
        Draws of all chains, chain after chain; ``report`` has the rate of acceptance and the longest stay.

    Raises
    ------
    ArithmeticError
        Where no Gaussian approximation exists near the start.
    """
    pilot = draw_points(posterior, _PILOT, rng, cores)
    target = LatentTarget(posterior)
    mode = find_mode(target, pilot.theta.mean(axis=0))
    around = look_around(target, mode, lambda function, items: list(map(function, items)))
    equal = np.full(_PILOT, 1 / _PILOT)
    proposal = Mixture.around(pilot.theta, equal, Vague.of(posterior, rng))
    proposal = replace(proposal, root=_WIDER * proposal.root)
    length = tune + draws
    total = chains * length
    # Sobol points come in powers of two; in random order each chain has its share of every region.
    theta = propose(proposal, 2 ** int(np.ceil(np.log2(total))), rng)
    theta = theta[rng.permutation(len(theta))[:total]]
    layout, rows = posterior.layout, len(posterior.votes)
    made = Drawn(
        theta,
        np.zeros((total, len(posterior.prior_mean))),
        np.zeros((total, layout.pattern[4].size), dtype=np.float32),
        np.zeros((total, rows), dtype=np.float32),
        log_point=np.full(total, -np.inf),
        log_ratio=np.zeros(total),
        point=np.arange(total),
    )
    sums = np.ones((total, layout.base_start.size))
    sources = rng.spawn(total)

    def one(q: int) -> None:
        fill_point(target, theta[q], around.start(theta[q]), q, np.array([q]), sources[q], made, sums)

    with ThreadPoolExecutor(cores or os.cpu_count()) as pool:
        list(pool.map(one, range(total)))
    log_weight = made.log_point + made.log_ratio - proposal.log_density(theta)
    kept, accepted, longest = _walk(log_weight.reshape(chains, length), tune, rng)
    at = (kept + length * np.arange(chains)[:, None]).ravel()
    arrays = {name: getattr(made, name)[at] for name in ("theta", "b", "z", "eta")}
    moved = refresh(posterior, arrays["theta"], sums[at], rng)
    report = {"accepted": accepted, "longest_stay": longest, "refreshed": moved, "pilot": pilot.report}
    return Drawn(**arrays, report=report)


def _walk(log_weight: np.ndarray, tune: int, rng: np.random.Generator) -> tuple[np.ndarray, float, int]:
    """Position of each kept draw among its chain's proposals, (chains, draws); acceptance; longest stay."""
    chains, length = log_weight.shape
    uniform = np.log(rng.random((chains, length)))
    at = np.zeros((chains, length), dtype=np.int64)
    for c in range(chains):
        # A chain starts at the first proposal that has an approximation.
        now = int(np.flatnonzero(np.isfinite(log_weight[c]))[0])
        for step in range(length):
            if step > now and uniform[c, step] < log_weight[c, step] - log_weight[c, now]:
                now = step
            at[c, step] = now
    kept = at[:, tune:]
    moved = np.diff(kept, axis=1) != 0
    stays = [np.diff(np.r_[0, np.flatnonzero(row) + 1, kept.shape[1]]).max() for row in moved]
    return kept, float(moved.mean()), int(max(stays))
