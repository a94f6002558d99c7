r"""`VoteShareModel`: the specification of a model; it holds no data.

District i has y_i votes for a party out of N_i valid votes (or y_i cases at exposure E_i):

    y_i ~ Binomial(N_i, logit^-1(eta_i))       or    y_i ~ Poisson(E_i exp(eta_i))
    eta = alpha + X beta + e,    e = sigma (sqrt(1 - rho) theta + sqrt(rho) phi)

with X standardised, theta iid N(0, 1) and phi the intrinsic CAR of the neighbour graph, scaled within each
component (BYM2, Riebler et al. 2016).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from spatialvote.data.districts import Districts
from spatialvote.data.errors import ModelError, Problem, name_some
from spatialvote.models.design import Design, build_design, split_formula
from spatialvote.models.families import FAMILIES
from spatialvote.models.posterior import Posterior
from spatialvote.models.priors import BetaRho, HalfNormal, PCOverdispersion, PCRho, PCSigma, Priors
from spatialvote.models.structures import STRUCTURES, bind

if TYPE_CHECKING:
    import pymc as pm

    from spatialvote.models.fit import Fit
    from spatialvote.models.nuts import Progress

#: Names under which priors appear in study files and saved fits.
_SD_PRIORS = {"pc": PCSigma, "half_normal": HalfNormal}
PRIOR_KINDS: Mapping[str, Mapping[str, type]] = MappingProxyType(
    {
        "sigma": _SD_PRIORS,
        "rho": {"pc": PCRho, "beta": BetaRho},
        "overdispersion": {"pc": PCOverdispersion},
        "noise": _SD_PRIORS,
        "group": _SD_PRIORS,
    }
)


@dataclass(frozen=True)
class VoteShareModel:
    """A formula, a family, a spatial structure and priors.

    Attributes
    ----------
    formula
        ``party ~ covariates`` in the syntax of bambi and lme4.
    family
        ``binomial`` (votes out of valid votes) or ``poisson`` (counts with exposure).
    structure
        ``bym2``, or to compare with ``iid`` (effects without neighbours) or ``none`` (no effects).
    priors
        See `spatialvote.models.priors.Priors`.
    standardise
        Whether covariates are centred and scaled before the priors apply; False only to reproduce a
        published fit whose priors stand on the original scale.

    Examples
    --------
    >>> model = VoteShareModel("pvv ~ migrant_share + education")
    >>> model.party, model.structure
    ('pvv', 'bym2')
    """

    formula: str
    family: str = "binomial"
    structure: str = "bym2"
    priors: Priors = field(default_factory=Priors)
    standardise: bool = True

    def __post_init__(self) -> None:
        problems = [
            Problem(f"{what} '{value}' is unknown", f"use one of {name_some(allowed, limit=10)}")
            for what, value, allowed in (
                ("family", self.family, FAMILIES),
                ("structure", self.structure, STRUCTURES),
            )
            if value not in allowed
        ]
        if problems:
            raise ModelError(problems)
        split_formula(self.formula)
        # Frozen once made: what the structure chooses is part of the specification.
        resolved = self.priors.resolved(self.structure, STRUCTURES[self.structure])
        object.__setattr__(self, "priors", resolved)

    @property
    def party(self) -> str:
        """The party (or outcome) on the formula's left side."""
        return split_formula(self.formula)[0]

    def fit(
        self,
        districts: Districts,
        engine: str = "nuts",
        *,
        seed: int,
        draws: int = 1500,
        tune: int = 400,
        chains: int = 4,
        cores: int | None = None,
        target_accept: float | None = None,
        progress: Progress | bool = True,
    ) -> Fit:
        """Fit the model to districts.

        Parameters
        ----------
        districts
            Validated districts; a party of theirs is on the formula's left side.
        engine
            ``nuts``: exact up to Monte Carlo error.
        seed
            Seed of the one random generator behind the fit; the same seed gives the same fit.
        draws, tune, chains, cores, target_accept
            See `spatialvote.models.nuts.NutsSettings`.
        progress
            True for a progress bar on the terminal, False for none, or a function to be called.

        Raises
        ------
        ModelError
            Where the formula, the family or the engine do not suit the districts.
        """
        # The engine brings nutpie and ArviZ, which a specification alone does not need.
        from spatialvote.models.fitting import fit_nuts
        from spatialvote.models.nuts import NutsSettings

        if engine != "nuts":
            raise ModelError(Problem(f"engine '{engine}' is unknown", "use 'nuts'"))
        settings = NutsSettings(draws, tune, chains, cores, target_accept)
        return fit_nuts(self, districts, settings, seed, progress)

    def posterior(self, districts: Districts) -> tuple[Posterior, Design]:
        """The log posterior of this model for some districts, and the design behind it."""
        design = build_design(self.formula, districts, self.standardise)
        votes = districts.votes(design.party).astype(np.float64)
        size = self._size(districts)
        level = FAMILIES[self.family].overall(votes, size)
        if not np.isfinite(level):
            raise ModelError(
                Problem(
                    f"party '{design.party}' has {'no' if votes.sum() == 0 else 'all'} votes everywhere",
                    "choose a party that stood in some districts and not alone",
                )
            )
        mean = self.priors.intercept_mean
        columns = len(design.names)
        posterior = Posterior(
            family=self.family,
            votes=votes,
            size=size,
            design=np.column_stack([np.ones(districts.n), design.standardised]),
            prior_mean=np.r_[level if mean is None else mean, np.zeros(columns)],
            prior_sd=np.r_[self.priors.intercept_sd, np.full(columns, self.priors.coefficient_sd)],
            field=bind(self.structure, districts),
            priors=self.priors,
        )
        return posterior, design

    def to_pymc(self, districts: Districts) -> pm.Model:
        """The same model written in PyMC, coefficients sampled, to extend or to check by hand."""
        from spatialvote.models.pymc_model import build_pymc

        return build_pymc(self, districts)

    def _size(self, districts: Districts) -> np.ndarray:
        """Valid votes or exposure, float64, shape (n,)."""
        wanted = "valid" if self.family == "binomial" else "exposure"
        if getattr(districts.roles, wanted) is None:
            raise ModelError(
                Problem(
                    f"family '{self.family}' needs the role '{wanted}', which these districts lack",
                    f"name the column with {wanted} when reading, or choose another family",
                )
            )
        return np.asarray(getattr(districts, wanted), dtype=np.float64)

    def to_dict(self) -> dict[str, Any]:
        """Plain values from which `from_dict` makes the same model."""
        priors = asdict(self.priors)
        for name, kinds in PRIOR_KINDS.items():
            prior = getattr(self.priors, name)
            if prior is not None:
                kind = next(kind for kind, cls in kinds.items() if isinstance(prior, cls))
                priors[name] = {"prior": kind, **asdict(prior)}
        return {**asdict(self), "priors": priors}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> VoteShareModel:
        """Make a model from what `to_dict` gave; priors that it does not name take their defaults."""
        given = dict(values["priors"])
        for name, kinds in PRIOR_KINDS.items():
            if given.get(name) is not None:
                prior = dict(given[name])
                given[name] = kinds[prior.pop("prior")](**prior)
        return cls(**{**values, "priors": Priors(**given)})
