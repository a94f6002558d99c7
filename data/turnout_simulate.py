"""A simulated register of turnout by origin, age, sex and area, with the truth that it was drawn from."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit

from spatialvote.data.aside import written_aside
from spatialvote.data.origin_groups import find_groups
from spatialvote.data.turnout import TurnoutAbout, TurnoutCells
from spatialvote.data.turnout_ages import AgeBand

#: Invented: group, share of the electorate, mean age, log-odds of voting beside nationals.
_GROUPS = (
    ("nationals", 0.90, 50.0, 0.0),
    ("EU-15", 0.025, 44.0, -0.9),
    ("EU accession from 2004", 0.035, 34.0, -1.5),
    ("third country", 0.04, 41.0, -1.1),
)
_STARTS = (18, 22, 26, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85)
_SPREAD = 17.0  # standard deviation of ages within a group, years


@dataclass(frozen=True, eq=False)
class SimulatedRegister:
    """Cells and what they were drawn from.

    Attributes
    ----------
    cells
        The register.
    probability
        True probability of voting of each cell, shape (n,).
    """

    cells: TurnoutCells
    probability: np.ndarray

    def group_turnout(self) -> np.ndarray:
        """True turnout of each group in its own age structure, shape (groups,)."""
        index, entitled = self.cells.index("group"), self.cells.entitled
        return np.bincount(index, entitled * self.probability) / np.bincount(index, entitled)


def simulate_register(
    seed: int = 2026,
    *,
    electorate: int = 60_000,
    areas: int = 25,
    sexes: bool = False,
    area_sd: float = 0.25,
    interaction_sd: float = 0.12,
    cell_sd: float = 0.05,
    group_scale: float = 1.0,
    inclusion_effect: float | None = None,
) -> SimulatedRegister:
    r"""Invent a register.

    The log-odds of voting of a cell are

        logit p = c(age) + d_group + w_group(age) + u_area + v_{group, area} + s_sex + e_cell,

    c rising from youth to 70 and falling after, w a random walk per group, u smooth over a grid of areas, v
    and e independent. The younger groups are those with the lower turnout, so that their raw gap is partly
    youth; the oldest of the small groups are few, so that many cells hold fewer than ten persons.

    Parameters
    ----------
    seed
        The same seed gives the same register.
    electorate
        Entitled persons, about.
    areas
        Areas on a square grid; rounded to a full square.
    sexes
        Divide by sex as well.
    area_sd, interaction_sd, cell_sd
        Standard deviations of u, v and e on the logit scale.
    group_scale
        Factor on the groups' distance from nationals.
    inclusion_effect
        Logits by which the turnout of every group but nationals is higher where the areas' ``inclusion``, a
        moderator from 0 to 100, is higher by one standard deviation; None: areas have no such index.

    Examples
    --------
    >>> len(simulate_register(1).cells.table)
    1500
    """
    rng = np.random.default_rng(seed)
    side = max(2, round(np.sqrt(areas)))
    areas = side * side
    n_groups, n_ages = len(_GROUPS), len(_STARTS)
    bands = tuple(
        AgeBand(f"{low}+" if high is None else f"{low}–{high}", low, high)
        for low, high in zip(_STARTS, [*(start - 1 for start in _STARTS[1:]), None], strict=True)
    )
    middle = np.array([band.middle for band in bands])
    common = 1.3 - 1.5 * ((middle - 68) / 45) ** 2
    walks = np.cumsum(rng.normal(0, 0.08, (n_groups, n_ages)), axis=1)
    walks -= walks.mean(axis=1, keepdims=True)
    place = np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1).reshape(-1, 2)
    distance = np.linalg.norm(place[:, None] - place[None], axis=-1)
    smooth = np.linalg.cholesky(np.exp(-distance / 2) + 1e-9 * np.eye(areas)) @ rng.normal(size=areas)
    area = area_sd * (np.sqrt(0.7) * smooth + np.sqrt(0.3) * rng.normal(size=areas))
    between = interaction_sd * rng.normal(size=(n_groups, areas))
    level = group_scale * np.array([one[3] for one in _GROUPS])
    sex = np.array([-0.05, 0.05]) if sexes else np.zeros(1)

    shape = (n_groups, n_ages, len(sex), areas)
    eta = (
        (common + level[:, None] + walks)[:, :, None, None]
        + sex[None, None, :, None]
        + (area[None] + between)[:, None, None, :]
        + cell_sd * rng.normal(size=shape)
    )
    moderators = {}
    if inclusion_effect is not None:
        # A generator of its own: the register is otherwise the same.
        inclusion = np.random.default_rng([seed, 1]).normal(50, 12, areas).clip(0, 100).round(1)
        moderators["inclusion"] = inclusion
        z = (inclusion - inclusion.mean()) / inclusion.std()
        eta = eta + inclusion_effect * z * (np.arange(n_groups) > 0)[:, None, None, None]
    width = np.array([band.high - band.low + 1 if band.high else 10 for band in bands])
    ages = np.stack([width * np.exp(-0.5 * ((middle - one[2]) / _SPREAD) ** 2) for one in _GROUPS])
    ages /= ages.sum(axis=1, keepdims=True)
    size = rng.dirichlet(np.full(areas, 8.0))
    share = rng.dirichlet(np.full(n_groups, 1.0) * 200 * np.array([one[1] for one in _GROUPS]), areas).T
    expected = electorate * ages[:, :, None, None] * (share * size)[:, None, None, :] / len(sex)
    entitled = rng.poisson(np.broadcast_to(expected, shape))
    voted = rng.binomial(entitled, expit(eta))
    index = np.indices(shape).reshape(4, -1)
    table = pd.DataFrame(
        {"group": index[0], "age": index[1], "sex": index[2], "area": index[3],
         "entitled": entitled.ravel(), "voted": voted.ravel()}
    )  # fmt: skip
    levels = {
        "group": tuple(one[0] for one in _GROUPS),
        "age": tuple(band.label for band in bands),
        "sex": ("men", "women"),
        "area": tuple(f"A{number + 1:02d}" for number in range(areas)),
    }
    if not sexes:
        table, levels = table.drop(columns="sex"), {k: v for k, v in levels.items() if k != "sex"}
    i, j = np.nonzero(np.triu(np.isclose(distance, 1)))
    about = TurnoutAbout(
        "simulated register", 2025, "simulated; persons, areas and votes are invented", True, "area"
    )
    cells = TurnoutCells(
        table, levels, find_groups(levels["group"]), bands, np.column_stack([i, j]), about,
        moderators=moderators,
    )  # fmt: skip
    return SimulatedRegister(cells, expit(eta).ravel())


def write_register(cells: TurnoutCells, folder: str | Path) -> Path:
    """Write cells as ``cells.csv``, their links as ``links.csv`` and moderators of areas as ``areas.csv``.

    Columns of cells: a label for each factor, ``entitled`` and ``voted`` (persons), as `read_turnout` takes
    them; of areas: ``area`` and one column for each moderator, as `read_moderators` takes them.
    """
    folder = Path(folder)
    with written_aside(folder / "cells.csv") as aside:
        cells.named().assign(entitled=cells.entitled, voted=cells.voted).to_csv(
            aside, index=False, float_format="%g"
        )
    if len(cells.edges):
        names = np.array(cells.levels["area"])
        with written_aside(folder / "links.csv") as aside:
            pd.DataFrame(names[cells.edges], columns=["a", "b"]).to_csv(aside, index=False)
    if cells.moderators:
        with written_aside(folder / "areas.csv") as aside:
            pd.DataFrame({"area": cells.levels["area"], **cells.moderators}).to_csv(aside, index=False)
    return folder / "cells.csv"
