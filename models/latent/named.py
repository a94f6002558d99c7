"""From draws of either engine to named variables, as a `Fit` keeps them."""

import numpy as np

from spatialvote.models.latent.fast import Drawn
from spatialvote.models.latent.posterior import LatentPosterior


def named_draws(posterior: LatentPosterior, drawn: Drawn) -> dict[str, np.ndarray]:
    """Hyperparameters, ``intercept``, ``beta``, each term's report, and ``eta``; (draws, ...)."""
    values = posterior.constrain(drawn.theta)
    named = {"intercept": drawn.b[:, 0], "beta": drawn.b[:, 1:], **values}
    first = 0
    for term in posterior.terms:
        named |= term.report(drawn.z[:, first : first + term.size], values)
        first += term.size
    return {**named, "eta": drawn.eta}
