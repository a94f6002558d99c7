r"""The exact engine of elections: Metropolis-Hastings on hyperparameters and the noise behind the fields.

Given hyperparameters theta the fast engine draws all terms z and coefficients b at once from their Gaussian
approximation p~(z, b | theta): x = mode(theta) + L(theta)^-T xi with xi standard Normal. Chains move in
(theta, xi) instead of (theta, x), where the posterior is

    log p(theta, xi | y) = F(theta) + r(theta, xi) + log N(xi; 0, I) + constant,

F the approximate log posterior of theta and r the exact log ratio of p(x, y | theta) to its approximation;
the e are integrated out row by row to quadrature's accuracy. What the approximation leaves to be corrected
is r alone, and it changes little from one theta to the next at the same xi: theta moves as freely as if the
fields were integrated out. A draw is made of

- a move of theta at the same xi: by turns to a point from a mixture that the fast engine's draws have made,
  wherever the chain is, and by a random walk as wide as those draws are; both in scores
  (`spatialvote.models.elections.points`), accepted by F + r;
- moves of xi at the same theta: sqrt(1 - c^2) xi + c noise, which leave N(0, I) as it is, accepted by r
  alone (preconditioned Crank-Nicolson, Cotter et al. 2013), with c = 1, a half, and a quarter: whole fields
  anew, and steps short enough to leave where r is large. They need no factorisation;
- eta, drawn exactly given the rest.

Chains converge to the posterior itself, not to its approximation; R-hat and effective sample size over chains
tell how well. Proposing theta and x together (block updating; Knorr-Held and Rue 2002) is exact as well, but
with thousands of rows r varies by more than one between draws of x, and chains stay where it was large.
Gradient sampling (`spatialvote.models.latent.exact`) takes dozens of factorisations a draw where this takes a
handful.

References
----------
Cotter, S. L., Roberts, G. O., Stuart, A. M., White, D. (2013). MCMC methods for functions: modifying old
algorithms to make them faster. Statistical Science 28.

Knorr-Held, L., Rue, H. (2002). On block updating in Markov random field models for disease mapping.
Scandinavian Journal of Statistics 29.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from spatialvote.models.elections.points import Scores, draw_points
from spatialvote.models.laplace.outer import Around, find_mode, look_around
from spatialvote.models.laplace.proposals import Mixture, Vague, propose
from spatialvote.models.latent.fast import Drawn, draw_eta, from_noise
from spatialvote.models.latent.posterior import LatentPosterior
from spatialvote.models.latent.target import LatentMode, LatentTarget

#: Draws of the fast engine from which proposals are made.
_PILOT = 1000
#: Fractions of noise in the moves of xi that follow each other.
_FRESH = (1.0, 0.5, 0.25)
#: Width of the random walk times the square root of the number of hyperparameters (Roberts et al. 1997).
_WALK = 2.38


class _State(NamedTuple):
    """Where a chain is: scores of theta, noise, and what follows from both."""

    score: np.ndarray
    mode: LatentMode
    # F and the logarithm of the scores' derivative.
    value: float
    white_z: np.ndarray
    white_b: np.ndarray
    z: np.ndarray
    b: np.ndarray
    moved: np.ndarray
    ratio: float


class _Moves:
    """Moves of a posterior's chains."""

    def __init__(self, target: LatentTarget, around: Around, proposal: Mixture, root: np.ndarray):
        self.target, self.around, self.proposal, self.root = target, around, proposal, root
        self.posterior = target.posterior
        self.scores = Scores.of(self.posterior.hypers)

    def at(self, score: np.ndarray, white_z: np.ndarray, white_b: np.ndarray) -> _State | None:
        """The state of given scores and noise; None without an approximation there."""
        theta, slope = self.scores.theta(score)
        mode = self.target.mode(theta, self.around.start(theta))
        if mode is None:
            return None
        return self.with_noise(score, mode, mode.value + float(np.log(slope).sum()), white_z, white_b)

    def with_noise(
        self, score: np.ndarray, mode: LatentMode, value: float, white_z: np.ndarray, white_b: np.ndarray
    ) -> _State:
        """The state of a mode that is known."""
        z, b = white_z[:, None].copy(), white_b[:, None].copy()
        moved, ratio = from_noise(self.posterior, mode, z, b)
        return _State(score, mode, value, white_z, white_b, z[:, 0], b[:, 0], moved, float(ratio[0]))

    def move_theta(
        self, now: _State, score: np.ndarray, log_back: float, rng: np.random.Generator
    ) -> tuple[_State, bool]:
        """To other scores at the same noise; `log_back` is log q(now) - log q(there)."""
        accept = np.log(rng.random())
        there = self.at(score, now.white_z, now.white_b)
        if there is None or accept >= there.value + there.ratio - now.value - now.ratio + log_back:
            return now, False
        return there, True

    def move_noise(self, now: _State, fresh: float, rng: np.random.Generator) -> tuple[_State, bool]:
        """To noise of which the fraction `fresh` is new."""
        kept = np.sqrt(1 - fresh**2)
        there = self.with_noise(
            now.score,
            now.mode,
            now.value,
            kept * now.white_z + fresh * rng.standard_normal(now.white_z.size),
            kept * now.white_b + fresh * rng.standard_normal(now.white_b.size),
        )
        moves = bool(np.log(rng.random()) < there.ratio - now.ratio)
        return (there, True) if moves else (now, False)

    def eta(self, now: _State, rng: np.random.Generator) -> np.ndarray:
        """A draw of eta given all else, shape (rows,)."""
        return draw_eta(self.posterior, now.mode, now.moved, rng)[:, 0]


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
        Draws of all chains, chain after chain. ``report`` has the rates of acceptance: ``accepted_jumps`` and
        ``accepted_walks`` of theta, ``accepted_fields`` of xi (the mean over its moves); and ``pilot``, that
        of the fast engine.

    Raises
    ------
    ArithmeticError
        Where no Gaussian approximation exists near the start.
    """
    pilot = draw_points(posterior, _PILOT, rng, cores)
    target, scores = LatentTarget(posterior), Scores.of(posterior.hypers)
    mode = find_mode(target, pilot.theta.mean(axis=0))
    around = look_around(target, mode, lambda function, items: list(map(function, items)))
    at = scores.score(pilot.theta)
    vague = Vague.of(posterior, rng)
    # The prior on the scale of scores, as the defence of the mixture.
    prior = Vague(lambda score: _log_prior(posterior, scores, score), scores.score(vague.drawn))
    proposal = Mixture.around(at, np.full(_PILOT, 1 / _PILOT), prior)
    h = at.shape[1]
    root = _WALK / np.sqrt(h) * np.linalg.cholesky(np.atleast_2d(np.cov(at.T)) + 1e-9 * np.eye(h))
    moves = _Moves(target, around, proposal, root)
    layout, rows, total = posterior.layout, len(posterior.votes), chains * draws
    made = Drawn(
        np.empty((total, h)),
        np.empty((total, len(posterior.prior_mean))),
        np.empty((total, layout.pattern[4].size), dtype=np.float32),
        np.empty((total, rows), dtype=np.float32),
    )
    starts = at[rng.choice(len(at), chains, replace=False)]
    sources = rng.spawn(chains)

    def one(chain: int) -> np.ndarray:
        return _walk(
            moves, starts[chain], tune, slice(chain * draws, (chain + 1) * draws), made, sources[chain]
        )

    with ThreadPoolExecutor(cores or os.cpu_count()) as pool:
        accepted = np.mean(list(pool.map(one, range(chains))), axis=0)
    names = ("accepted_jumps", "accepted_walks", "accepted_fields")
    made.report = dict(zip(names, map(float, accepted), strict=True)) | {"pilot": pilot.report}
    return made


def _log_prior(posterior: LatentPosterior, scores: Scores, score: np.ndarray) -> float:
    theta, slope = scores.theta(score)
    return posterior.log_prior(theta)[0] + float(np.log(slope).sum())


def _walk(
    moves: _Moves, start: np.ndarray, tune: int, places: slice, made: Drawn, rng: np.random.Generator
) -> np.ndarray:
    """Walk one chain and keep its draws at their places; rates of acceptance of jumps, walks and fields."""
    layout, h = moves.posterior.layout, len(start)
    length = tune + places.stop - places.start
    jumps = propose(moves.proposal, 2 ** int(np.ceil(np.log2(max(length, 2)))), rng)
    jumps = jumps[rng.permutation(len(jumps))[:length]]
    log_jump = moves.proposal.log_density(jumps)
    size, p = layout.pattern[4].size, len(moves.posterior.prior_mean)
    now = moves.at(start, rng.standard_normal(size), rng.standard_normal(p))
    if now is None:
        raise ArithmeticError("the Gaussian approximation at a draw of the fast engine was lost")
    tried, accepted = np.zeros(3), np.zeros(3)
    for step in range(length):
        if step % 2:
            back = float(moves.proposal.log_density(now.score[None])[0] - log_jump[step])
            now, moved = moves.move_theta(now, jumps[step], back, rng)
        else:
            now, moved = moves.move_theta(now, now.score + moves.root @ rng.standard_normal(h), 0.0, rng)
        tried += (step % 2, 1 - step % 2, len(_FRESH))
        accepted[0 if step % 2 else 1] += moved
        for fresh in _FRESH:
            now, moved = moves.move_noise(now, fresh, rng)
            accepted[2] += moved
        if step >= tune:
            at = places.start + step - tune
            made.theta[at], made.b[at] = now.mode.theta, now.b
            made.z[at, layout.pattern[0]] = now.z
            made.eta[at] = moves.eta(now, rng)
    return accepted / np.maximum(tried, 1)
