r"""Gaps between origin groups: as they are, and as they would be at an equal age structure.

A group's turnout r_g is a mean of its rates by age r_ga, weighted by its own ages. A young group votes less
than an old one even where each age votes the same. Directly standardised to a standard population with
shares W_a of ages,

    r_g(W) = sum_a W_a r_ga,      gap(W) = r_g(W) - r_h(W),      gap - gap(W) = the part of age.

With raw rates r_ga this is the classical direct standardisation, which an age with few persons makes
unstable and one with nobody impossible. On the posterior it is done in every draw, with the model's r_ga,
which exist everywhere (g-computation: Robins 1986); with ``equal`` all factors but the group, everybody of
the standard population is predicted as if of group g, sex and area kept. The gap that remains is a
difference at equal ages, not the effect of origin: groups differ in more than age.

References
----------
Kitagawa, E. M. (1955). Components of a difference between two rates. JASA 50.
Robins, J. (1986). A new approach to causal inference in mortality studies. Mathematical Modelling 7.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from spatialvote.analysis.turnout_rates import combined_index, rates, require_factors, summarise
from spatialvote.data.errors import DataError, Problem, name_some
from spatialvote.models.turnout.fit import TurnoutFit

#: Standard population: everybody in the cells.
ELECTORATE = "electorate"


@dataclass(frozen=True, eq=False)
class Gap:
    """The difference in turnout between two groups, in percentage points.

    Attributes
    ----------
    first, second
        The gap is the turnout of `first` minus that of `second`.
    draws
        Gap as it is, shape (draws,).
    standardised
        Gap at the standard population's structure, shape (draws,); NaN without ages.
    standard, equal
        Name of the standard population, and the factors in which both are made equal.
    raw, raw_standardised
        The same from raw rates; the latter NaN where a group has nobody at an age of the standard.
    empty
        Levels at which a group has nobody, so that its rate there is the model's alone.
    """

    first: str
    second: str
    draws: np.ndarray
    standardised: np.ndarray
    standard: str
    equal: tuple[str, ...]
    raw: float
    raw_standardised: float
    empty: tuple[str, ...]

    def table(self) -> pd.DataFrame:
        """Gap, standardised gap and their difference: mean, interval and probability of their direction."""
        rows = {"gap": self.draws, "standardised gap": self.standardised,
                "part of structure": self.draws - self.standardised}  # fmt: skip
        raw = (self.raw, self.raw_standardised, self.raw - self.raw_standardised)
        made = []
        for (name, draws), one in zip(rows.items(), raw, strict=True):
            below = float((draws < 0).mean())
            made.append(
                {"quantity": name, "raw": one, **{k: float(v) for k, v in summarise(draws).items()},
                 "probability_direction": max(below, 1 - below)}
            )  # fmt: skip
        return pd.DataFrame(made).set_index("quantity")


def group_rates_by(
    fit: TurnoutFit, equal: Sequence[str], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rates of every group in every stratum of some factors.

    Returns
    -------
    draws
        Shape (draws, groups, strata); a stratum in which a group has no cell is predicted by the model.
    raw
        Shape (groups, strata), NaN where nobody is entitled.
    entitled
        Shape (groups, strata).
    """
    cells = fit.cells
    found = rates(fit, ("group", *equal))
    _, shape = combined_index(cells, ("group", *equal))
    strata = int(np.prod(shape[1:]))
    place = np.ravel_multi_index(
        [pd.Index(cells.levels[name]).get_indexer(found.table[name]) for name in ("group", *equal)], shape
    )
    draws = np.full((len(found.draws), shape[0] * strata), np.nan)
    raw, entitled = np.full(shape[0] * strata, np.nan), np.zeros(shape[0] * strata)
    draws[:, place] = found.draws
    raw[place], entitled[place] = found.table["raw"], found.table["entitled"]
    lacking = np.setdiff1d(np.arange(draws.shape[1]), place)
    if lacking.size:
        draws[:, lacking] = _predict(fit, equal, lacking, shape, rng)
    sizes = (shape[0], strata)
    return draws.reshape(-1, *sizes), raw.reshape(sizes), entitled.reshape(sizes)


def _predict(
    fit: TurnoutFit,
    equal: Sequence[str],
    lacking: np.ndarray,
    shape: tuple[int, ...],
    rng: np.random.Generator,
) -> np.ndarray:
    """Rates of strata without a cell: the mean over the levels of other factors, as all cells have them."""
    cells = fit.cells
    others = [name for name in cells.factors if name not in ("group", *equal)]
    key, sizes = combined_index(cells, others)
    weight = np.bincount(key, cells.entitled, int(np.prod(sizes)))
    used = np.flatnonzero(weight)
    where = dict(zip(("group", *equal), np.unravel_index(lacking, shape), strict=True))
    positions = {name: np.repeat(at, used.size) for name, at in where.items()}
    if others:
        for name, at in zip(others, np.unravel_index(used, sizes), strict=True):
            positions[name] = np.tile(at, lacking.size)
    predicted = fit.predict(positions, rng).reshape(-1, lacking.size, used.size)
    return predicted @ (weight[used] / weight[used].sum())


def standard_weights(
    fit: TurnoutFit, standard: str | Mapping[str, float], equal: Sequence[str], entitled: np.ndarray
) -> tuple[str, np.ndarray]:
    """Shares of a standard population over the strata, and its name.

    Parameters
    ----------
    standard
        ``"electorate"``, the label of a group, or shares by label of the one factor in `equal`.
    entitled
        Entitled persons by group and stratum.

    Raises
    ------
    DataError
        If the population is unknown or its shares do not fit the strata.
    """
    groups = fit.cells.levels["group"]
    if isinstance(standard, str):
        if standard == ELECTORATE:
            weights = entitled.sum(axis=0)
        elif standard in groups:
            weights = entitled[groups.index(standard)]
        else:
            raise DataError(
                Problem(
                    f"there is no standard population '{standard}'",
                    f"choose '{ELECTORATE}' or a group: {name_some(groups, 10)}",
                )
            )
        return standard, weights / weights.sum()
    labels = fit.cells.levels[equal[0]]
    wrong = set(standard) ^ set(labels)
    if len(equal) != 1 or wrong or min(standard.values()) < 0 or sum(standard.values()) <= 0:
        raise DataError(
            Problem(
                f"the shares of the standard population do not fit {' and '.join(equal)} "
                f"({name_some(sorted(wrong), 5)})",
                f"give one share, 0 or more, for each of {name_some(labels, 30)}",
            )
        )
    weights = np.array([standard[label] for label in labels], dtype=float)
    return "given shares", weights / weights.sum()


def group_gap(
    fit: TurnoutFit,
    first: str,
    second: str,
    *,
    standard: str | Mapping[str, float] = ELECTORATE,
    equal: Sequence[str] = ("age",),
    seed: int = 0,
) -> Gap:
    """Compare two origin groups, as they are and at an equal structure.

    Parameters
    ----------
    fit
        A fit of cells with groups.
    first, second
        Labels.
    standard
        Population whose structure both are given; see `standard_weights`.
    equal
        Factors in which they are made equal; all but the group: g-computation over whole persons.
    seed
        For strata without a cell.

    Raises
    ------
    DataError
        If a group, a factor or the standard population is unknown.
    """
    cells = fit.cells
    require_factors(cells, ("group",))
    if "group" in equal or not equal:
        raise DataError(
            Problem(f"groups cannot be made equal in {name_some(equal)}", "name age, sex or area")
        )
    require_factors(cells, equal)
    unknown = [one for one in (first, second) if one not in cells.levels["group"]]
    if unknown or first == second:
        raise DataError(
            Problem(
                f"'{first}' and '{second}' are not two groups of the cells",
                f"choose from {name_some(cells.levels['group'], 10)}",
            )
        )
    a, b = (cells.levels["group"].index(one) for one in (first, second))
    whole = rates(fit, ("group",))
    draws, raw, entitled = group_rates_by(fit, equal, np.random.default_rng(seed))
    name, weights = standard_weights(fit, standard, equal, entitled)
    used = weights > 0
    raw_standardised = float((raw[a, used] - raw[b, used]) @ weights[used])
    _, shape = combined_index(cells, equal)
    empty = []
    for group, label in ((a, first), (b, second)):
        for stratum in np.flatnonzero(used & (entitled[group] == 0)):
            at = np.unravel_index(stratum, shape)
            levels = ", ".join(cells.levels[factor][k] for factor, k in zip(equal, at, strict=True))
            empty.append(f"{label}: {levels}")
    row = whole.table.set_index("group")
    return Gap(
        first,
        second,
        100 * (whole.draws[:, a] - whole.draws[:, b]),
        100 * (draws[:, a] - draws[:, b]) @ weights,
        name,
        tuple(equal),
        100 * float(row.loc[first, "raw"] - row.loc[second, "raw"]),
        100 * raw_standardised,
        tuple(empty),
    )
