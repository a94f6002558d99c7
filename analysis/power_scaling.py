r"""How much a posterior depends on its priors, and on the votes: power scaling.

The prior of all coefficients and hyperparameters is raised to a power close to one, p(theta)^alpha, by
weighing the draws; the sensitivity of a quantity is the change of its distribution (cumulative Jensen-Shannon
distance) by unit of log2(alpha) (Kallioinen et al. 2024). The likelihood is scaled in the same way; above
0.05 on both sides, prior and votes pull in different directions, and above 0.05 for the prior alone the
prior decides what the votes do not.

Scaled are the priors of the intercept, the coefficients and the hyperparameters, each density on its own
scale. That of the effects given the hyperparameters is part of the model, and on the side of the likelihood:
it is integrated out there (`spatialvote.analysis.marginal`).

The sensitivities are those of `arviz_stats.psense`, which smooths the weights.

References
----------
Kallioinen, N., Paananen, T., Bürkner, P.-C., Vehtari, A. (2024). Detecting and diagnosing prior and
likelihood sensitivity with power-scaling. Statistics and Computing 34.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from arviz_stats import psense
from scipy.stats import norm

from spatialvote.analysis.marginal import Unknowns, log_marginal
from spatialvote.models.density import log_prior
from spatialvote.models.fit import Fit
from spatialvote.models.latent.posterior import LatentPosterior
from spatialvote.models.posterior import Posterior
from spatialvote.models.priors import EXPONENTIAL, HALF_NORMAL

#: Above it a quantity is sensitive (Kallioinen et al. 2024).
THRESHOLD = 0.05
#: A log density that varies by less than this over all draws is flat.
_FLAT = 1e-9


@dataclass(frozen=True)
class Sensitivity:
    """How far one quantity depends on the prior and on the votes.

    Attributes
    ----------
    prior, likelihood
        Sensitivities.
    by_prior
        Sensitivity to the prior of each block alone: ``intercept``, ``coefficients``, hyperparameters.
    """

    prior: float
    likelihood: float
    by_prior: Mapping[str, float]

    @property
    def diagnosis(self) -> str:
        """``conflict``, ``strong prior``, or nothing."""
        if self.prior < THRESHOLD:
            return ""
        return "conflict" if self.likelihood >= THRESHOLD else "strong prior"


def sensitivities(
    fit: Fit,
    posterior: Posterior,
    at: np.ndarray,
    quantities: Mapping[str, np.ndarray],
    latent: LatentPosterior | None = None,
) -> dict[str, Sensitivity]:
    """Sensitivity of some quantities to priors and votes.

    Parameters
    ----------
    fit, posterior
        A fit, and its model bound to the districts.
    at
        Positions of the draws that are weighed.
    quantities
        Draws of each quantity at these positions, each shape (len(at),).
    latent
        The same posterior as one of latent terms, where it has such.
    """
    unknowns = Unknowns(
        np.column_stack([fit.draws("intercept", at), fit.draws("beta", at)]),
        {name: fit.draws(name, at) for name in posterior.hyperparameters},
    )
    eta = fit.tree["posterior"]["eta"].mean(("chain", "draw"), dtype=np.float64).to_numpy()
    priors = log_priors(posterior, unknowns)
    tree = xr.DataTree.from_dict(
        {
            "posterior": _dataset(quantities),
            "log_prior": _dataset(priors),
            "log_likelihood": _dataset({"votes": log_marginal(posterior, eta, unknowns, latent)}),
        }
    )
    prior, likelihood = psense(tree, group="prior"), psense(tree, group="likelihood")
    # A flat prior (that of rho in some structures) has no power to scale, and weights without a tail.
    flat = [block for block, density in priors.items() if np.ptp(density) < _FLAT]
    by = {
        block: psense(tree, group="prior", group_var_names=[block]) for block in priors if block not in flat
    }
    return {
        name: Sensitivity(
            float(prior[name]),
            float(likelihood[name]),
            {block: 0.0 if block in flat else float(by[block][name]) for block in priors},
        )
        for name in quantities
    }


def log_priors(posterior: Posterior, unknowns: Unknowns) -> dict[str, np.ndarray]:
    """Log prior density of each block, on the scale of its parameters, each shape (draws,)."""
    fixed = posterior.column_group == 0
    dense = norm.logpdf(unknowns.coefficients, posterior.prior_mean[fixed], posterior.prior_sd[fixed])
    blocks = {"intercept": dense[:, 0]}
    if dense.shape[1] > 1:
        blocks["coefficients"] = dense[:, 1:].sum(axis=1)
    nodes = posterior.field.nodes
    for name, code in zip(posterior.hyperparameters, posterior.prior_codes, strict=True):
        values = unknowns.hyper[name]
        own = np.array([log_prior(float(one), *code, nodes.value, nodes.weight)[0] for one in values])
        # The compiled densities are those of the logarithm or the logit.
        positive = code[0] in (EXPONENTIAL, HALF_NORMAL)
        blocks[name] = own - (np.log(values) if positive else np.log(values) + np.log1p(-values))
    return blocks


def _dataset(variables: Mapping[str, np.ndarray]) -> xr.Dataset:
    return xr.Dataset({name: (("chain", "draw"), one[None]) for name, one in variables.items()})
