r"""Priors of several parties: those of one party, a prior of correlations, and coefficients that agree.

No category is special to the prior of coefficients, the rest included: each of the K + 1 has a coefficient of
its own, iid N(0, s^2 / 2), and a logit's is the difference of two. So logits of all pairs of categories have
the same prior N(0, s^2), whichever is the baseline, and between two logits against the same baseline

    V = (I + 11') / 2,      Cov(beta_k, beta_l) = s^2 V_kl.

Intercepts have the same V around the logits of the overall shares.
"""

from dataclasses import dataclass, field

import numpy as np

from spatialvote.data.errors import ModelError, Problem
from spatialvote.models.parties.correlation import LKJ
from spatialvote.models.priors import BetaRho, HalfNormal, PCOverdispersion, PCRho, PCSigma


@dataclass(frozen=True)
class PartyPriors:
    """All priors of a `PartySharesModel`.

    Attributes
    ----------
    intercept_sd, coefficient_sd
        Standard deviations of a logit's intercept around that of the overall shares, and of its coefficients,
        on standardised covariates.
    sigma
        Of the standard deviation of each logit's field.
    rho
        Of the spatial fraction of the fields.
    correlation
        Of the correlations between the fields.
    overdispersion
        Of the Dirichlet-multinomial.
    """

    intercept_sd: float = 1.5
    coefficient_sd: float = 1.0
    sigma: PCSigma | HalfNormal = field(default_factory=PCSigma)
    rho: PCRho | BetaRho = field(default_factory=PCRho)
    correlation: LKJ = field(default_factory=LKJ)
    overdispersion: PCOverdispersion = field(default_factory=PCOverdispersion)

    def __post_init__(self) -> None:
        wrong = [name for name in ("intercept_sd", "coefficient_sd") if not getattr(self, name) > 0]
        if wrong:
            raise ModelError(Problem(f"{' and '.join(wrong)} must be positive", "give a positive number"))


def between_logits(count: int) -> np.ndarray:
    """V, the prior covariance between the coefficients of logits, in units of s^2, shape (K, K)."""
    return 0.5 * (np.eye(count) + 1)
