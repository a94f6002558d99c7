r"""Does the gap in turnout go with what is known of areas? And what so few areas can tell.

With z a moderator of areas (policy, inclusion; mean 0, standard deviation 1 over them), the gap between
groups g and h in area a is, on the logit scale and at equal ages,

    gap_a = a_gh + (d_g - d_h) z_a + u_gh,a        d_g - d_h ~ Normal(0, moderator_sd^2),

u what the moderator leaves open between areas (`models.turnout.model`). Persons are many, areas are the
units: whatever the number of persons, d_g - d_h is known no better than a line through as many points as
there are areas. Three things say how much is known:

- the prior's weight, Var(d_g - d_h | votes) / moderator_sd^2: one where nothing is learnt;
- a fit with priors twice as wide, of the slope and of u: where its interval is much wider or moves, the
  narrower one came from the prior. With n areas the spread of u is measured by n - 2 of them, and below ten
  areas ignorance of it alone widens an interval by a fifth (t against Normal), so that there the prior of u
  always decides;
- fits without each area in turn.

None of it makes the slope an effect of policy: areas differ in much else, and no model of a few areas tells
these apart.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from spatialvote.analysis.many import run_many
from spatialvote.analysis.turnout_rates import require_factors, summarise
from spatialvote.data.errors import DataError, Problem, name_some
from spatialvote.data.turnout import TurnoutCells
from spatialvote.models.priors import PCSigma
from spatialvote.models.turnout.fit import TurnoutFit
from spatialvote.models.turnout.model import TurnoutModel

#: Areas below which the prior of what they differ in decides how wide intervals are.
FEWEST = 10
#: Weight of the prior, widening and shift (in posterior standard deviations) above which the prior decides.
WEIGHT, WIDENING, SHIFT = 0.5, 1.25, 0.5
#: Draws of the fits that are made for comparison.
_DRAWS = 500


@dataclass(frozen=True, eq=False)
class ModeratedGap:
    """How the gap in turnout of `first` minus `second` goes with a moderator.

    Attributes
    ----------
    moderator, first, second
        What is asked.
    units
        Areas.
    slope
        d_first - d_second, logits for each standard deviation of the moderator, shape (draws,).
    unit_sd
        Standard deviation of the moderator over the areas, in its own unit.
    low, high
        Lower and upper quartile of the moderator over the areas.
    at_low, at_high
        The gap there, in percentage points, in an area of otherwise typical turnout, at the electorate's age
        structure, shape (draws,).
    prior_sd
        Prior standard deviation of `slope`.
    wider
        `slope` under priors twice as wide, shape (draws,).
    without
        One row per area: mean and interval of `slope` without it; empty where none was left out.
    """

    moderator: str
    first: str
    second: str
    units: int
    slope: np.ndarray
    unit_sd: float
    low: float
    high: float
    at_low: np.ndarray
    at_high: np.ndarray
    prior_sd: float
    wider: np.ndarray
    without: pd.DataFrame

    @property
    def prior_weight(self) -> float:
        """Variance of the slope over its prior variance: 1 where the areas tell nothing."""
        return float(self.slope.var() / self.prior_sd**2)

    @property
    def widening(self) -> float:
        """How many times as wide the interval is under priors twice as wide."""
        return float(summarise(self.wider)["width"] / summarise(self.slope)["width"])

    @property
    def shift(self) -> float:
        """How far the mean moves under priors twice as wide, in standard deviations."""
        return float(abs(self.wider.mean() - self.slope.mean()) / self.slope.std())

    @property
    def prior_decides(self) -> bool:
        """Whether the answer is more the prior's than the areas'."""
        return (
            self.units < FEWEST
            or self.prior_weight > WEIGHT
            or self.widening > WIDENING
            or self.shift > SHIFT
        )

    @property
    def direction_held(self) -> bool:
        """Whether the mean has the same sign without each area."""
        return bool((np.sign(self.without["mean"]) == np.sign(self.slope.mean())).all())

    def table(self) -> pd.DataFrame:
        """Slope and gaps: mean, interval, probability of direction."""
        rows = {
            "slope, logits per standard deviation": self.slope,
            "gap at the lower quartile, points": self.at_low,
            "gap at the upper quartile, points": self.at_high,
            "change between them, points": self.at_high - self.at_low,
        }
        made = []
        for name, draws in rows.items():
            below = float((draws < 0).mean())
            made.append(
                {"quantity": name, **{k: float(v) for k, v in summarise(draws).items()},
                 "probability_direction": max(below, 1 - below)}
            )  # fmt: skip
        return pd.DataFrame(made).set_index("quantity")

    def words(self) -> tuple[str, ...]:
        """What can be learnt from these areas, in sentences."""
        weight = (
            f"{self.units} areas stand behind this. Of the prior's variance of the slope "
            f"{100 * self.prior_weight:.0f} % is left; priors twice as wide make the interval "
            f"{self.widening:.2f} times as wide and move it by {self.shift:.2f} standard deviations."
        )
        if self.units < FEWEST:
            verdict = (
                f"The prior decides: {self.units} areas hardly measure how much areas differ otherwise, so "
                "that the interval is as wide as the prior of that lets it be. Nothing should rest on it."
            )
        elif self.prior_decides:
            verdict = "The prior decides more of this than the areas do: nothing should rest on it."
        else:
            verdict = "The areas decide more of this than the prior does."
        told = [weight, verdict]
        if len(self.without):
            least, most = self.without["mean"].idxmin(), self.without["mean"].idxmax()
            held = "keeps" if self.direction_held else "does not keep"
            told.append(
                f"Without one area at a time the slope lies between {self.without['mean'].min():.2f} "
                f"(without {least}) and {self.without['mean'].max():.2f} (without {most}) and {held} its "
                "direction."
            )
        return tuple(told)


@dataclass(frozen=True, eq=False)
class Refits:
    """Fits that are made for comparison; what all moderators and groups are judged by.

    Attributes
    ----------
    wider
        Under priors twice as wide: moderator to departures of the slope, shape (draws, groups).
    without
        The same without an area, by its name; nothing where that was not asked.
    """

    wider: Mapping[str, np.ndarray]
    without: Mapping[str, Mapping[str, np.ndarray]]


def refit(fit: TurnoutFit, *, seed: int = 0, leave_out: bool = True, cores: int | None = None) -> Refits:
    """Fit with priors twice as wide, and without each area in turn.

    Parameters
    ----------
    fit
        A fit whose model has moderators.
    seed
        Of the fits.
    leave_out
        Whether to leave areas out: as many fits as there are areas. An area without which a moderator is the
        same everywhere stays, and so do all of three, the fewest that make a line and something beside it.
    cores
        Processes; None: as many as there are cores.
    """
    cells = fit.cells
    values = np.array([cells.moderators[name] for name in fit.model.moderators])
    left = [
        area
        for place, area in enumerate(cells.levels["area"])
        if leave_out and values.shape[1] > 3 and (np.ptp(np.delete(values, place, axis=1), axis=1) > 0).all()
    ]
    jobs = [(_widened(fit.model), cells, seed)]
    jobs += [(fit.model, without_area(cells, area), seed) for area in left]
    found = run_many(_departures, jobs, cores=cores)
    return Refits(found[0], dict(zip(left, found[1:], strict=True)))


def moderated_gap(
    fit: TurnoutFit, moderator: str, first: str, second: str, refits: Refits | None = None, *, seed: int = 0
) -> ModeratedGap:
    """How the gap between two groups goes with a moderator, and how much of that is known.

    Parameters
    ----------
    fit
        A fit whose model has the moderator.
    moderator, first, second
        The moderator, and the groups: the gap is `first` minus `second`.
    refits
        What `refit` gave; None: it is called, with every area left out in turn. Several gaps share one.
    seed
        For typical cells.

    Raises
    ------
    DataError
        If the model lacks the moderator, or the cells the groups.
    """
    cells = fit.cells
    require_factors(cells, ("group", "area"))
    labels = cells.levels["group"]
    problems = []
    if moderator not in fit.model.moderators:
        problems.append(
            Problem(
                f"the model has no moderator '{moderator}'",
                f"choose from {name_some(fit.model.moderators, 10)}" if fit.model.moderators
                else "fit a TurnoutModel with moderators",
            )
        )  # fmt: skip
    if not {first, second} <= set(labels) or first == second:
        problems.append(
            Problem(
                f"'{first}' and '{second}' are not two groups of the cells",
                f"choose from {name_some(labels, 10)}",
            )
        )
    if problems:
        raise DataError(problems)
    refits = refit(fit, seed=seed) if refits is None else refits
    values = np.asarray(cells.moderators[moderator], dtype=np.float64)
    low, high = np.quantile(values, [0.25, 0.75])
    rng = np.random.default_rng(seed)
    a, b = (labels.index(one) for one in (first, second))
    rows = {}
    for area, departures in refits.without.items():
        others = np.delete(values, cells.levels["area"].index(area))
        # For the same unit as that of all areas, whose deviation is another.
        one = summarise(
            (departures[moderator][:, a] - departures[moderator][:, b]) * values.std() / others.std()
        )
        rows[area] = {name: float(one[name]) for name in ("mean", "low", "high")}
    without = pd.DataFrame.from_dict(rows, orient="index", columns=["mean", "low", "high"])
    return ModeratedGap(
        moderator,
        first,
        second,
        len(values),
        slope_draws(fit, moderator, first, second),
        float(values.std()),
        float(low),
        float(high),
        typical_gap(fit, moderator, float(low), first, second, rng),
        typical_gap(fit, moderator, float(high), first, second, rng),
        fit.model.priors.moderator_sd,
        refits.wider[moderator][:, a] - refits.wider[moderator][:, b],
        without,
    )


def slope_draws(fit: TurnoutFit, moderator: str, first: str, second: str) -> np.ndarray:
    """Draws of d_first - d_second, logits for each standard deviation of the moderator."""
    labels = fit.cells.levels["group"]
    own = fit.draws(f"slope_group_{moderator}")
    return own[:, labels.index(first)] - own[:, labels.index(second)]


def typical_gap(
    fit: TurnoutFit, moderator: str, value: float, first: str, second: str, rng: np.random.Generator
) -> np.ndarray:
    """The gap where the moderator has a value, points, at the electorate's ages, in an area like any."""
    cells = fit.cells
    ages = len(cells.levels["age"]) if "age" in cells.factors else 1
    weight = np.ones(1)
    if "age" in cells.factors:
        weight = np.bincount(cells.index("age"), cells.entitled, ages)
    found = []
    for label in (first, second):
        positions = {"group": np.full(ages, cells.levels["group"].index(label)), "age": np.arange(ages)}
        found.append(fit.predict(positions, rng, {moderator: value}) @ (weight / weight.sum()))
    return 100 * (found[0] - found[1])


def without_area(cells: TurnoutCells, area: str) -> TurnoutCells:
    """The cells without one area and its links."""
    place = cells.levels["area"].index(area)
    keep = [one for one in cells.levels["area"] if one != area]
    table = cells.table[cells.table["area"] != place]
    table = table.assign(area=table["area"] - (table["area"] > place))
    edges = cells.edges[(cells.edges != place).all(axis=1)]
    return replace(
        cells,
        table=table,
        levels={**cells.levels, "area": tuple(keep)},
        edges=edges - (edges > place),
        moderators={name: np.delete(values, place) for name, values in cells.moderators.items()},
    )


def _widened(model: TurnoutModel) -> TurnoutModel:
    """The model with twice as wide priors of slopes and of what areas differ in."""
    priors = model.priors

    def twice(prior: PCSigma) -> PCSigma:
        return PCSigma(2 * prior.upper, prior.tail)

    return replace(
        model,
        priors=replace(
            priors,
            moderator_sd=2 * priors.moderator_sd,
            area=twice(priors.area),
            interaction=twice(priors.interaction),
        ),
    )


def _departures(job: tuple[TurnoutModel, TurnoutCells, int]) -> dict[str, np.ndarray]:
    model, cells, seed = job
    fit = model.fit(cells, seed=seed, draws=_DRAWS)
    return {name: fit.draws(f"slope_group_{name}") for name in model.moderators}
