"""From a formula and a district table to the design matrix, and its standardisation.

The formula is that of bambi and lme4, read by `formulae`: ``pvv ~ migrant_share + education + bs(income,
df=4)``. Its left side names a party; its right side, columns of the table. Every column of the design is
centred; columns of numeric terms are also divided by their population standard deviation (ddof = 0), those
of categories keep their 0/1 scale. Because of the centring the intercept is the linear predictor of a
district with average covariates. Terms such as ``(1 | municipality)`` are left to
`spatialvote.models.groups`.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from formulae import design_matrices

from spatialvote.data.districts import Districts
from spatialvote.data.errors import ModelError, Problem, name_some
from spatialvote.models.groups import UNREADABLE, Group, bind_groups, group_effects_of, refuse_slopes

#: Functions that a formula may call. A formula can come with a file from somebody else, and formulae would
#: call whatever it names.
FUNCTIONS = ("bs", "cr", "poly", "C", "center", "scale", "I", "np.log", "np.log1p", "np.sqrt", "np.exp")


@dataclass(frozen=True, eq=False)
class Design:
    """Design matrix of some districts, on the original scale, and how it is standardised.

    Attributes
    ----------
    party
        The formula's left side.
    names
        Column names without the intercept, shape (p,).
    matrix
        Columns on the original scale, without the intercept, shape (n, p).
    center, scale
        Standardised column = (column - center) / scale, shape (p,).
    groups
        Group-level terms in the formula's order; their columns are not among `names`.
    numeric
        Names of the columns that belong to terms of numbers.
    """

    party: str
    names: tuple[str, ...]
    matrix: np.ndarray
    center: np.ndarray
    scale: np.ndarray
    common: Any
    groups: tuple[Group, ...] = ()
    numeric: tuple[str, ...] = ()

    @property
    def standardised(self) -> np.ndarray:
        """Standardised columns, shape (n, p)."""
        return (self.matrix - self.center) / self.scale

    def group_columns(self, group: Group) -> np.ndarray:
        """Columns of a group's effects, one for each level: 0 and 1, times the covariate of a slope."""
        covariate = group.effect.covariate
        if not covariate:
            return group.matrix
        return group.matrix * self.standardised[:, [self.names.index(covariate)]]

    def evaluate(self, table: pd.DataFrame) -> np.ndarray:
        """Columns on the original scale for another table with the same covariates, shape (m, p)."""
        matrix = np.asarray(self.common.evaluate_new_data(pd.DataFrame(table)).design_matrix)
        return matrix[:, 1:].astype(np.float64)


def split_formula(formula: str) -> tuple[str, str]:
    """Party on the left and covariates on the right of a formula.

    Raises
    ------
    ModelError
        Where there is not exactly one ``~``, a side is empty, a function is not one of `FUNCTIONS`, or a
        group-level term is none of those that `spatialvote.models.groups` lists.
    """
    sides = formula.split("~")
    if len(sides) != 2 or not all(side.strip() for side in sides):
        raise ModelError(
            Problem(
                f"formula '{formula}' is not of the form 'party ~ covariates'",
                "write a party, a tilde and the covariates, as in 'pvv ~ migrant_share + education'",
            )
        )
    called = re.findall(r"([A-Za-z_][\w.]*)\s*\(", sides[1])
    unknown = [name for name in called if name not in FUNCTIONS]
    if unknown:
        raise ModelError(
            Problem(
                f"formula '{formula}' calls {name_some(unknown)}",
                f"use one of {', '.join(FUNCTIONS)}, or compute the column beforehand",
            )
        )
    group_effects_of(formula)
    return sides[0].strip().strip("`"), sides[1].strip()


def build_design(formula: str, districts: Districts, standardise: bool = True) -> Design:
    """Evaluate a formula on districts; see `design_of`."""
    table = pd.DataFrame(districts.table.drop(columns=districts.table.geometry.name))
    return design_of(formula, table, districts.roles.votes, standardise)


def design_of(formula: str, table: pd.DataFrame, parties: Collection[str], standardise: bool) -> Design:
    """Evaluate a formula on the rows of a table.

    Raises
    ------
    ModelError
        For an unknown party or column, a formula without intercept, a column that does not vary, columns
        that determine each other, or a group that is none.
    """
    party, right = split_formula(formula)
    if party not in parties:
        raise ModelError(
            Problem(
                f"formula '{formula}' asks for party '{party}', which has no votes",
                f"use one of {name_some(parties, limit=10)}",
            )
        )
    groups = bind_groups(formula, table)
    try:
        common = design_matrices(right, table, na_action="error", extra_namespace={"np": np}).common
    except KeyError as error:
        raise ModelError(
            Problem(
                f"formula '{formula}' uses {error}, which is no column of the table",
                f"the table has {name_some(table.columns, limit=12)}",
            )
        ) from error
    except UNREADABLE as error:
        raise ModelError(
            Problem(f"formula '{formula}' cannot be read ({error})", "mend the formula")
        ) from error
    frame = common.as_dataframe()
    if frame.columns[0] != "Intercept":
        raise ModelError(
            Problem(
                f"formula '{formula}' removes the intercept",
                "leave out '0 +' and '- 1': the intercept carries the overall share",
            )
        )
    matrix = frame.to_numpy(dtype=np.float64)[:, 1:]
    names = tuple(str(name) for name in frame.columns[1:])
    numeric = _numeric_columns(common)
    center, scale = np.zeros(len(names)), np.ones(len(names))
    if standardise:
        center = matrix.mean(axis=0)
        scale = np.where(numeric, matrix.std(axis=0), 1.0)
    _refuse_degenerate(formula, names, matrix)
    refuse_slopes(formula, groups, names, numeric, lambda name: matrix[:, names.index(name)])
    of_numbers = tuple(name for name, one in zip(names, numeric, strict=True) if one)
    return Design(party, names, matrix, center, scale, common, groups, of_numbers)


def _numeric_columns(common: Any) -> np.ndarray:
    """Which columns, intercept left out, belong to terms of numbers."""
    numeric: list[bool] = []
    for name, term in common.terms.items():
        width = common.slices[name].stop - common.slices[name].start
        if term.kind != "intercept":
            numeric += [term.kind != "categoric"] * width
    return np.array(numeric, dtype=bool)


def _refuse_degenerate(formula: str, names: tuple[str, ...], matrix: np.ndarray) -> None:
    """Refuse columns without variation and columns that are linear combinations of others."""
    spread = matrix.std(axis=0)
    constant = [
        name
        for name, one, column in zip(names, spread, matrix.T, strict=True)
        if one <= 1e-12 * max(1.0, float(np.abs(column).max()))
    ]
    if constant:
        raise ModelError(
            Problem(f"columns {name_some(constant)} of formula '{formula}' do not vary", "leave them out")
        )
    if not names:
        return
    scaled = (matrix - matrix.mean(axis=0)) / spread
    rank = np.linalg.matrix_rank(scaled, tol=1e-8 * np.sqrt(len(matrix)))
    if rank < len(names):
        _, r = np.linalg.qr(scaled)
        dependent = [name for name, one in zip(names, np.abs(np.diag(r)), strict=True) if one < 1e-6]
        raise ModelError(
            Problem(
                f"columns of formula '{formula}' determine each other ({name_some(dependent or names)} "
                "follow from the rest)",
                "leave one of them out",
            )
        )
