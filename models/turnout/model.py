r"""`TurnoutModel`: how turnout varies over origin, age, sex, area and election; a specification, no data.

Of the entitled N_i persons of cell i, y_i voted:

    y_i ~ Binomial(N_i, logit^-1 eta_i)
    eta_i = c(a_i) + w_{g_i}(a_i) + s_{sex_i} + r_{election_i} + u_{area_i} + v_{interaction_i} + e_i
            + sum over moderators of (b + d_{g_i}) z_{area_i}

- c, the curve over age that all groups share: a level ~ Normal(logit of overall turnout, 1.5^2) and a random
  walk of scale ``sigma_age``.
- w_g, group g's own departure from it: a level ~ Normal(0, ``sigma_group``^2) and a random walk of scale
  ``sigma_group_age``, the same scales for all groups: a group of few persons is pulled to the shared curve,
  and a group of many follows its own data.
- u: BYM2 over the neighbour graph (``sigma_area``, ``rho``) or iid; v: iid for each interaction
  (``sigma_...``).
- z: a moderator, what is known of an area (policy, inclusion), with mean 0 and standard deviation 1 over the
  areas; b its slope for all, d_g the departure of group g from it, so that the gap between g and h changes by
  d_g - d_h for each standard deviation, beside the v_{g, area} that moderators leave open.
- e: what a cell has by itself, iid (``sigma_cell``), without which the thousands of a big cell would claim a
  certainty that no such model has.

A random walk of order one (two) has independent Normal first (second) differences. Its structure matrix is
scaled so that the geometric mean of its marginal variances is one (Sorbye & Rue 2014), so that sigma does
not depend on how many bands there are; its null space gets the variance of the level, and under order two
the linear trend, scaled to reach one at the ends, as well.

References
----------
Ghitza, Y., Gelman, A. (2013). Deep interactions with MRP: Election turnout and voting patterns among small
electoral subgroups. American Journal of Political Science 57.
Rue, H., Held, L. (2005). Gaussian Markov Random Fields. Chapman & Hall/CRC, chapter 3.
Sorbye, S. H., Rue, H. (2014). Scaling intrinsic Gaussian Markov random field priors. Spatial Statistics 8.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from spatialvote.data.errors import ModelError, Problem, name_some
from spatialvote.data.turnout import FACTORS
from spatialvote.models.priors import PCRho, PCSigma

if TYPE_CHECKING:
    from spatialvote.data.turnout import TurnoutCells
    from spatialvote.models.turnout.fit import TurnoutFit

AGE_WALKS = ("rw1", "rw2", "iid")
AREA_STRUCTURES = ("bym2", "iid")


@dataclass(frozen=True)
class TurnoutPriors:
    """Priors of a `TurnoutModel`, all on the logit scale.

    Attributes
    ----------
    intercept_sd
        Standard deviation of the shared level around the logit of overall turnout.
    sex_sd, election_sd
        Standard deviations of the effects of sex and of election.
    moderator_sd
        Standard deviation of b, and of the difference d_g - d_h between two groups, for each standard
        deviation of a moderator.
    group, age, group_age, area, interaction, cell
        Priors of the standard deviations of the terms.
    rho
        Prior of the spatial fraction of the areas' variance.
    """

    intercept_sd: float = 1.5
    sex_sd: float = 0.5
    election_sd: float = 1.0
    moderator_sd: float = 0.5
    group: PCSigma = field(default_factory=lambda: PCSigma(2.0, 0.05))
    age: PCSigma = field(default_factory=lambda: PCSigma(1.0, 0.05))
    group_age: PCSigma = field(default_factory=lambda: PCSigma(1.0, 0.01))
    area: PCSigma = field(default_factory=PCSigma)
    interaction: PCSigma = field(default_factory=lambda: PCSigma(0.5, 0.01))
    cell: PCSigma = field(default_factory=lambda: PCSigma(0.5, 0.01))
    rho: PCRho = field(default_factory=PCRho)

    def __post_init__(self) -> None:
        wrong = [
            n for n in ("intercept_sd", "sex_sd", "election_sd", "moderator_sd") if not getattr(self, n) > 0
        ]
        if wrong:
            raise ModelError(Problem(f"{name_some(wrong)} must be positive", "give a positive number"))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TurnoutPriors:
        """Priors from plain values, as `dataclasses.asdict` gives them."""
        made = {}
        for name, value in values.items():
            kind = PCRho if name == "rho" else PCSigma
            made[name] = kind(**value) if isinstance(value, Mapping) else value
        return cls(**made)


@dataclass(frozen=True)
class TurnoutModel:
    """A specification.

    Attributes
    ----------
    age
        ``"rw1"``, ``"rw2"`` or ``"iid"``; used where cells have ages.
    area
        ``"bym2"`` over the cells' links, or ``"iid"``; None: BYM2 where there are links.
    interactions
        Pairs of factors with an iid effect for each combination.
    moderators
        Names of the cells' moderators that the groups' turnout may depend on. Where cells have groups, the
        interaction of group and area must stand beside them: without it every person would be taken for
        independent evidence of what only areas can tell.
    cell
        Whether each cell has an effect of its own.
    priors
        See `TurnoutPriors`.

    Examples
    --------
    >>> from spatialvote.data.turnout_simulate import simulate_register
    >>> cells = simulate_register(1, electorate=5000, areas=9).cells
    >>> TurnoutModel(interactions=()).fit(cells, seed=1, draws=200)
    TurnoutFit(simulated register: 540 cells, 200 draws)
    """

    age: str = "rw1"
    area: str | None = None
    interactions: tuple[tuple[str, str], ...] = (("group", "area"),)
    moderators: tuple[str, ...] = ()
    cell: bool = True
    priors: TurnoutPriors = field(default_factory=TurnoutPriors)

    def __post_init__(self) -> None:
        problems = []
        if self.age not in AGE_WALKS:
            problems.append(Problem(f"age is '{self.age}'", f"choose from {', '.join(AGE_WALKS)}"))
        if self.area is not None and self.area not in AREA_STRUCTURES:
            problems.append(Problem(f"area is '{self.area}'", f"choose from {', '.join(AREA_STRUCTURES)}"))
        for pair in self.interactions:
            unknown = [name for name in pair if name not in FACTORS]
            if unknown or len(set(pair)) != 2:
                problems.append(
                    Problem(
                        f"interaction {' x '.join(pair)} is none of two factors",
                        f"name two of {', '.join(FACTORS)}",
                    )
                )
        if len(set(self.moderators)) < len(self.moderators):
            problems.append(Problem("a moderator is named twice", "name each once"))
        if problems:
            raise ModelError(problems)

    def to_dict(self) -> dict[str, Any]:
        """The specification as plain values."""
        return {
            **asdict(self),
            "interactions": [list(pair) for pair in self.interactions],
            "moderators": list(self.moderators),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TurnoutModel:
        """The specification from plain values.

        Raises
        ------
        ModelError
            If a key is unknown or a value not allowed.
        """
        known = {one.name for one in fields(cls)}
        unknown = [name for name in values if name not in known]
        if unknown:
            raise ModelError(
                Problem(f"a turnout model has no {name_some(unknown)}", f"choose from {', '.join(known)}")
            )
        made = dict(values)
        if "interactions" in made:
            made["interactions"] = tuple(tuple(pair) for pair in made["interactions"])
        if "moderators" in made:
            made["moderators"] = tuple(made["moderators"])
        if "priors" in made:
            made["priors"] = TurnoutPriors.from_dict(made["priors"])
        return cls(**made)

    def fit(self, cells: TurnoutCells, *, seed: int, draws: int = 2000) -> TurnoutFit:
        """Fit the model; see `models.turnout.fitting`.

        Parameters
        ----------
        cells
            What to fit.
        seed
            Of the one random generator that is used; the same seed gives the same draws.
        draws
            Draws of the posterior.

        Raises
        ------
        ModelError
            Where the model needs what the cells do not have.
        """
        from spatialvote.models.turnout.fitting import fit_turnout

        return fit_turnout(self, cells, seed=seed, draws=draws)
