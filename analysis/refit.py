"""Fit a variant of a model to compare it: fast, and by the sampler where that cannot be trusted."""

import math
from dataclasses import dataclass

import numpy as np
from arviz_stats.base.array import array_stats

from spatialvote.analysis.variants import Variant
from spatialvote.analysis.working_model import WorkingModel, working_model
from spatialvote.models.fit import Fit

#: Above this k-hat the draws of the Laplace engine are not relied on (Vehtari et al. 2024).
K_HAT = 0.7
#: Fewer districts than these are sampled then.
SAMPLED = 1000
_DRAWS, _CHAINS = 500, 4


@dataclass(frozen=True, eq=False)
class Refit:
    """A fitted variant.

    Attributes
    ----------
    variant, fit
        What was fitted, and its fit.
    """

    variant: Variant
    fit: Fit

    @property
    def k_hat(self) -> float:
        """Of the Laplace engine; NaN for the sampler."""
        return float(self.fit.record["laplace"]["k_hat"]) if self.fit.engine == "laplace" else math.nan

    @property
    def vouched(self) -> bool:
        """Whether its draws can be relied on."""
        return self.fit.engine == "nuts" or self.k_hat <= K_HAT

    def mean_variance(self, draws: np.ndarray) -> float:
        """Monte Carlo variance of the mean of some function's draws (samples,)."""
        if self.fit.engine == "laplace":
            effective = float(self.fit.record["laplace"]["importance_ess"])
        else:
            sizes = self.fit.tree["posterior"].sizes
            effective = float(np.asarray(array_stats.ess(draws.reshape(sizes["chain"], sizes["draw"]))))
        return float(draws.var()) / effective

    def working(self, eta: np.ndarray) -> WorkingModel:
        """The linear model that it nearly is, at its mean hyperparameters and a linear predictor (n,)."""
        posterior, _ = self.variant.model.posterior(self.variant.districts, self.fit.held_out)
        return working_model(self.fit, posterior, eta)


def refit(variant: Variant, seed: int, held_out: tuple[str, ...] = ()) -> Refit:
    """Fit a variant by the Laplace engine; by the sampler where k-hat is too high and districts are few.

    Raises
    ------
    ModelError
        Where its columns determine each other.
    FitError
        Where the posterior has no Gaussian approximation.
    """
    model, districts = variant.model, variant.districts
    fast = Refit(variant, model.fit(districts, "laplace", seed=seed, held_out=held_out, progress=False))
    if fast.vouched or districts.n >= SAMPLED:
        return fast
    return Refit(
        variant,
        model.fit(
            districts, "nuts", seed=seed, held_out=held_out, draws=_DRAWS, chains=_CHAINS, progress=False
        ),
    )
