r"""`VoteShareModel`: the specification of a model; it holds no data.

District i has y_i votes for a party out of N_i valid votes, y_i cases at exposure E_i, or a share s_i:

    y_i ~ Binomial(N_i, logit^-1(eta_i))       or    y_i ~ BetaBinomial(N_i, logit^-1(eta_i), delta)
    y_i ~ Poisson(E_i exp(eta_i))              or    logit(s_i) ~ Normal(eta_i, noise^2)

    eta = alpha + X beta + u + gamma x + e

with X standardised, u the effects of group-level terms, gamma the departures of a slope that varies over the
map (`varying`), and e the effects of districts as one of
`spatialvote.models.structures` has them; for BYM2 (Riebler et al. 2016)

    e = sigma (sqrt(1 - rho) theta + sqrt(rho) phi),

with theta iid N(0, 1) and phi the intrinsic CAR of the neighbour graph, scaled within each component.
gamma is sigma_slope times another such field: neighbouring districts have similar slopes (Assunção 2003).

Assunção, R. M. (2003). Space varying coefficient models for small area data. Environmetrics 14.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from spatialvote.data.districts import Districts
from spatialvote.data.errors import ModelError, Problem, name_some
from spatialvote.models.design import Design, build_design, split_formula
from spatialvote.models.families import FAMILIES
from spatialvote.models.outcome import ABSENT, Outcome, read_outcome
from spatialvote.models.posterior import Posterior
from spatialvote.models.priors import BetaRho, HalfNormal, PCOverdispersion, PCRho, PCSigma, Priors
from spatialvote.models.structures import STRUCTURES, bind
from spatialvote.models.varying import varying_column

if TYPE_CHECKING:
    import pymc as pm

    from spatialvote.models.draw_store import Resume
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
        "slope": _SD_PRIORS,
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
        ``binomial`` (votes out of valid votes), ``beta_binomial`` (the same with votes that vary more),
        ``poisson`` (counts with exposure) or ``gaussian`` (logits of shares, where counts are not known).
    structure
        ``bym2``, ``leroux``, ``proper_car``, ``sar`` or ``dagar``, or to compare with ``iid`` (effects
        without neighbours) or ``none`` (no effects).
    priors
        See `spatialvote.models.priors.Priors`. A prior of rho that was left to the structure is chosen here.
    standardise
        Whether covariates are centred and scaled before the priors apply; False only to reproduce a
        published fit whose priors stand on the original scale.
    absent
        ``zero votes``: where nobody voted for the party it did not stand, and such a district has no
        likelihood; ``none``: it stood everywhere, and no votes are a count of zero.
    varying
        Covariate whose slope varies over the map, smoothly between neighbours; with structure ``bym2``. Its
        coefficient is then the average slope, over the districts of each connected component.

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
    absent: str = "none"
    varying: str | None = None

    def __post_init__(self) -> None:
        problems = [
            Problem(f"{what} '{value}' is unknown", f"use one of {name_some(allowed, limit=10)}")
            for what, value, allowed in (
                ("family", self.family, FAMILIES),
                ("structure", self.structure, STRUCTURES),
                ("absent", self.absent, ABSENT),
            )
            if value not in allowed
        ]
        if self.varying is not None and self.structure in STRUCTURES and self.structure != "bym2":
            problems.append(
                Problem(
                    f"structure '{self.structure}' does not go with a slope that varies over the map "
                    f"(varying='{self.varying}')",
                    "use structure 'bym2', or leave varying out",
                )
            )
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
        draws: int | None = None,
        tune: int | None = None,
        chains: int | None = None,
        cores: int | None = None,
        target_accept: float | None = None,
        parametrisation: str | None = None,
        held_out: Collection[str] = (),
        progress: Progress | bool = True,
        store: str | Path | None = None,
        resume: Resume = False,
    ) -> Fit:
        """Fit the model to districts.

        Parameters
        ----------
        districts
            Validated districts; a party of theirs is on the formula's left side.
        engine
            ``nuts``: exact up to Monte Carlo error; ``laplace``: in seconds also for tens of thousands of
            districts, with weights that correct it and say how good it is; ``auto``: as
            `spatialvote.models.engines` chooses, and says why.
        seed
            Seed of the one random generator behind the fit; the same seed gives the same fit.
        draws, cores
            Draws of each chain (``nuts``, 1,500 unless told) or in all (``laplace``, 1,000), and how many
            threads; None: as many as the machine has cores.
        tune, chains, target_accept, parametrisation
            Of ``nuts``: see `spatialvote.models.nuts.NutsSettings`.
        held_out
            Ids of districts whose votes are held out, to be predicted from the others: they have no
            likelihood and keep their covariates and their place in the graph. Covariates are standardised
            over all districts; the overall share, the intercept's prior mean, is that of the others.
        progress
            True for a progress bar on the terminal, False for none, or a function to be called.
        store
            Folder where draws are kept while they are drawn, so that none is lost when the process ends
            early. It stays: delete it once the fit is saved. None: draws stay in memory.
        resume
            Where the store holds draws of this very fit: False refuses, True goes on with them (and starts
            where there are none), ``"partial"`` makes a fit of these alone, marked so in its record.

        Raises
        ------
        ModelError
            Where the formula, the family or the engine do not suit the districts, or `held_out` has unknown
            ids or leaves no votes.
        FitError
            Where the store holds draws of another fit, or of this one and `resume` is False.
        """
        # The engines bring nutpie and ArviZ, which a specification alone does not need.
        from spatialvote.models.engines import fit

        settings = {
            "draws": draws,
            "tune": tune,
            "chains": chains,
            "cores": cores,
            "target_accept": target_accept,
            "parametrisation": parametrisation,
        }
        given = {name: value for name, value in settings.items() if value is not None}
        folder = None if store is None else Path(store)
        return fit(self, districts, engine, given, seed, progress, folder, resume, held_out)

    def posterior(self, districts: Districts, held_out: Collection[str] = ()) -> tuple[Posterior, Design]:
        """The log posterior of this model for some districts, and the design behind it."""
        design = build_design(self.formula, districts, self.standardise)
        outcome = self.outcome(districts, held_out)
        level = FAMILIES[self.family].overall(outcome.votes, outcome.size)
        mean = self.priors.intercept_mean
        columns = len(design.names)
        levels = [len(group.levels) for group in design.groups]
        structure = bind(self.structure, districts)
        posterior = Posterior(
            family=self.family,
            votes=outcome.votes,
            size=outcome.size,
            design=np.column_stack(
                [np.ones(districts.n), design.standardised, *map(design.group_columns, design.groups)]
            ),
            prior_mean=np.r_[level if mean is None else mean, np.zeros(columns + sum(levels))],
            prior_sd=np.r_[
                self.priors.intercept_sd, np.full(columns, self.priors.coefficient_sd), np.ones(sum(levels))
            ],
            field=structure,
            priors=self.priors,
            effects=tuple(group.effect for group in design.groups),
            column_group=np.repeat(np.arange(len(levels) + 1), [1 + columns, *levels]),
            varying=None if self.varying is None else varying_column(self.varying, design, structure.graph),
        )
        return posterior, design

    def outcome(self, districts: Districts, held_out: Collection[str] = ()) -> Outcome:
        """What the family takes for votes and sizes of the party in some districts."""
        return read_outcome(self.family, districts, self.party, self.absent, held_out)

    def to_pymc(self, districts: Districts) -> pm.Model:
        """The same model written in PyMC, coefficients sampled, to extend or to check by hand."""
        from spatialvote.models.pymc_model import build_pymc

        return build_pymc(self, districts)

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
