"""Where the weights cannot be trusted: which marginals a short run of NUTS confirms all the same."""

from typing import Any

import arviz as az
import numpy as np

from spatialvote.models.fitting import posterior_variables
from spatialvote.models.nuts import NutsSettings, sample
from spatialvote.models.posterior import Posterior

_SETTINGS = NutsSettings(draws=250, tune=150, chains=2)
#: A marginal is sound where its mean differs by less than this many standard deviations, after Monte Carlo
#: error, ...
_MEAN = 0.2
#: ... and its standard deviation by less than this fraction.
_SD = 0.2


def short_run(
    posterior: Posterior, theta: np.ndarray, variables: dict[str, np.ndarray], rng: np.random.Generator
) -> dict[str, Any]:
    """Compare the marginals of coefficients and hyperparameters with those of a short NUTS run.

    The run starts from hyperparameters of the approximation, theta (draws, h), so that it needs little
    warm-up.

    Returns
    -------
    dict
        Draws and chains of the run, and for each scalar the difference of means in standard deviations, its
        Monte Carlo error, the ratio of standard deviations, and whether the marginal is sound.
    """
    begin = theta[rng.choice(len(theta), _SETTINGS.chains)]
    sampled, _ = sample(posterior, _SETTINGS, rng, begin=begin)
    exact = posterior_variables(posterior, sampled, rng)
    compared = {}
    for name in ("intercept", "beta", *posterior.hyperparameters):
        ours, theirs = variables[name], exact[name]
        if ours.ndim == 2:
            compared[name] = _compare(ours, theirs)
        else:
            for q in range(ours.shape[-1]):
                compared[f"{name}[{q}]"] = _compare(ours[..., q], theirs[..., q])
    return {"draws": _SETTINGS.draws, "chains": _SETTINGS.chains, "compared": compared}


def _compare(ours: np.ndarray, theirs: np.ndarray) -> dict[str, Any]:
    spread = float(theirs.std())
    difference = float(ours.mean() - theirs.mean()) / spread
    error = float(az.mcse(theirs)) / spread
    ratio = float(ours.std()) / spread
    sound = abs(difference) < _MEAN + 2 * error and abs(ratio - 1) < _SD
    return {"difference": difference, "error": error, "ratio": ratio, "sound": bool(sound)}
