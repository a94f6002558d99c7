"""Which columns a model compares, and which of them a report is about: the migrants' where it can be."""

from collections import Counter
from collections.abc import Sequence

from formulae import model_description

from spatialvote.analysis.effects.effect import Effect
from spatialvote.analysis.report.numbers import significant
from spatialvote.analysis.report.words import points_step, spoken
from spatialvote.data.districts import Districts
from spatialvote.data.roles import SHARE_UNITS
from spatialvote.models.design import split_formula


def formula_columns(formula: str, districts: Districts) -> tuple[str, ...]:
    """Columns of the table that a formula uses: numbers in the order of their roles, then groups."""
    used = model_description(split_formula(formula)[1]).var_names
    return tuple(one for one in (*districts.roles.numeric_columns(), *districts.roles.groups) if one in used)


def compared_columns(formula: str, districts: Districts) -> tuple[str, ...]:
    """Numeric columns of a formula, the migrants' first: those whose effect a report shows."""
    numeric = districts.roles.numeric_columns()
    used = [one for one in formula_columns(formula, districts) if one in numeric]
    return tuple(sorted(used, key=lambda one: one != districts.roles.migrants))


def column_words(column: str, districts: Districts) -> str:
    """What a column is called in a sentence: its name, or its column's name with spaces."""
    return districts.roles.names.get(column) or spoken(column)


def name_and_column(column: str, districts: Districts) -> str:
    """A column's name with the column beside it; the column alone where it has no name."""
    name = districts.roles.called(column)
    return name if name == column else f"{name} (column {column})"


def parameter_names(coefficients: Sequence[str], districts: Districts) -> dict[str, str]:
    """What coefficients are called in figures, by their parameter (``beta: column``).

    Coefficients that would be called alike keep the name of their parameter.
    """
    numeric = districts.roles.numeric_columns()
    called = {one: column_words(one, districts) if one in numeric else one for one in coefficients}
    often = Counter([*called.values(), "intercept", "sigma", "rho"])
    return {f"beta: {one}": name if often[name] == 1 else f"beta: {one}" for one, name in called.items()}


def points_of(column: str, districts: Districts, points: float) -> float | None:
    """How far a column is moved: so many percentage points where it is a share, None (one sd) elsewhere."""
    return points if districts.roles.units.get(column) in SHARE_UNITS else None


def step_words(effect: Effect, districts: Districts) -> str:
    """How far an effect's column is moved, in words."""
    if effect.points is not None:
        return points_step(effect.points)
    unit = districts.roles.units.get(effect.column, "")
    size = f"{significant(effect.change, 2)} {'× ' if unit[:1].isdigit() else ''}{unit}".strip()
    return f"one standard deviation ({size})"
