"""Priors of a model of elections over time."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from spatialvote.data.errors import ModelError, Problem, name_some
from spatialvote.models.priors import BetaRho, PCRho, PCSigma


@dataclass(frozen=True)
class ElectionsPriors:
    """Priors on the logit scale, covariates standardised over all district-elections.

    Attributes
    ----------
    intercept_sd
        Of each election's intercept around the logit of its overall share.
    coefficient_sd
        Of each coefficient, and of the mean of the effect's path.
    sigma, rho
        Of the persistent effects of districts: sd of a typical one, and its structured part.
    change
        Sd of a typical structured departure of a district at an election.
    own
        Sd of the independent effect of each district-election.
    path
        Sd of a typical departure of the effect from its mean over the elections.
    slope
        Sd of a typical district's departure from the effect: P(sd > 0.2) = 0.01 keeps it near constant.
    persistence
        Of the autoregression's r.
    """

    intercept_sd: float = 1.5
    coefficient_sd: float = 1.0
    sigma: PCSigma = field(default_factory=PCSigma)
    rho: PCRho | BetaRho = field(default_factory=PCRho)
    change: PCSigma = field(default_factory=lambda: PCSigma(0.5, 0.01))
    own: PCSigma = field(default_factory=lambda: PCSigma(0.5, 0.01))
    path: PCSigma = field(default_factory=lambda: PCSigma(0.5, 0.01))
    slope: PCSigma = field(default_factory=lambda: PCSigma(0.2, 0.01))
    persistence: BetaRho = field(default_factory=lambda: BetaRho(1.0, 1.0))

    def __post_init__(self) -> None:
        wrong = [name for name in ("intercept_sd", "coefficient_sd") if not getattr(self, name) > 0]
        if wrong:
            raise ModelError(Problem(f"{name_some(wrong)} must be positive", "give a positive number"))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ElectionsPriors":
        """Priors from plain values, as `dataclasses.asdict` gives them.

        Raises
        ------
        ModelError
            If a name or a value is not allowed.
        """
        known = [one.name for one in fields(cls)]
        unknown = [name for name in values if name not in known]
        if unknown:
            raise ModelError(
                Problem(f"there is no prior of {name_some(unknown)}", f"choose from {', '.join(known)}")
            )
        made = {}
        for name, value in values.items():
            kind = PCSigma
            if name == "persistence" or (name == "rho" and isinstance(value, Mapping) and "a" in value):
                kind = BetaRho
            elif name == "rho":
                kind = PCRho
            try:
                made[name] = kind(**value) if isinstance(value, Mapping) else value
            except TypeError as error:
                raise ModelError(
                    Problem(f"the prior of {name} cannot be read ({error})", "give its parameters")
                ) from error
        return cls(**made)
