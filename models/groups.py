r"""Group-level terms of a formula: intercepts and slopes that vary between the levels of columns, as in lme4.

    eta_i = alpha + x_i'beta + u_g(i) + v_g(i) x_i + e_i,      (u_g, v_g) ~ Normal(0, D Omega D)

======================  ==============================================================================
term                    what varies between the levels
======================  ==============================================================================
``(1 | g)``             an intercept
``(1 + x | g)``         an intercept and the slope of x, correlated; ``(x | g)`` is the same
``(0 + x | g)``         the slope of x alone; ``(1 | g) + (0 + x | g)`` are independent of each other
``(1 + x + z | g)``     an intercept and two slopes, correlated
``(1 + x | a / b)``     ``(1 + x | a) + (1 + x | a:b)``: levels b nested in a
``(1 | a:b)``           levels are combinations of two columns
======================  ==============================================================================

A slope belongs to one column of the design that is a covariate, too: ``migrants + (1 + migrants | city)``.
Its effects are departures from the covariate's own coefficient, on the same standardised scale.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from formulae import model_description
from formulae.parser import ParseError
from formulae.resolver import ResolverError
from formulae.scanner import ScanError
from formulae.terms import Intercept, Variable
from formulae.terms.call_resolver import CallResolverError

from spatialvote.data.errors import ModelError, Problem, name_some

#: What formulae raises on a formula that it cannot read.
UNREADABLE = (ParseError, ScanError, ResolverError, CallResolverError, ValueError, TypeError)
_SUPPORTED = (
    "write '(1 | column)' for an intercept, or '(1 + covariate | column)' for an intercept and a slope, that "
    "vary between the levels of one column of text"
)
#: How many effects of one term may be correlated.
_MOST = 4


@dataclass(frozen=True)
class Effect:
    """An effect that varies between levels, as a formula names it.

    Attributes
    ----------
    columns
        Columns whose combinations are the levels, one or more.
    covariate
        Column of the design whose slope varies; empty for an intercept.
    block
        Which correlated term of the formula it belongs to, counted from 0.
    """

    columns: tuple[str, ...]
    covariate: str
    block: int

    @property
    def group(self) -> str:
        """What the levels are of: ``city``, or ``country:city``."""
        return ":".join(self.columns)

    @property
    def name(self) -> str:
        """Its name in fits: the group's for an intercept, ``covariate|group`` for a slope."""
        return f"{self.covariate}|{self.group}" if self.covariate else self.group


@dataclass(frozen=True, eq=False)
class Group:
    """An effect bound to districts.

    Attributes
    ----------
    effect
        What the formula says.
    levels
        Names of its levels, sorted.
    index
        Position of each district's level, shape (n,).
    """

    effect: Effect
    levels: tuple[str, ...]
    index: np.ndarray

    @property
    def name(self) -> str:
        """Its name in fits."""
        return self.effect.name

    @property
    def hyperparameter(self) -> str:
        """Name of the standard deviation of its effects."""
        return f"sd_{self.name}"

    @property
    def matrix(self) -> np.ndarray:
        """Which level each district belongs to, as 0 and 1, shape (n, levels)."""
        return (self.index[:, None] == np.arange(len(self.levels))).astype(np.float64)


def correlation_names(effects: tuple[Effect, ...]) -> tuple[tuple[str, ...], ...]:
    """Names of the correlations of a block's effects, row by row below the diagonal, without prefix.

    Examples
    --------
    >>> correlation_names((Effect(("city",), "", 0), Effect(("city",), "x", 0), Effect(("city",), "z", 0)))
    (('x|city',), ('z|city', 'x:z|city'))
    """
    return tuple(
        tuple(f"{f'{one.covariate}:' if one.covariate else ''}{later.name}" for one in effects[:i])
        for i, later in enumerate(effects)
        if i
    )


def blocks_of(effects: tuple[Effect, ...]) -> tuple[tuple[Effect, ...], ...]:
    """Effects that are correlated with each other, in the formula's order."""
    numbers = dict.fromkeys(one.block for one in effects)
    return tuple(tuple(one for one in effects if one.block == number) for number in numbers)


def group_effects_of(formula: str) -> tuple[Effect, ...]:
    """Effects of a formula's group-level terms, in its order; those of one block stand together.

    Raises
    ------
    ModelError
        For terms that are none of those in the module's table.
    """
    right = formula.partition("~")[2]
    if "|" not in right:
        return ()
    if "|" in _outside_parentheses(right):
        raise _unsupported(formula, "a '|' outside parentheses")
    # As a whole first, so that what stands between the terms is read as well.
    common = _read(formula, right).common_terms
    effects: list[Effect] = []
    block = 0
    for text in _parenthesised(right):
        terms = _read(formula, text).group_terms
        by_factor: dict[str, list[Effect]] = {}
        for term in terms:
            factor = term.factor.components
            if not all(isinstance(one, Variable) for one in factor):
                raise _unsupported(formula, f"levels that are no columns, '{term.factor.name}'")
            covariate = "" if isinstance(term.expr, Intercept) else str(term.expr.name)
            own = by_factor.setdefault(term.factor.name, [])
            number = block + list(by_factor).index(term.factor.name)
            own.append(Effect(tuple(one.name for one in factor), covariate, number))
        block += len(by_factor)
        effects += [one for some in by_factor.values() for one in some]
    covariates = {part.name for term in common for part in getattr(term, "components", ())}
    _refuse_repeated(formula, effects, covariates)
    return tuple(effects)


def group_names(formula: str) -> tuple[str, ...]:
    """Names of the effects that vary between levels, as they stand in fits."""
    return tuple(one.name for one in group_effects_of(formula))


def _refuse_repeated(formula: str, effects: list[Effect], common: set[str]) -> None:
    both = sorted({column for one in effects for column in one.columns if column in common})
    names = [one.name for one in effects]
    twice = sorted({name for name in names if names.count(name) > 1})
    problems = []
    if both:
        problems.append(
            Problem(
                f"formula '{formula}' has {name_some(both)} both as a covariate and as a group",
                "leave one of them out: both describe the same differences between levels",
            )
        )
    if twice:
        problems.append(
            Problem(f"formula '{formula}' has the effects {name_some(twice)} twice", "leave one of them out")
        )
    crowded = [some for some in blocks_of(tuple(effects)) if len(some) > _MOST]
    problems += [
        Problem(
            f"formula '{formula}' has {len(some)} correlated effects of '{some[0].group}'",
            f"let at most {_MOST} vary together: their correlations could not be learnt",
        )
        for some in crowded
    ]
    if problems:
        raise ModelError(problems)


def _read(formula: str, text: str):
    try:
        return model_description(text.strip())
    except UNREADABLE as error:
        raise _unsupported(formula, f"a term with '|' that cannot be read ({error})") from error


def _outside_parentheses(text: str) -> str:
    """A formula without what stands in parentheses, however deep."""
    shorter = re.sub(r"\([^()]*\)", "", text)
    return text if shorter == text else _outside_parentheses(shorter)


def _parenthesised(text: str) -> list[str]:
    """The outermost parentheses of a formula that have a '|' in them, in its order."""
    found, depth, start = [], 0, 0
    for at, letter in enumerate(text):
        if letter == "(":
            start = at if depth == 0 else start
            depth += 1
        elif letter == ")":
            depth -= 1
            if depth == 0 and "|" in text[start:at]:
                found.append(text[start : at + 1])
    return found


def _unsupported(formula: str, what: str) -> ModelError:
    return ModelError(Problem(f"formula '{formula}' has {what}", _SUPPORTED))


def bind_groups(formula: str, table: pd.DataFrame) -> tuple[Group, ...]:
    """Find the levels of a formula's group-level terms in a table.

    Raises
    ------
    ModelError
        For columns that are missing, that hold numbers or gaps, that have one level, or a level for every
        district.
    """
    effects = group_effects_of(formula)
    columns = dict.fromkeys(column for one in effects for column in one.columns)
    problems = [found for column in columns if (found := _problem(formula, column, table)) is not None]
    if problems:
        raise ModelError(problems)
    bound: dict[str, tuple[tuple[str, ...], np.ndarray]] = {}
    for one in effects:
        if one.group not in bound:
            named = table[one.columns[0]].astype(str)
            for column in one.columns[1:]:
                named = named + ":" + table[column].astype(str)
            codes, levels = pd.factorize(named, sort=True)
            bound[one.group] = tuple(map(str, levels)), codes.astype(np.int64)
    problems = [
        _levels_problem(group, levels, len(table))
        for group, (levels, _) in bound.items()
        if len(levels) in (1, len(table))
    ]
    problems += _same_levels(effects, bound)
    if problems:
        raise ModelError(problems)
    return tuple(Group(one, *bound[one.group]) for one in effects)


def _levels_problem(group: str, levels: tuple[str, ...], n: int) -> Problem:
    """One level, or as many as districts."""
    if len(levels) == 1:
        return Problem(
            f"group '{group}' has one level, '{levels[0]}', in all {n} districts",
            "leave the term out: the intercept says the same",
        )
    return Problem(
        f"group '{group}' has a level of its own for each of {n} districts",
        "leave the term out: the effects of districts say the same, and structure 'iid' is just that",
    )


def _same_levels(effects: tuple[Effect, ...], bound: dict) -> list[Problem]:
    """Groups whose levels are those of another: a combination that adds nothing to one of its columns."""
    groups = list(dict.fromkeys(one.group for one in effects))
    problems = []
    for at, one in enumerate(groups):
        for other in groups[at + 1 :]:
            together = set(zip(bound[one][1], bound[other][1], strict=True))
            if len(bound[one][0]) == len(bound[other][0]) == len(together):
                problems.append(
                    Problem(
                        f"groups '{one}' and '{other}' have the same {len(together)} levels",
                        "leave one of them out: both describe the same differences",
                    )
                )
    return problems


def refuse_slopes(
    formula: str, groups: tuple[Group, ...], names: tuple[str, ...], numeric: np.ndarray,
    column: Callable[[str], np.ndarray],
) -> None:  # fmt: skip
    """Refuse slopes that no covariate has, of categories, or of what does not vary within any level.

    Parameters
    ----------
    names, numeric
        Columns of the design, and which of them are of numbers.
    column
        From a name to the column, shape (n,).

    Raises
    ------
    ModelError
        Naming all of them.
    """
    problems = []
    for group in groups:
        covariate = group.effect.covariate
        if not covariate:
            continue
        term = f"({covariate} | {group.effect.group})"
        if covariate not in names or not numeric[names.index(covariate)]:
            problems.append(
                Problem(
                    f"formula '{formula}' has {term}, and '{covariate}' is no covariate of numbers in it",
                    f"enter '{covariate}' beside the term, as in '{covariate} + (1 + {covariate} | "
                    f"{group.effect.group})', and let only single columns of numbers vary",
                )
            )
            continue
        values = pd.Series(column(covariate)).groupby(group.index)
        if not (values.max() - values.min() > 1e-12 * np.abs(column(covariate)).max()).any():
            problems.append(
                Problem(
                    f"formula '{formula}' has {term}, and '{covariate}' has one value within each level of "
                    f"'{group.effect.group}'",
                    "leave the slope out: it cannot be told from the level's intercept",
                )
            )
    if problems:
        raise ModelError(problems)


def _problem(formula: str, column: str, table: pd.DataFrame) -> Problem | None:
    """Why a column cannot be a group, if so."""
    if column not in table:
        return Problem(
            f"formula '{formula}' groups by '{column}', which is no column of the table",
            f"name it in groups when reading; the table has {name_some(table.columns, limit=12)}",
        )
    values = table[column]
    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return Problem(
            f"formula '{formula}' groups by '{column}', which holds numbers",
            "name it in groups when reading, which takes its values for names of levels",
        )
    missing = int(values.isna().sum())
    if missing:
        return Problem(f"group '{column}' has no value in {missing} districts", "give every district a level")
    return None
