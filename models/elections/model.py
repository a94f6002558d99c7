r"""`ElectionsModel`: votes at repeated elections on the same districts; a specification, no data.

District i has y_it votes out of N_it at election t; z is the covariate whose effect is followed (by default
the migrant share), x the others, all standardised over all district-elections:

    y_it ~ Binomial(N_it, logit^-1 eta_it)
    eta_it = alpha_t + x_it'beta + (slope_t + delta_i) z_it + u_i + psi_it + e_it

- alpha_t, every election's own intercept;
- slope_t, the effect's **path**: a mean and a walk around it (``"walk"``), one slope for each election
  without prior ties (``"free"``), or the same at all (``"constant"``);
- u, what persists: BYM2 (Riebler et al. 2016), sigma (sqrt(1 - rho) v_i + sqrt(rho) phi_i);
- psi, **structured change** (type IV of Knorr-Held 2000): sigma_change times a random walk or an
  autoregression over the elections (`steps`) times a scaled intrinsic CAR over the map. It sums to zero over
  the elections in every district, and over the districts of every component at every election;
- e_it ~ N(0, sigma_own^2), each district-election's own (type I), integrated out;
- delta, with ``varying``: sigma_slope times a scaled intrinsic CAR, a **slope that varies over the map**.

An island has iid effects in place of an intrinsic CAR's. A model of its own, and not an argument of
`VoteShareModel`: its rows are district-elections, its checks are by election, and its answer is a path.

References
----------
Knorr-Held, L. (2000). Bayesian modelling of inseparable space-time variation in disease risk. Statistics in
Medicine 19.
Assuncao, R. M. (2003). Space varying coefficient models for small area data. Environmetrics 14.
Riebler, A., Sorbye, S. H., Simpson, D., Rue, H. (2016). An intuitive Bayesian spatial model for disease
mapping that accounts for scaling. Statistical Methods in Medical Research 25.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from spatialvote.data.errors import ModelError, Problem, name_some
from spatialvote.models.design import split_formula
from spatialvote.models.elections.priors import ElectionsPriors
from spatialvote.models.elections.steps import STEPS

if TYPE_CHECKING:
    from spatialvote.data.elections import Elections
    from spatialvote.models.elections.fit import ElectionsFit

PATHS = ("walk", "free", "constant")
INTERACTIONS = ("structured", "independent")
SPACINGS = ("elections", "time")


@dataclass(frozen=True)
class ElectionsModel:
    """A specification.

    Attributes
    ----------
    formula
        ``party ~ covariates`` in the syntax of bambi and lme4, without terms of groups.
    effect
        The column of the formula whose effect is followed; None: the elections' column of migrants.
    path
        ``walk``, ``free`` or ``constant``.
    time
        ``rw1`` or ``ar1``: how change hangs together over the elections.
    interaction
        ``structured`` (types IV and I together) or ``independent`` (type I alone).
    varying
        Whether the slope varies over the map.
    by_election
        Other columns of the design whose coefficient is each election's own.
    spacing
        ``elections``: every step counts alike; ``time``: by the years between.
    priors
        See `ElectionsPriors`.

    Examples
    --------
    >>> model = ElectionsModel("df ~ migrants + education", time="ar1")
    >>> model.party, model.path
    ('df', 'walk')
    """

    formula: str
    effect: str | None = None
    path: str = "walk"
    time: str = "rw1"
    interaction: str = "structured"
    varying: bool = False
    by_election: tuple[str, ...] = ()
    spacing: str = "elections"
    priors: ElectionsPriors = field(default_factory=ElectionsPriors)

    def __post_init__(self) -> None:
        problems = [
            Problem(f"{name} '{value}' is unknown", f"use one of {name_some(allowed, limit=10)}")
            for name, value, allowed in (
                ("path", self.path, PATHS),
                ("time", self.time, STEPS),
                ("interaction", self.interaction, INTERACTIONS),
                ("spacing", self.spacing, SPACINGS),
            )
            if value not in allowed
        ]
        if problems:
            raise ModelError(problems)
        split_formula(self.formula)
        if "|" in self.formula:
            raise ModelError(
                Problem(
                    f"formula '{self.formula}' has terms of groups, which elections over time do not take",
                    "leave them out: districts have effects of their own",
                )
            )

    @property
    def party(self) -> str:
        """The party on the formula's left side."""
        return split_formula(self.formula)[0]

    def to_dict(self) -> dict[str, Any]:
        """The specification as plain values."""
        return {**asdict(self), "by_election": list(self.by_election)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ElectionsModel:
        """The specification from plain values.

        Raises
        ------
        ModelError
            If a key is unknown or a value not allowed.
        """
        known = [one.name for one in fields(cls)]
        unknown = [name for name in values if name not in known]
        if unknown:
            raise ModelError(
                Problem(f"no model of elections has {name_some(unknown)}", f"choose from {', '.join(known)}")
            )
        made = dict(values)
        if "by_election" in made:
            made["by_election"] = tuple(made["by_election"])
        if "priors" in made:
            made["priors"] = ElectionsPriors.from_dict(made["priors"])
        return cls(**made)

    def fit(
        self,
        elections: Elections,
        engine: str = "laplace",
        *,
        seed: int,
        draws: int | None = None,
        tune: int | None = None,
        chains: int | None = None,
        cores: int | None = None,
    ) -> ElectionsFit:
        """Fit the model.

        Parameters
        ----------
        elections
            What to fit.
        engine
            ``laplace``: in seconds, with weights that correct it and say how good it is; ``metropolis``:
            exact up to Monte Carlo error, in minutes (`spatialvote.models.elections.blocks`).
        seed
            Of the one random generator; the same seed gives the same draws.
        draws
            All of them (``laplace``, 1,000 unless told) or of each chain (``metropolis``, 1,000).
        tune, chains
            Of ``metropolis``: 100 draws of warm-up and 4 chains unless told.
        cores
            Threads; None: as many as the machine has.

        Raises
        ------
        ModelError
            Where formula, effect or engine do not suit the elections.
        FitError
            Where the posterior has no Gaussian approximation near a reasonable start.
        """
        from spatialvote.models.elections.fitting import fit_elections

        return fit_elections(
            self, elections, engine, seed=seed, draws=draws, tune=tune, chains=chains, cores=cores
        )
