"""`TurnoutCells`: validated cells of entitled and voting persons by origin, age, sex, area and election."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from spatialvote.data.errors import DataError, GraphError, Problem, name_some
from spatialvote.data.origin_groups import OriginGroup
from spatialvote.data.turnout_ages import AgeBand

#: What cells can be divided by; a table needs one of them at least.
FACTORS = ("group", "age", "sex", "area", "election")


@dataclass(frozen=True)
class TurnoutAbout:
    """What the cells are, printed wherever a result from them is shown.

    Attributes
    ----------
    name
        The election.
    year
        Year of the election, None where there are several.
    source
        Where the table comes from.
    simulated
        True where persons and votes are invented.
    area_unit
        What an area is ("municipality").
    """

    name: str
    year: int | None = None
    source: str = ""
    simulated: bool = False
    area_unit: str = "area"


@dataclass(frozen=True)
class Survey:
    """How individual answers became cells.

    A cell of individuals with weights w has the effective size (sum w)^2 / sum w^2 (Kish 1965, Survey
    Sampling): that many equally weighted persons tell as much. Its votes are the effective size times the
    weighted share of voters.

    Attributes
    ----------
    individuals
        Answers used.
    effective
        Effective number of them, all cells together: (sum w)^2 / sum w^2.
    weights_sum
        Sum of the weights.
    """

    individuals: int
    effective: float
    weights_sum: float

    @property
    def design_effect(self) -> float:
        """Kish's design effect of unequal weights, individuals / effective."""
        return self.individuals / self.effective


@dataclass(frozen=True, eq=False)
class TurnoutCells:
    """Cells of entitled and voting persons.

    Attributes
    ----------
    table
        Columns ``entitled`` and ``voted`` (persons; effective ones of a survey) and, for each factor of
        `levels`, a column with the position of the cell's level. Each combination once.
    levels
        Factor (one of `FACTORS`) to the labels of its levels, in order.
    groups
        Definition of each level of ``group``.
    ages
        Band of each level of ``age``, ascending.
    edges
        Links between areas as positions, shape (m, 2); empty without a graph.
    about
        What the cells are.
    survey
        How individual answers became cells; None for registers.
    moderators
        What is known of each area, such as policy or inclusion: name to values, shape (areas,).
    files
        File name to SHA-256 of what was read.
    notes
        What was done while reading that a reader should know.

    Raises
    ------
    DataError, GraphError
        With every problem found.
    """

    table: pd.DataFrame
    levels: Mapping[str, tuple[str, ...]]
    groups: tuple[OriginGroup, ...] = ()
    ages: tuple[AgeBand, ...] = ()
    edges: np.ndarray = field(default_factory=lambda: np.empty((0, 2), dtype=np.int64))
    about: TurnoutAbout = field(default_factory=lambda: TurnoutAbout("turnout"))
    survey: Survey | None = None
    moderators: Mapping[str, np.ndarray] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        problems = _structure_problems(self)
        if not problems:
            problems = [*_count_problems(self), *_moderator_problems(self)]
        if problems:
            raise DataError(problems)
        # One form of the same cells, whatever types they came in: their fingerprint depends on nothing else.
        kinds = {name: np.int64 for name in self.factors} | {"entitled": np.float64, "voted": np.float64}
        table = self.table[list(kinds)].astype(kinds).reset_index(drop=True)
        object.__setattr__(self, "table", table)
        if len(self.edges) and (self.edges.min() < 0 or self.edges.max() >= len(self.levels["area"])):
            raise GraphError(Problem("links name areas that are not there", "give positions of areas"))

    def __repr__(self) -> str:
        sizes = " x ".join(f"{len(levels)} {name}" for name, levels in self.levels.items())
        kind = "effective " if self.survey else ""
        return (
            f"TurnoutCells({self.about.name}: {len(self.table):,} cells of {sizes}, "
            f"{self.entitled.sum():,.0f} {kind}entitled, "
            f"turnout {self.voted.sum() / self.entitled.sum():.1%})"
        )

    @property
    def factors(self) -> tuple[str, ...]:
        """Factors that the cells are divided by, in the order of `FACTORS`."""
        return tuple(name for name in FACTORS if name in self.levels)

    @property
    def entitled(self) -> np.ndarray:
        """Entitled persons of each cell, shape (n,)."""
        return self.table["entitled"].to_numpy(dtype=np.float64)

    @property
    def voted(self) -> np.ndarray:
        """Voting persons of each cell, shape (n,)."""
        return self.table["voted"].to_numpy(dtype=np.float64)

    def index(self, factor: str) -> np.ndarray:
        """Level of each cell, shape (n,)."""
        return self.table[factor].to_numpy(dtype=np.int64)

    def named(self) -> pd.DataFrame:
        """The factors of each cell by their labels."""
        return pd.DataFrame(
            {name: np.array(self.levels[name], dtype=object)[self.index(name)] for name in self.factors}
        )

    def standardised(self, moderator: str) -> tuple[np.ndarray, float, float]:
        """A moderator with mean 0 and standard deviation 1 over the areas; and its mean and its deviation."""
        values = np.asarray(self.moderators[moderator], dtype=np.float64)
        mean, sd = float(values.mean()), float(values.std())
        return (values - mean) / sd, mean, sd

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of cells, levels, definitions and links."""
        parts = json.dumps(
            {
                "levels": self.levels,
                "groups": [asdict(one) for one in self.groups],
                "edges": self.edges.tolist(),
                **(
                    {"moderators": {k: list(map(float, v)) for k, v in self.moderators.items()}}
                    if self.moderators
                    else {}
                ),
            },
            default=list,
        )
        values = self.table[[*self.factors, "entitled", "voted"]].to_csv(index=False)
        return hashlib.sha256((values + parts).encode()).hexdigest()


def _structure_problems(cells: TurnoutCells) -> list[Problem]:
    unknown = [name for name in cells.levels if name not in FACTORS]
    if unknown or not cells.levels:
        return [
            Problem(
                f"cells are divided by {name_some(unknown) if unknown else 'nothing'}",
                f"divide them by some of {', '.join(FACTORS)}",
            )
        ]
    lacking = [name for name in ("entitled", "voted", *cells.levels) if name not in cells.table.columns]
    if lacking or cells.table.empty:
        return [
            Problem(
                f"cells have no column {name_some(lacking)}" if lacking else "there are no cells",
                "give entitled, voted and the position of each level",
            )
        ]
    problems = []
    if len(cells.groups) != len(cells.levels.get("group", ())):
        problems.append(
            Problem(
                f"{len(cells.levels.get('group', ()))} origin groups have {len(cells.groups)} definitions",
                "define each of them",
            )
        )
    if len(cells.ages) != len(cells.levels.get("age", ())):
        problems.append(Problem("ages and their labels differ in number", "give one band for each label"))
    if len({one.scheme for one in cells.groups}) > 1:
        problems.append(
            Problem("origin groups are of several definitions", "use the groups of one definition")
        )
    twice = cells.table.duplicated(list(cells.factors))
    if twice.any():
        names = [", ".join(row) for row in cells.named()[twice.to_numpy()].itertuples(index=False)]
        problems.append(
            Problem(
                f"{int(twice.sum())} cells come more than once ({name_some(names)})",
                "add them up, or name the column that tells them apart",
            )
        )
    return problems


def _count_problems(cells: TurnoutCells) -> list[Problem]:
    names = np.array([", ".join(row) for row in cells.named().itertuples(index=False)])
    problems = []
    for column in ("entitled", "voted"):
        values = cells.table[column].to_numpy(dtype=np.float64)
        wrong = ~(np.isfinite(values) & (values >= 0))
        if wrong.any():
            problems.append(
                Problem(
                    f"{column} is no count of persons in {int(wrong.sum())} cells "
                    f"({name_some(names[wrong])})",
                    "give persons, 0 or more; leave out cells that are kept secret",
                )
            )
    more = cells.voted > cells.entitled * (1 + 1e-9)
    if more.any():
        shares = [
            f"{name}: {voted:g} of {entitled:g}"
            for name, voted, entitled in zip(
                names[more], cells.voted[more], cells.entitled[more], strict=True
            )
        ]
        problems.append(
            Problem(
                f"turnout is above 100 % in {int(more.sum())} cells ({name_some(shares)})",
                "check that 'entitled' holds persons with the right to vote and 'voted' those who did",
            )
        )
    if not problems and not cells.entitled.sum() > 0:
        problems.append(Problem("nobody is entitled to vote in any cell", "check the column of entitled"))
    return problems


def _moderator_problems(cells: TurnoutCells) -> list[Problem]:
    if not cells.moderators:
        return []
    areas = cells.levels.get("area", ())
    if len(areas) < 3:
        return [
            Problem(
                f"{len(areas)} areas cannot tell how turnout goes with {name_some(cells.moderators)}",
                "a slope over areas needs three of them at least, and many more to be known",
            )
        ]
    problems = []
    for name, given in cells.moderators.items():
        values = np.asarray(given, dtype=np.float64)
        if "/" in name or not name.strip():
            problems.append(Problem(f"'{name}' cannot name a moderator", "give a name without '/'"))
        if values.shape != (len(areas),):
            problems.append(
                Problem(f"'{name}' has {values.size} values for {len(areas)} areas", "give one for each area")
            )
            continue
        lacking = [area for area, there in zip(areas, np.isfinite(values), strict=True) if not there]
        if lacking:
            problems.append(
                Problem(
                    f"'{name}' is missing for {len(lacking)} of {len(areas)} areas ({name_some(lacking)})",
                    "fill it in, or leave these areas out of the cells",
                )
            )
        elif np.ptp(values) == 0:
            problems.append(
                Problem(f"'{name}' is the same in all areas", "leave it out: nothing can be learnt from it")
            )
    return problems
