"""What the maps of a report show: summaries of the posterior by district.

Draws times districts can be large, so districts are taken in blocks.
"""

from dataclasses import dataclass

import numpy as np

from spatialvote.models.families import FAMILIES
from spatialvote.models.fit import Fit
from spatialvote.models.structures import STRUCTURES

BLOCK = 500  # districts at a time: 4,000 draws of them are 16 MB


@dataclass(frozen=True)
class DistrictFields:
    """Posterior summaries by district, shape (n,) each.

    Units: percentage points of the vote share; for Poisson counts, percent of the rate.

    Attributes
    ----------
    left_open
        Observed minus what covariates and groups alone give. Poisson: observed over given, minus one. NaN
        where the party did not stand.
    structured
        What the spatial effect moves the outcome by, from where it would be without it: under ``bym2`` its
        structured part, under structures without an independent part the whole effect of the district.
        None for ``iid`` and ``none``.
    width
        Width of the 95 % interval of the share. Poisson: of the rate, relative to its mean.
    """

    left_open: np.ndarray
    structured: np.ndarray | None
    width: np.ndarray


def district_fields(fit: Fit) -> DistrictFields:
    """Summarise a fit by district."""
    family = FAMILIES[fit.model.family]
    shares = fit.model.family != "poisson"
    posterior = fit.tree["posterior"]
    standardised = fit.standardised
    intercept, beta = fit.draws("intercept"), fit.draws("beta")
    spatial, structured_sd = "rho" in STRUCTURES[fit.model.structure], None
    if "phi" in posterior:
        structured_sd = (fit.draws("sigma") * np.sqrt(fit.draws("rho")))[:, None]

    n = len(standardised)
    given, width = np.empty(n), np.empty(n)
    structured = np.empty(n) if spatial else None
    for start in range(0, n, BLOCK):
        part = slice(start, start + BLOCK)
        eta = _block(fit, "eta", part)
        level = family.mean(eta)
        mu = intercept[:, None] + beta @ standardised[part].T
        if fit.has_departures:
            mu += fit.departures(part=part)
        fit.add_unknown(mu, beta, start)
        given[part] = family.mean(mu).mean(axis=0)
        low, high = np.quantile(level, [0.025, 0.975], axis=0)
        width[part] = 100 * (high - low) / (1 if shares else level.mean(axis=0))
        if structured is not None:
            effect = eta - mu if structured_sd is None else structured_sd * _block(fit, "phi", part)
            moved = level - family.mean(eta - effect) if shares else np.exp(effect) - 1
            structured[part] = 100 * moved.mean(axis=0)
    # Shares are NaN where the party did not stand, and so is what is left open.
    left_open = 100 * (fit.share - given if shares else fit.share / given - 1)
    return DistrictFields(left_open, structured, width)


def _block(fit: Fit, name: str, part: slice) -> np.ndarray:
    """Draws of some districts, chains joined, shape (samples, districts of the block)."""
    values = fit.tree["posterior"][name].to_numpy()[..., part]
    return values.reshape(-1, values.shape[-1]).astype(np.float64)
