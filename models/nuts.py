"""The reference engine: the No-U-Turn sampler of nutpie on the compiled log posterior.

Exact up to Monte Carlo error. The sampled vector is (log sigma, [logit rho,] z), where z is eta in
coordinates that make its posterior nearly spherical (`spatialvote.models.centring`), so nutpie's diagonal
metric suffices.

Beskos, A., Pillai, N., Roberts, G., Sanz-Serna, J.-M., Stuart, A. (2013). Optimal tuning of the hybrid Monte
Carlo algorithm. Bernoulli 19.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

import numpy as np
import xarray as xr

from spatialvote.data.errors import FitError, ModelError, Problem, name_some
from spatialvote.models.centring import PARAMETRISATIONS, Centring, centre
from spatialvote.models.chains import Plan, Progress, run_chains
from spatialvote.models.draw_store import DrawStore
from spatialvote.models.families import FAMILIES
from spatialvote.models.native import native_model
from spatialvote.models.posterior import Posterior
from spatialvote.models.stored_draws import STATISTICS, Draws
from spatialvote.models.unknowns.bind import Unknowns
from spatialvote.models.unknowns.native import native_joint

#: From a seed to a starting point.
Start = Callable[[int], np.ndarray]


@dataclass(frozen=True)
class NutsSettings:
    """Settings of the sampler.

    Attributes
    ----------
    draws, tune
        Draws kept and warm-up draws of each chain; tune None: as `suited` says.
    chains
        Independent chains.
    cores
        Chains run at the same time; None: as many as the machine has cores.
    target_accept
        Mean acceptance probability that the step size is tuned to; None: as `suited` says. Raise it where
        transitions diverge.
    parametrisation
        ``measured``: centred where votes say much, non-centred where they say little, by district
        (`spatialvote.models.centring`); ``centred`` or ``noncentred`` for all.
    """

    draws: int = 1500
    tune: int | None = None
    chains: int = 4
    cores: int | None = None
    target_accept: float | None = None
    parametrisation: str = "measured"

    def __post_init__(self) -> None:
        problems = []
        for name in ("draws", "tune", "chains", "cores"):
            value = getattr(self, name)
            if name in ("tune", "cores") and value is None:
                continue
            if not isinstance(value, int) or value < 1:
                problems.append(
                    Problem(f"{name} must be a whole number above zero, got {value!r}", "raise it")
                )
        if self.target_accept is not None and not 0.5 <= self.target_accept < 1:
            what = f"target_accept must lie in [0.5, 1), got {self.target_accept}"
            problems.append(Problem(what, "leave it out, or raise it towards 1"))
        if self.parametrisation not in PARAMETRISATIONS:
            what = f"parametrisation '{self.parametrisation}' is unknown"
            problems.append(Problem(what, f"use one of {name_some(PARAMETRISATIONS, limit=10)}"))
        if problems:
            raise ModelError(problems)

    @property
    def parallel(self) -> int:
        """Chains run at the same time."""
        return self.cores or os.cpu_count() or 1


def suited(settings: NutsSettings, posterior: Posterior, unknowns: Unknowns | None = None) -> NutsSettings:
    """The settings with what was left open chosen by how much the votes tell about a typical district.

    The signal-to-noise ratio is h tau^2: median Fisher information of eta times the variance between
    districts that covariates leave (`fit_without_effects`). Where it is 10 or more the posterior is nearly
    spherical in the sampler's coordinates: a warm-up of 200 finds the step size, and long steps pay. On maps
    of 400 and 3,000 districts an acceptance of 0.5 gave 1.2 and 1.5 times the effective draws per second of
    0.6, without one divergence (0.65 is the optimum for a fixed number of steps, Beskos et al. 2013; a
    trajectory that may choose any of its points bears longer ones). Where it is less, sigma, rho and eta
    constrain each other, and only small steps (0.9) keep transitions from diverging; the same where a
    dispersion is unknown, because how much votes say is then unknown too. Unknown values of covariates have
    scales that a longer warm-up has to learn, and products with coefficients that bend the posterior.

    Where values are estimates, eta is centred if votes say much of most districts: towards the regression on
    the values as they are published, where coordinates that are not centred draw it as sigma falls, is the
    wrong direction once these values move.
    """
    if unknowns is not None:
        settings = replace(settings, tune=settings.tune or 500, target_accept=settings.target_accept or 0.8)
        estimated = len(unknowns.arrays.together) > 0 and posterior.has_field
        if estimated and settings.parametrisation == "measured" and centre(posterior).share_centred > 0.5:
            settings = replace(settings, parametrisation="centred")
        return settings
    if posterior.has_field:
        easy = not FAMILIES[posterior.family].HYPER and centre(posterior).signal_to_noise >= 10
    else:
        # A log-concave density of a few coefficients, unless groups bring standard deviations with them.
        easy = not posterior.n_hyper
    tune, accept = (200, 0.5) if easy else (400, 0.9)
    return replace(settings, tune=settings.tune or tune, target_accept=settings.target_accept or accept)


def starting_point(posterior: Posterior, rng: np.random.Generator) -> np.ndarray:
    """A point near the bulk, overdispersed in what mixes slowest; shape (n_dim,)."""
    wide = {"rho": (-2.0, 2.0), "overdispersion": (-6.0, -3.0)}
    hyper = [rng.uniform(*wide.get(name, (-2.5, 0.0))) for name in posterior.hyperparameters]
    if posterior.has_field:
        return np.concatenate([hyper, 0.5 * rng.standard_normal(len(posterior.votes))])
    start = posterior.prior_mean + rng.uniform(-0.5, 0.5, posterior.design.shape[1])
    start[0] = FAMILIES[posterior.family].overall(posterior.votes, posterior.size) + rng.uniform(-0.5, 0.5)
    return np.concatenate([hyper, start])


def sample(
    posterior: Posterior,
    settings: NutsSettings,
    rng: np.random.Generator,
    progress: Progress | None = None,
    store: DrawStore | None = None,
    begin: np.ndarray | None = None,
    unknowns: Unknowns | None = None,
) -> tuple[dict[str, np.ndarray], xr.Dataset]:
    """Sample the posterior.

    Parameters
    ----------
    posterior
        The density.
    settings
        Of the sampler.
    rng
        Where the seeds of all chains come from.
    progress
        Called a few times a second.
    store
        Where draws are streamed to; those that it holds already are kept, and a chain that lacks some goes on
        from its last one with a new warm-up, which is discarded. None: draws stay in memory.
    begin
        Unconstrained hyperparameters from which each chain starts, (chains, h); None: `starting_point`.
    unknowns
        Unknown values of covariates, sampled with everything else; None: all are known.

    Returns
    -------
    draws
        ``sigma`` (chains, draws), ``rho`` likewise and ``eta`` (chains, draws, n); or, without a field,
        ``coefficients`` (chains, draws, p). With unknown values also those that `Unknowns.draws` names.
    statistics
        nutpie's sample statistics, dims (chain, draw).
    """
    # The first seeds the starting points, the second the chains.
    seeds = rng.integers(0, 2**63, size=2)
    settings = suited(settings, posterior, unknowns)
    centring = centre(posterior, settings.parametrisation) if posterior.has_field else None

    def anywhere(chain: int) -> Start:
        near = None if begin is None or centring is None else centring.free(begin[chain])
        return partial(_anywhere, posterior, unknowns, seeds[0], near)

    def make_model(start: Start) -> Any:
        if unknowns is None:
            return native_model(posterior, centring, start)
        return native_joint(posterior, centring, unknowns, start)

    chains = draw_chains(make_model, anywhere, settings, int(seeds[1]), progress, store)
    return arrange(posterior, centring, chains, unknowns)


def draw_chains(
    make_model: Callable[[Start], Any],
    anywhere: Callable[[int], Start],
    settings: NutsSettings,
    key: int,
    progress: Progress | None,
    store: DrawStore | None,
) -> list[Draws]:
    """Draws of every chain, those that a store holds among them.

    Parameters
    ----------
    make_model
        From a function that gives starting points to a model that nutpie samples.
    anywhere
        From a chain's number to such a function.
    settings
        With nothing left open.
    key
        Seed of the chains.
    progress, store
        As in `sample`.
    """
    held = [store.read(chain) if store else None for chain in range(settings.chains)]
    plans: dict[int, Plan] = {}
    for chain, before in enumerate(held):
        kept = len(before) if before else 0
        if kept >= settings.draws:
            continue
        start = partial(_at, before.point[-1]) if before else anywhere(chain)
        run = store.run(chain, kept) if store else None
        if run:
            # What a warm-up left that was interrupted.
            run.remove()
        plans[chain] = Plan(
            model=make_model(start),
            draws=settings.draws - kept,
            tune=cast(int, settings.tune),
            seed=int(np.random.SeedSequence([key, chain, kept]).generate_state(1)[0]),
            target_accept=cast(float, settings.target_accept),
            folder=run.folder if run else None,
        )
    drawn = dict(zip(plans, run_chains(list(plans.values()), settings.parallel, progress), strict=True))
    return [Draws.joined(filter(None, (before, drawn.get(chain)))) for chain, before in enumerate(held)]


def sample_stored(
    posterior: Posterior, settings: NutsSettings, store: DrawStore, unknowns: Unknowns | None = None
) -> tuple[dict[str, np.ndarray], xr.Dataset]:
    """The draws that a store holds, as `sample` gives them, without drawing more: see `stored_chains`."""
    centring = centre(posterior, settings.parametrisation) if posterior.has_field else None
    return arrange(posterior, centring, stored_chains(store), unknowns)


def stored_chains(store: DrawStore) -> list[Draws]:
    """The chains that a store holds.

    Chains are cut to a common length, and as many of the longest are taken as leave most draws: of
    chains of 1,500, 1,500, 700 and no draws the first two.

    Raises
    ------
    FitError
        Where the longest chain has fewer than the four draws that R-hat needs.
    """
    chains = [one for chain in range(store.chains) if (one := store.read(chain)) is not None]
    lengths = sorted(map(len, chains), reverse=True)
    if lengths[0] < 4:
        raise FitError(
            Problem(
                f"too little is drawn: its longest chain has {lengths[0]} draws, and a fit needs 4",
                "go on with --resume (resume=True)",
            )
        )
    length = max(lengths, key=lambda length: length * sum(one >= length for one in lengths))
    return [one.first(length) for one in chains if len(one) >= length]


def arrange(
    posterior: Posterior,
    centring: Centring | None,
    chains: Sequence[Draws],
    unknowns: Unknowns | None = None,
) -> tuple[dict[str, np.ndarray], xr.Dataset]:
    """From sampled vectors to named variables; see `sample` for what is returned."""
    statistics = statistics_of(chains)
    whole = np.stack([one.point for one in chains])
    point = whole[..., : posterior.n_dim]
    named = point if centring is None else np.stack([centring.theta(one) for one in point])
    draws = posterior.constrain(named)
    if unknowns is not None:
        draws |= unknowns.draws(whole[..., posterior.n_dim :], draws.get("sigma"), draws.get("rho"))
    if centring is None:
        draws["coefficients"] = point[..., posterior.n_hyper :]
        return draws, statistics
    # Chain by chain: the transformation makes several copies of its draws.
    draws["eta"] = np.stack([centring.eta(one) for one in point])
    return draws, statistics


def statistics_of(chains: Sequence[Draws]) -> xr.Dataset:
    """nutpie's sample statistics, dims (chain, draw)."""
    return xr.Dataset(
        {name: (("chain", "draw"), np.stack([one.statistics[name] for one in chains])) for name in STATISTICS}
    )


def _anywhere(
    posterior: Posterior, unknowns: Unknowns | None, key: int, near: np.ndarray | None, seed: int
) -> np.ndarray:
    rng = np.random.default_rng([key, seed])
    start = starting_point(posterior, rng)
    if near is not None:
        start[: len(near)] = near
    return start if unknowns is None else np.concatenate([start, unknowns.start(rng)])


def _at(point: np.ndarray, _: int) -> np.ndarray:
    return point.copy()
