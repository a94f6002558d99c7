"""What the covariates alone say of their unknown values, before any vote is seen."""

from functools import partial

import numpy as np

from spatialvote.models.chains import Plan, run_chains
from spatialvote.models.posterior import Posterior
from spatialvote.models.unknowns.bind import Unknowns
from spatialvote.models.unknowns.native import native_alone

#: Chains, draws of each, warm-up draws and acceptance: the posterior is close to Gaussian.
_CHAINS, _DRAWS, _TUNE, _ACCEPT = 2, 500, 300, 0.8


def draw_alone(
    posterior: Posterior, unknowns: Unknowns, cores: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Draws, (1000, ...), of unknown values and of their model's hyperparameters, without the votes."""
    seeds = rng.integers(0, 2**63, size=_CHAINS)
    plans = [
        Plan(
            model=native_alone(posterior, unknowns, partial(_start, unknowns, int(seed))),
            draws=_DRAWS,
            tune=_TUNE,
            seed=int(np.random.SeedSequence(int(seed)).generate_state(1)[0]),
            target_accept=_ACCEPT,
        )
        for seed in seeds
    ]
    return unknowns.draws_alone(np.concatenate([one.point for one in run_chains(plans, cores)]))


def _start(unknowns: Unknowns, key: int, seed: int) -> np.ndarray:
    return unknowns.start(np.random.default_rng([key, seed]))
