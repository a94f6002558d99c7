r"""`PartySharesModel`: the specification of a model of several parties; it holds no data.

Of the N_i votes of district i (or of its electorate), y_ik are for party k of m, and the rest for all others:

    y_i ~ Multinomial(N_i, p_i),    log(p_ik / p_i,rest) = eta_ik            (or Dirichlet-multinomial)
    eta_k = alpha_k + X beta_k + e_k
    E = F A',    F's columns independent BYM2 fields of unit variance, A lower triangular

so that Cov(e_k, e_l) over a typical district is (A A')_kl = sigma_k sigma_l C_kl, C the correlation of the
parties' fields. See docs/parties.md.

Gelfand, A. E., Schmidt, A. M., Banerjee, S., Sirmans, C. F. (2004). Nonstationary multivariate process
modeling through spatially varying coregionalization. Test 13.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from spatialvote.data.districts import Districts
from spatialvote.data.errors import ModelError, Problem, name_some
from spatialvote.models.design import Design, build_design, split_formula
from spatialvote.models.outcome import ABSENT
from spatialvote.models.parties.correlation import LKJ
from spatialvote.models.parties.outcome import NO_VOTE, REST, WHOLES, PartyCounts, read_counts
from spatialvote.models.parties.posterior import PartyPosterior, overall_logits
from spatialvote.models.parties.priors import PartyPriors
from spatialvote.models.priors import BetaRho, HalfNormal, PCOverdispersion, PCRho, PCSigma
from spatialvote.models.structures import bind

if TYPE_CHECKING:
    from spatialvote.models.nuts import Progress
    from spatialvote.models.parties.fit import PartySharesFit

FAMILIES = ("multinomial", "dirichlet_multinomial")
FIELDS = ("separable", "coregional", "independent")
STRUCTURES = ("bym2", "iid")
_SD_PRIORS = {"pc": PCSigma, "half_normal": HalfNormal}
#: Names under which priors appear in study files and saved fits.
PRIOR_KINDS: Mapping[str, Mapping[str, type]] = {
    "sigma": _SD_PRIORS,
    "rho": {"pc": PCRho, "beta": BetaRho},
    "correlation": {"lkj": LKJ},
    "overdispersion": {"pc": PCOverdispersion},
}


@dataclass(frozen=True)
class PartySharesModel:
    """A formula with several parties, a family, a whole, a structure of their fields, and priors.

    Attributes
    ----------
    formula
        ``party + party ~ covariates``; covariates in the syntax of bambi and lme4.
    family
        ``multinomial``, or ``dirichlet_multinomial``, whose shares vary more.
    whole
        ``valid``: shares of valid votes; ``electorate``: shares of the persons entitled to vote, those
        without a valid vote being a category.
    fields
        ``separable``: the parties' fields correlate and have one rho; ``coregional``: they correlate and
        have a rho each, which makes their structured and unstructured parts correlate differently (the order
        of the parties then matters); ``independent``: they do not correlate, and have a rho each.
    structure
        ``bym2``, or ``iid``: fields without neighbours.
    absent
        ``zero votes``: where nobody voted for a party it did not stand, and is left out of the sum of shares
        there; ``none``: it stood everywhere.
    priors
        See `PartyPriors`.

    Examples
    --------
    >>> model = PartySharesModel("pvv + denk ~ migrant_share + education")
    >>> model.parties, model.fields
    (('pvv', 'denk'), 'separable')
    """

    formula: str
    family: str = "multinomial"
    whole: str = "valid"
    fields: str = "separable"
    structure: str = "bym2"
    absent: str = "none"
    priors: PartyPriors = field(default_factory=PartyPriors)

    def __post_init__(self) -> None:
        problems = [
            Problem(f"{what} '{value}' is unknown", f"use one of {name_some(allowed, limit=10)}")
            for what, value, allowed in (
                ("family", self.family, FAMILIES),
                ("whole", self.whole, WHOLES),
                ("fields", self.fields, FIELDS),
                ("structure", self.structure, STRUCTURES),
                ("absent", self.absent, ABSENT),
            )
            if value not in allowed
        ]
        twice = sorted({one for one in self.parties if self.parties.count(one) > 1})
        if twice:
            problems.append(Problem(f"{name_some(twice)} stands twice in the formula", "name it once"))
        taken = [one for one in self.parties if one in (NO_VOTE, REST)]
        if taken:
            problems.append(
                Problem(f"a party is called {name_some(taken)}, as a category is", "give it another name")
            )
        if "|" in self.formula:
            problems.append(
                Problem(
                    f"formula '{self.formula}' has group-level terms",
                    "leave them out: models of several parties have none",
                )
            )
        if problems:
            raise ModelError(problems)

    @property
    def parties(self) -> tuple[str, ...]:
        """The parties on the formula's left side, in its order.

        Raises
        ------
        ModelError
            Where a name between plus signs is missing.
        """
        left, _ = split_formula(self.formula)
        names = tuple(one.strip().strip("`") for one in re.split(r"\+", left))
        if not all(names):
            raise ModelError(
                Problem(
                    f"formula '{self.formula}' lacks a party beside a '+'",
                    "write the parties with a plus between them, as in 'pvv + denk ~ migrant_share'",
                )
            )
        return names

    def fit(
        self,
        districts: Districts,
        *,
        seed: int,
        draws: int | None = None,
        tune: int | None = None,
        chains: int | None = None,
        cores: int | None = None,
        target_accept: float | None = None,
        progress: Progress | bool = True,
    ) -> PartySharesFit:
        """Fit the model to districts by the No-U-Turn sampler.

        Parameters
        ----------
        districts
            Validated districts with valid votes (and an electorate where that is the whole).
        seed
            Seed of the one random generator behind the fit; the same seed gives the same fit.
        draws, tune, chains, cores, target_accept
            See `spatialvote.models.parties.sampling.PartySettings`.
        progress
            True for a progress bar on the terminal, False for none, or a function to be called.

        Raises
        ------
        ModelError
            Where formula, whole or family do not suit the districts.
        """
        # The sampler brings nutpie and ArviZ, which a specification alone does not need.
        from spatialvote.models.parties.fitting import fit_parties
        from spatialvote.models.parties.sampling import PartySettings

        asked = {
            "draws": draws,
            "tune": tune,
            "chains": chains,
            "cores": cores,
            "target_accept": target_accept,
        }
        settings = PartySettings(**{name: value for name, value in asked.items() if value is not None})
        return fit_parties(self, districts, settings, seed, progress)

    def counts(self, districts: Districts) -> PartyCounts:
        """What the likelihood takes for votes."""
        return read_counts(districts, self.parties, self.whole, self.absent)

    def design(self, districts: Districts) -> Design:
        """The design behind the formula's right side."""
        counts_of = self.parties[0]
        return build_design(f"{counts_of} ~ {split_formula(self.formula)[1]}", districts)

    def posterior(self, districts: Districts) -> tuple[PartyPosterior, Design, PartyCounts]:
        """The log posterior of this model for some districts, the design and the counts behind it."""
        counts = self.counts(districts)
        self._refuse_unknown(districts)
        design = self.design(districts)
        columns = len(design.names)
        posterior = PartyPosterior(
            family=self.family,
            counts=counts.counts,
            stood=counts.stood,
            design=np.column_stack([np.ones(districts.n), design.standardised]),
            level=overall_logits(counts.counts, counts.stood),
            prior_sd=np.r_[self.priors.intercept_sd, np.full(columns, self.priors.coefficient_sd)],
            field=bind(self.structure, districts),
            fields=self.fields,
            priors=self.priors,
        )
        return posterior, design, counts

    def _refuse_unknown(self, districts: Districts) -> None:
        """Refuse covariates with values that are not known exactly."""
        right = split_formula(self.formula)[1]
        named = {*re.findall(r"[^\W\d]\w*", right), *re.findall(r"`([^`]+)`", right)}
        unknown = [column for column in districts.unknown.columns if column in named]
        if unknown:
            raise ModelError(
                Problem(
                    f"{name_some(unknown)} has values that are not known exactly, which models of several "
                    "parties do not take",
                    "leave it out of the formula, or leave these districts out",
                )
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain values from which `from_dict` makes the same model."""
        priors = asdict(self.priors)
        for name, kinds in PRIOR_KINDS.items():
            prior = getattr(self.priors, name)
            kind = next(kind for kind, cls in kinds.items() if isinstance(prior, cls))
            priors[name] = {"prior": kind, **asdict(prior)}
        return {**asdict(self), "priors": priors}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> PartySharesModel:
        """Make a model from what `to_dict` gave; priors that it does not name take their defaults."""
        given = dict(values.get("priors", {}))
        for name, kinds in PRIOR_KINDS.items():
            if given.get(name) is not None:
                prior = dict(given[name])
                given[name] = kinds[prior.pop("prior")](**prior)
        return cls(**{**values, "priors": PartyPriors(**given)})
