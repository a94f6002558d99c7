"""What the maps of a report show: summaries of the posterior by district.

Draws times districts can be large, so districts are taken in blocks.
"""

from dataclasses import dataclass

import numpy as np

from spatialvote.models.families import FAMILIES
from spatialvote.models.fit import Fit

BLOCK = 500  # districts at a time: 4,000 draws of them are 16 MB


@dataclass(frozen=True)
class DistrictFields:
    """Posterior summaries by district, shape (n,) each.

    Units: percentage points of the vote share (binomial), percent of the rate (Poisson).

    Attributes
    ----------
    left_open
        Observed minus what the covariates alone give. Poisson: observed over given, minus one. 0 where the
        party did not stand.
    structured
        What the spatially structured effect moves the outcome by, from where it would be without it;
        None unless the structure is ``bym2``.
    width
        Width of the 95 % interval of the share. Poisson: of the rate, relative to its mean.
    """

    left_open: np.ndarray
    structured: np.ndarray | None
    width: np.ndarray


def district_fields(fit: Fit) -> DistrictFields:
    """Summarise a fit by district."""
    family = FAMILIES[fit.model.family]
    binomial = fit.model.family != "poisson"
    posterior = fit.tree["posterior"]
    standardised = fit.standardised
    intercept, beta = fit.draws("intercept"), fit.draws("beta")
    structured_sd = None
    if "phi" in posterior:
        structured_sd = (fit.draws("sigma") * np.sqrt(fit.draws("rho")))[:, None]

    n = len(standardised)
    given, width = np.empty(n), np.empty(n)
    structured = None if structured_sd is None else np.empty(n)
    for start in range(0, n, BLOCK):
        part = slice(start, start + BLOCK)
        eta = _block(fit, "eta", part)
        level = family.mean(eta)
        given[part] = family.mean(intercept[:, None] + beta @ standardised[part].T).mean(axis=0)
        low, high = np.quantile(level, [0.025, 0.975], axis=0)
        width[part] = 100 * (high - low) / (1 if binomial else level.mean(axis=0))
        if structured is not None:
            effect = structured_sd * _block(fit, "phi", part)
            moved = level - family.mean(eta - effect) if binomial else np.exp(effect) - 1
            structured[part] = 100 * moved.mean(axis=0)
    left_open = 100 * (fit.share - given if binomial else fit.share / given - 1)
    left_open = np.where(fit.stood, left_open, 0.0)
    return DistrictFields(left_open, structured, width)


def _block(fit: Fit, name: str, part: slice) -> np.ndarray:
    """Draws of some districts, chains joined, shape (samples, districts of the block)."""
    values = fit.tree["posterior"][name].to_numpy()[..., part]
    return values.reshape(-1, values.shape[-1]).astype(np.float64)
