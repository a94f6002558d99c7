"""The reference engine: the No-U-Turn sampler of nutpie on the compiled log posterior.

Exact up to Monte Carlo error. The sampled vector is (log sigma, [logit rho,] z), where z is eta in
coordinates that make its posterior nearly spherical (`spatialvote.models.centring`), so nutpie's diagonal
metric suffices.

Beskos, A., Pillai, N., Roberts, G., Sanz-Serna, J.-M., Stuart, A. (2013). Optimal tuning of the hybrid Monte
Carlo algorithm. Bernoulli 19.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import nutpie
import xarray as xr
from scipy.special import expit

from spatialvote.data.errors import ModelError, Problem
from spatialvote.models.centring import centre
from spatialvote.models.families import FAMILIES
from spatialvote.models.glm import fit_without_effects
from spatialvote.models.native import native_model
from spatialvote.models.posterior import Posterior

#: Called with (draws done, draws in total, divergences, seconds) over all chains.
Progress = Callable[[int, int, int, float], None]


@dataclass(frozen=True)
class NutsSettings:
    """Settings of the sampler.

    Attributes
    ----------
    draws, tune
        Draws kept and warm-up draws of each chain.
    chains
        Independent chains.
    cores
        Chains run at the same time; None: as many as the machine has cores.
    target_accept
        Mean acceptance probability that the step size is tuned to; None: `suited_acceptance`. Raise it where
        transitions diverge.
    """

    draws: int = 1500
    tune: int = 400
    chains: int = 4
    cores: int | None = None
    target_accept: float | None = None

    def __post_init__(self) -> None:
        problems = []
        for name in ("draws", "tune", "chains", "cores"):
            value = getattr(self, name)
            if name == "cores" and value is None:
                continue
            if not isinstance(value, int) or value < 1:
                problems.append(
                    Problem(f"{name} must be a whole number above zero, got {value!r}", "raise it")
                )
        if self.target_accept is not None and not 0.5 <= self.target_accept < 1:
            what = f"target_accept must lie in [0.5, 1), got {self.target_accept}"
            problems.append(Problem(what, "leave it out, or raise it towards 1"))
        if problems:
            raise ModelError(problems)


def suited_acceptance(posterior: Posterior) -> float:
    """Acceptance probability to tune for, by how much the votes tell about a typical district.

    The signal-to-noise ratio is h tau^2: median Fisher information of eta times the variance between
    districts that covariates leave (`fit_without_effects`). Where it is 10 or more the posterior is nearly
    spherical, and long steps pay: 0.65 is the optimum for a fixed number of steps (Beskos et al. 2013), and
    on the elections of the tests 0.6 gave 0.9 to 3 times the effective draws per second of 0.8, without one
    divergence. Where it is less, sigma, rho and eta constrain each other, and only small steps (0.9) keep
    transitions from diverging.
    """
    simple = fit_without_effects(posterior)
    information = FAMILIES[posterior.family].information(simple.eta, posterior.size)
    return 0.6 if np.median(information) * simple.extra_variance >= 10 else 0.9


def starting_point(posterior: Posterior, rng: np.random.Generator) -> np.ndarray:
    """A point near the bulk, overdispersed in what mixes slowest; shape (n_dim,)."""
    if posterior.n_hyper == 0:
        family = FAMILIES[posterior.family]
        start = posterior.prior_mean + rng.uniform(-0.5, 0.5, posterior.n_dim)
        start[0] = family.overall(posterior.votes, posterior.size) + rng.uniform(-0.5, 0.5)
        return start
    hyper = [rng.uniform(-2.5, 0.0), rng.uniform(-2.0, 2.0)][: posterior.n_hyper]
    return np.concatenate([hyper, 0.5 * rng.standard_normal(len(posterior.votes))])


def sample(
    posterior: Posterior, settings: NutsSettings, rng: np.random.Generator, progress: Progress | None = None
) -> tuple[dict[str, np.ndarray], xr.Dataset]:
    """Sample the posterior.

    Returns
    -------
    draws
        ``sigma`` (chains, draws), ``rho`` likewise and ``eta`` (chains, draws, n); or, without a field,
        ``coefficients`` (chains, draws, p).
    statistics
        nutpie's sample statistics, dims (chain, draw).
    """
    seeds = rng.integers(0, 2**63, size=2)
    centring = centre(posterior) if posterior.n_hyper else None
    sampler = nutpie.sample(
        native_model(
            posterior,
            centring,
            lambda seed: starting_point(posterior, np.random.default_rng([seeds[0], seed])),
        ),
        draws=settings.draws,
        tune=settings.tune,
        chains=settings.chains,
        cores=settings.cores,
        seed=int(seeds[1] % 2**31),
        save_warmup=False,
        progress_bar=False,
        progress_callback=_watch(progress) if progress else None,
        target_accept=settings.target_accept or suited_acceptance(posterior),
        blocking=False,
    )
    try:
        tree = sampler.wait()
    except BaseException:
        # On an interrupt nutpie would hand back unfinished draws, padded with NaN.
        sampler.cancel()
        raise
    point = tree["posterior"]["point"].to_numpy()
    statistics = tree["sample_stats"].to_dataset()
    statistics = statistics[[name for name in statistics if statistics[name].dtype != object]]
    if centring is None:
        return {"coefficients": point}, statistics
    draws = {"sigma": np.exp(point[..., 0])}
    if posterior.n_hyper == 2:
        draws["rho"] = expit(point[..., 1])
    rho = draws.get("rho", np.full_like(draws["sigma"], 0.5))
    z = point[..., posterior.n_hyper :]
    # Chain by chain: the transformation makes several copies of its draws.
    draws["eta"] = np.stack([centring.eta(*one) for one in zip(draws["sigma"], rho, z, strict=True)])
    return draws, statistics


def _watch(progress: Progress) -> Callable[[list], None]:
    """Sum nutpie's progress over the chains."""

    def callback(chains: list) -> None:
        progress(
            sum(one.finished_draws for one in chains),
            sum(one.total_draws for one in chains),
            sum(one.divergences for one in chains),
            max(one.runtime_ms for one in chains) / 1000,
        )

    return callback
