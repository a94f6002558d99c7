"""The scale of the answer: percent of the vote, or a rate for counts with an exposure."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from spatialvote.models.families import FAMILIES
from spatialvote.models.fit import Fit


@dataclass(frozen=True)
class Response:
    """What a family's linear predictor is on the scale of the answer.

    Attributes
    ----------
    of, derivative
        Functions of the linear predictor: the response, and its derivative.
    unit, difference
        Of the response, and of a difference of two.
    overall
        The observed response of all districts together: votes by valid votes, counts by exposure; the mean
        of the shares where counts are not known.
    """

    of: Callable[[np.ndarray], np.ndarray]
    derivative: Callable[[np.ndarray], np.ndarray]
    unit: str
    difference: str
    overall: float


def response_of(fit: Fit) -> Response:
    """The response of a fit's family."""
    mean, stood = FAMILIES[fit.model.family].mean, fit.stood
    if fit.model.family == "poisson":
        overall = float(fit.votes[stood].sum() / fit.size[stood].sum())
        rate = "counts per unit of exposure"
        return Response(mean, mean, rate, rate, overall)
    counted = fit.model.family != "gaussian"
    overall = fit.votes[stood].sum() / fit.size[stood].sum() if counted else fit.share[stood].mean()

    def percent(eta: np.ndarray) -> np.ndarray:
        return 100 * mean(eta)

    def derivative(eta: np.ndarray) -> np.ndarray:
        share = mean(eta)
        return 100 * share * (1 - share)

    return Response(percent, derivative, "percent of the vote", "percentage points", 100 * float(overall))
