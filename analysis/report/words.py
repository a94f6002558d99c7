"""The answer of a fit in words that a layperson understands, from plain numbers.

Every function takes numbers and names and returns a sentence; nothing here knows a fit. The words follow the
numbers: their sign, whether the interval holds zero, shares or rates, with a spatial part or without one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from spatialvote.analysis.report.numbers import NBSP, digits_for, fixed, percent, probability

_SMALL = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


#: What rho means where the whole effect of a district hangs together with its neighbours'.
RHO = {
    "leroux": "at 0 districts are independent, near 1 a district is expected to be as its neighbours are; "
    "rho is neither a correlation nor a share of the variance",
    "proper_car": "a district is expected at rho times the mean of its neighbours; even moderate likeness "
    "takes a rho near 1, and rho is neither a correlation nor a share of the variance",
    "sar": "a district's effect is rho times the mean of its neighbours' plus something of its own",
    "dagar": "it is about the correlation of the effects of two neighbours",
}


@dataclass(frozen=True)
class Association:
    """What is compared, and how the outcome differs.

    Attributes
    ----------
    outcome
        The party, or what is counted.
    family
        ``poisson``: the numbers are percent of the rate; others: percentage points of the vote share.
    column
        The column that is compared.
    called
        What it is called in a sentence.
    migrants
        Whether that column is the concentration of migrants.
    step
        How much higher the column is ("ten percentage points").
    held
        What the other columns, held fixed, are called.
    structure
        Name of the spatial structure.
    mean, low, high
        Posterior mean and 95 % interval.
    probability_positive
        Posterior probability that the outcome is higher.
    """

    outcome: str
    family: str
    column: str
    called: str
    migrants: bool
    step: str
    held: tuple[str, ...]
    structure: str
    mean: float
    low: float
    high: float
    probability_positive: float

    @property
    def digits(self) -> int:
        """Decimals in which the numbers are told."""
        return digits_for(self.low, self.high)

    @property
    def settled(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.low > 0 or self.high < 0


def listed(items: Sequence[str]) -> str:
    """Join names as a sentence does.

    Examples
    --------
    >>> listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def spoken(column: str) -> str:
    """Write a column's name so that it reads as words."""
    return " ".join(column.replace("_", " ").split())


def points_step(points: float) -> str:
    """Say a number of percentage points.

    Examples
    --------
    >>> points_step(10.0), points_step(1.0), points_step(2.5)
    ('ten percentage points', 'one percentage point', '2.5 percentage points')
    """
    whole = float(points).is_integer() and 0 <= points < len(_SMALL)
    number = _SMALL[int(points)] if whole else f"{points:g}"
    return f"{number} percentage point{'' if points == 1 else 's'}"


def headline(told: Association) -> str:
    """The direction of the answer in one short sentence, without numbers."""
    where = "where more migrants live" if told.migrants else f"where {told.called} is higher"
    if told.settled:
        return f"The {_kind(told)} of {told.outcome} is {_direction(told.mean)} {where}."
    return f"Whether {_outcome(told)} is higher or lower {where} cannot be told from these data."


def comparison(told: Association) -> str:
    """What was compared, what was held fixed, how much the outcome differs, and how sure that is."""
    column = told.called
    if told.migrants:
        named = told.called != spoken(told.column)
        column = f"the share of migrants ({told.called if named else f'column ‘{told.column}’'})"
    conditions = [f"{listed(told.held)} held fixed"] if told.held else []
    if told.structure == "iid":
        conditions.append("every district allowed a level of its own, whatever its neighbours'")
    elif told.structure != "none":
        conditions.append("neighbouring districts allowed to resemble each other")
    given = f", with {' and '.join(conditions)}" if conditions else ""
    start = f"Where {column} is {told.step} higher{given}, {_outcome(told)} is "
    if told.settled:
        way = _direction(told.mean)
        ends = sorted((abs(told.low), abs(told.high)))
        return (
            f"{start}about {_amount(told, abs(told.mean))} {way} (95{NBSP}% interval: "
            f"{fixed(ends[0], told.digits)} to {_amount(told, ends[1])} {way}). {_sureness(told)}"
        )
    about = f"about {_amount(told, abs(told.mean))} {_direction(told.mean)}"
    if round(told.mean, told.digits) == 0:
        about = "about the same"
    return (
        f"{start}{about}, but the 95{NBSP}% interval reaches from {_amount(told, abs(told.low))} lower to "
        f"{_amount(told, abs(told.high))} higher: the direction is open. {_sureness(told)}"
    )


def no_columns(outcome: str) -> str:
    """What a model without covariates answers."""
    return (
        f"This model has no covariates: it describes how {outcome} varies between districts, and says "
        "nothing about migrants or anything else that may go with it."
    )


def without_migrants(migrants: str | None) -> str:
    """Say that the answer is not about migrants, and why; `migrants`: what their column is called."""
    if migrants is None:
        return "These districts have no column of migrants, so nothing is said here about them."
    return (
        f"The model leaves out the column of migrants ({migrants}), so it says nothing about them; "
        "what follows is about its first covariate."
    )


def spatial(
    structure: str,
    fraction: tuple[float, float, float] | None,
    rho: tuple[float, float, float] | None = None,
) -> str:
    """How much of what the covariates leave open neighbours share.

    Parameters
    ----------
    structure
        Name of the spatial structure.
    fraction
        Spatial share of the variance over these districts, for ``bym2``: mean, low and high.
    rho
        The same of rho, for structures whose district effects have no independent part.
    """
    if rho is not None:
        mean, low, high = rho
        digits = digits_for(low, high, least=2)
        return (
            "How far a district follows its neighbours in what the covariates leave open is told by rho, "
            f"here about {fixed(mean, digits)} (95{NBSP}% interval: {fixed(low, digits)} to "
            f"{fixed(high, digits)}): {RHO[structure]}."
        )
    if structure == "bym2" and fraction is not None:
        mean, low, high = fraction
        return (
            f"Of the differences between districts that the covariates leave open, about {percent(mean)} "
            f"(95{NBSP}% interval: {fixed(100 * low)} to {percent(high)}) are shared by neighbouring "
            "districts; the rest is each district's own."
        )
    if structure == "iid":
        return (
            "This model has no spatial part: what the covariates leave open counts as each district's own, "
            "and how much of it neighbours share is not estimated."
        )
    return (
        "This model has neither a spatial part nor any other district effect: it takes the covariates for "
        "all there is to differences between districts. Where that is wrong, its intervals are too narrow."
    )


def setting(
    name: str, unit: str, year: int | None, n: int, votes: int, family: str, outcome: str, absent: int = 0
) -> str:
    """Where the numbers come from; absent: in how many of the n districts the party did not stand."""
    when = f", {year}" if year is not None else ""
    counted = f"{fixed(votes)} votes for {outcome}"
    if family == "poisson":
        counted = f"{outcome}: {fixed(votes)} in all"
    elif family == "gaussian":
        counted = f"shares of {outcome}, their numbers of votes not used"
    stood = f"; {outcome} did not stand in {fixed(absent)} of them" if absent else ""
    return f"{name}{when}; unit: {unit}; {fixed(n)} districts{stood}; {counted}."


def remark(note: str) -> str:
    """A note of an effect as a sentence of its own."""
    return f"{note[:1].upper()}{note[1:]}{'' if note.endswith('.') else '.'}"


def caveat(told: Association) -> str:
    """Why an association of districts is not an effect on persons."""
    if told.family == "poisson":
        return (
            "This compares districts, not persons: a difference between areas need not hold for the people "
            "in them, and it does not show what causes what."
        )
    if not told.migrants:
        return (
            "This compares districts, not persons: who votes what within a district is not seen, and the "
            "comparison does not show what causes what."
        )
    return (
        "This compares districts, not persons. Where more migrants live, more of the voters are migrants, "
        f"and migrants who vote may vote otherwise: that alone can move {told.outcome}'s share although "
        "nobody changed their vote. Nor does it show what causes what."
    )


def _outcome(told: Association) -> str:
    return f"the {_kind(told)} of {told.outcome}"


def _kind(told: Association) -> str:
    return "vote share" if told.family != "poisson" else "rate"


def _direction(value: float) -> str:
    return "higher" if value > 0 else "lower"


def _amount(told: Association, size: float) -> str:
    number = fixed(size, told.digits)
    if told.family == "poisson":
        return f"{number}{NBSP}%"
    return f"{number} percentage points"


def _sureness(told: Association) -> str:
    """The probability of the likelier direction."""
    positive = told.probability_positive
    chance, way = (positive, "higher") if positive >= 0.5 else (1 - positive, "lower")
    return f"The probability that it is {way} is {probability(chance)}."
