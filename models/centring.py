r"""The coordinates in which eta is sampled: centred where votes inform it, non-centred where they do not.

Where the data pin eta it must be sampled as it is; where they do not, eta - mu scales with sigma, and a
sampler in eta runs into a funnel as sigma falls below the noise of the votes. Both are ends of one line
(partial centring, Papaspiliopoulos, Roberts and Skold 2007), and how far along it a district stands is known:
with Fisher information h_i, working response y_i = c_i + score_i / h_i at a rough estimate c_i, and the
regression's fitted value m_i,

    eta_i = m_i + (y_i - m_i) (1 - u_i) + sigma sqrt(u_i) z_i,      u_i = 1 / (1 + h_i sigma^2),

which are mean and standard deviation of eta_i ~ N(m_i, sigma^2) given y_i ~ N(eta_i, 1 / h_i). So z is close
to standard normal whatever sigma is. The Jacobian is sum_i log(sigma sqrt(u_i)), and with s = log sigma

    d eta_i / d s = 2 (y_i - m_i) u_i (1 - u_i) + sigma sqrt(u_i) u_i z_i,
    d log(sigma sqrt(u_i)) / d s = u_i.

Papaspiliopoulos, O., Roberts, G. O., Skold, M. (2007). A general framework for the parametrization of
hierarchical models. Statistical Science 22.
"""

from dataclasses import dataclass

import numpy as np

from spatialvote.models.compiled import compiled
from spatialvote.models.families import FAMILIES
from spatialvote.models.glm import fit_without_effects
from spatialvote.models.posterior import Posterior


@dataclass(frozen=True)
class Centring:
    """The arrays of the transformation.

    Attributes
    ----------
    level
        Fitted values m of the regression without district effects, shape (n,).
    response
        Working responses y, shape (n,).
    information
        Fisher information h of eta, shape (n,).
    """

    level: np.ndarray
    response: np.ndarray
    information: np.ndarray

    def eta(self, sigma: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Linear predictors, shape (..., n), at sigma (...) and z (..., n)."""
        sigma = np.asarray(sigma)[..., None]
        u = 1 / (1 + self.information * sigma**2)
        return self.level + (self.response - self.level) * (1 - u) + sigma * np.sqrt(u) * z

    def z(self, sigma: float, eta: np.ndarray) -> np.ndarray:
        """The inverse of `eta`, shape (n,)."""
        u = 1 / (1 + self.information * sigma**2)
        return (eta - self.level - (self.response - self.level) * (1 - u)) / (sigma * np.sqrt(u))


def centre(posterior: Posterior) -> Centring:
    """Coordinates for a posterior with a field."""
    family = FAMILIES[posterior.family]
    votes, size = posterior.votes, posterior.size
    level = fit_without_effects(posterior).eta
    crude = family.crude(votes, size)
    # Crude values of small districts are noise: shrink them, by a unit prior, towards the regression.
    weight = family.information(crude, size)
    rough = level + (crude - level) * weight / (weight + 1)
    information = family.information(rough, size)
    return Centring(level, rough + (votes - size * family.mean(rough)) / information, information)


@compiled()
def to_eta(z, sigma, level, response, information, eta, by_log_sigma, scale):
    """Fill eta, d eta / d log sigma and d eta / d z, each (n,); return the log Jacobian and its slope."""
    jacobian, slope = 0.0, 0.0
    for i in range(z.size):
        u = 1.0 / (1.0 + information[i] * sigma * sigma)
        scale[i] = sigma * np.sqrt(u)
        shift = response[i] - level[i]
        eta[i] = level[i] + shift * (1.0 - u) + scale[i] * z[i]
        by_log_sigma[i] = 2.0 * shift * u * (1.0 - u) + scale[i] * u * z[i]
        jacobian += np.log(scale[i])
        slope += u
    return jacobian, slope
