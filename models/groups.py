r"""Group-level terms of a formula: ``(1 | municipality)``, a random intercept for each level of a column.

    eta_i = alpha + x_i' beta + u_g(i) + e_i,      u_g ~ Normal(0, sd^2),   sd a hyperparameter of the term.

Where districts lie in municipalities or countries, u takes up what all districts of one share. Effects of
covariates that differ between levels, ``(x | g)``, and levels that are combinations of columns are not
fitted.
"""

import re
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
_SUPPORTED = "write '(1 | column)' for an intercept that varies between the levels of one column of text"


@dataclass(frozen=True, eq=False)
class Group:
    """A group-level term bound to districts.

    Attributes
    ----------
    name
        The column.
    levels
        Its values, sorted.
    index
        Position of each district's level, shape (n,).
    """

    name: str
    levels: tuple[str, ...]
    index: np.ndarray

    @property
    def hyperparameter(self) -> str:
        """Name of the term's standard deviation."""
        return f"sd_{self.name}"

    @property
    def matrix(self) -> np.ndarray:
        """Which level each district belongs to, as 0 and 1, shape (n, levels)."""
        return (self.index[:, None] == np.arange(len(self.levels))).astype(np.float64)


def group_columns(formula: str) -> tuple[str, ...]:
    """Columns of a formula's group-level terms, in its order.

    Raises
    ------
    ModelError
        For terms other than ``(1 | column)``.
    """
    right = formula.partition("~")[2]
    if "|" not in right:
        return ()
    if "|" in _outside_parentheses(right):
        raise _unsupported(formula, "a '|' outside parentheses")
    try:
        terms = model_description(right.strip())
    except UNREADABLE as error:
        raise _unsupported(formula, f"a term with '|' that cannot be read ({error})") from error
    columns = []
    for term in terms.group_terms:
        factor = term.factor.components
        if not isinstance(term.expr, Intercept):
            raise _unsupported(
                formula, f"effects that vary between levels, ({term.name.replace('|', ' | ')})"
            )
        if len(factor) != 1 or not isinstance(factor[0], Variable):
            raise _unsupported(formula, f"levels that are no single column, '{term.factor.name}'")
        columns.append(factor[0].name)
    common = {part.name for term in terms.common_terms for part in getattr(term, "components", ())}
    both = [column for column in columns if column in common]
    if both:
        raise ModelError(
            Problem(
                f"formula '{formula}' has {name_some(both)} both as a covariate and as a group",
                "leave one of them out: both describe the same differences between levels",
            )
        )
    return tuple(columns)


def _outside_parentheses(text: str) -> str:
    """A formula without what stands in parentheses, however deep."""
    shorter = re.sub(r"\([^()]*\)", "", text)
    return text if shorter == text else _outside_parentheses(shorter)


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
    groups, problems = [], []
    for column in group_columns(formula):
        problem = _problem(formula, column, table)
        if problem is not None:
            problems.append(problem)
            continue
        codes, levels = pd.factorize(table[column].astype(str), sort=True)
        groups.append(Group(column, tuple(map(str, levels)), codes.astype(np.int64)))
    if problems:
        raise ModelError(problems)
    return tuple(groups)


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
    levels, missing = values.nunique(), int(values.isna().sum())
    if missing:
        return Problem(f"group '{column}' has no value in {missing} districts", "give every district a level")
    if levels == 1:
        return Problem(
            f"group '{column}' has one level, '{values.iloc[0]}', in all {len(values)} districts",
            "leave the term out: the intercept says the same",
        )
    if levels == len(values):
        return Problem(
            f"group '{column}' has a level of its own for each of {levels} districts",
            "leave the term out: the effects of districts say the same, and structure 'iid' is just that",
        )
    return None
