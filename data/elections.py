"""`Elections`: repeated elections on the same districts, validated, bound to one neighbour graph."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import geopandas as gpd
import numpy as np
import pandas as pd

from spatialvote.data.districts import About, Districts, GraphReport, ReadRecord
from spatialvote.data.errors import DataError, GraphError, Problem, name_some
from spatialvote.data.light_libpysal import Graph  # pyright: ignore[reportAttributeAccessIssue]
from spatialvote.data.neighbours import graph_from_edges, report_graph
from spatialvote.data.roles import Roles


@dataclass(frozen=True, eq=False)
class Elections:
    """Votes and covariates of the same districts at several elections.

    Attributes
    ----------
    table
        One row for each district at each election where it is known, sorted by election and district:
        ``district`` and ``election`` (positions among `ids` and `labels`, int64), counts of votes, valid
        votes and electorate (int64), migrants and covariates (float64).
    places
        GeoDataFrame of the districts, indexed by id (text, unique), with their label and, where known, shape.
    labels
        Names of the elections, in the order of time, two at least.
    times
        When they were, ascending: years, or 1, 2, ... where labels are no numbers.
    roles
        Which column is what; counts with valid votes.
    graph
        Symmetric `libpysal.graph.Graph` over the same ids in the same order; one for all elections.
    graph_report, about, record
        How the graph was made; what the districts are; what was done while reading. ``record.dropped`` names
        district-elections that are left out as ``"2005: A12"``.

    Raises
    ------
    DataError, GraphError
        If the parts do not belong together.
    """

    table: pd.DataFrame
    places: gpd.GeoDataFrame
    labels: tuple[str, ...]
    times: tuple[float, ...]
    roles: Roles
    graph: Graph
    graph_report: GraphReport
    about: About
    record: ReadRecord = field(default_factory=ReadRecord)

    def __post_init__(self) -> None:
        problems = [*_label_problems(self), *_row_problems(self)]
        if problems:
            raise DataError(problems)
        if list(self.places.index) != list(self.graph.unique_ids):
            raise GraphError(
                Problem(
                    "graph and places differ in their ids or in the order of them",
                    "build the graph from the places in their final order",
                )
            )

    def __repr__(self) -> str:
        most = self.n * len(self.labels)
        return (
            f"Elections({self.about.name}: {len(self.labels)} elections {self.labels[0]} to "
            f"{self.labels[-1]}, {self.n} x {self.about.unit}, {len(self.table):,} of {most:,} "
            f"district-elections, {len(self.graph_report.component_sizes)} components, "
            f"{len(self.graph_report.islands)} islands)"
        )

    @property
    def n(self) -> int:
        """Number of districts."""
        return len(self.places)

    @property
    def ids(self) -> pd.Index:
        """District ids."""
        return self.places.index

    @property
    def district(self) -> np.ndarray:
        """Position of each row's district, shape (rows,)."""
        return self.table["district"].to_numpy(dtype=np.int64)

    @property
    def election(self) -> np.ndarray:
        """Position of each row's election, shape (rows,)."""
        return self.table["election"].to_numpy(dtype=np.int64)

    def votes(self, party: str) -> np.ndarray:
        """Votes for a party, shape (rows,), int64."""
        return self.table[self.roles.votes[party]].to_numpy(dtype=np.int64)

    @property
    def valid(self) -> np.ndarray:
        """Valid votes, shape (rows,), int64."""
        return self.table[self.roles.valid].to_numpy(dtype=np.int64)

    def grid(self, values: np.ndarray) -> np.ndarray:
        """Values of the rows as (elections, districts), NaN where a district-election is not known."""
        out = np.full((len(self.labels), self.n), np.nan)
        out[self.election, self.district] = values
        return out

    @cached_property
    def edges(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Undirected links as positions i < j and weights, each shape (n_edges,), sorted by (i, j)."""
        coo = self.graph.sparse.tocoo()
        keep = (coo.row < coo.col) & (coo.data != 0)
        i, j, w = coo.row[keep], coo.col[keep], coo.data[keep]
        order = np.lexsort((j, i))
        return i[order].astype(np.int64), j[order].astype(np.int64), w[order].astype(np.float64)

    def at(self, election: str) -> Districts:
        """The districts of one election, those that are known then, with the links between them.

        Raises
        ------
        DataError
            If there is no such election.
        """
        if election not in self.labels:
            raise DataError(
                Problem(f"there is no election '{election}'", f"choose from {name_some(self.labels, 20)}")
            )
        rows = self.table[self.election == self.labels.index(election)]
        position = rows["district"].to_numpy()
        ids = self.ids[position]
        new = np.full(self.n, -1)
        new[position] = np.arange(len(position))
        i, j, w = self.edges
        kept = (new[i] >= 0) & (new[j] >= 0)
        graph = graph_from_edges(list(ids), new[i[kept]], new[j[kept]], w[kept])
        columns = rows.drop(columns=["district", "election"]).set_axis(ids)
        places = self.places.loc[ids]
        extra = places.drop(columns=places.geometry.name)
        table = gpd.GeoDataFrame(pd.concat([extra, columns], axis=1), geometry=places.geometry)
        time = self.times[self.labels.index(election)]
        year = int(time) if 1000 < time < 3000 and float(time).is_integer() else None
        added = [one for one in self.graph_report.added if set(one) <= set(ids)]
        report = report_graph(graph, self.graph_report.method, added)
        about = replace(self.about, name=f"{self.about.name} {election}", year=year)
        return Districts(table, self.roles, graph, report, about, self.record)

    def frame(self) -> Districts:
        """All districts with their shapes and neighbours and without votes, to be mapped."""
        roles = Roles(id=self.roles.id, votes={}, label=self.roles.label)
        return Districts(self.places, roles, self.graph, self.graph_report, self.about, self.record)

    @cached_property
    def fingerprint(self) -> Mapping[str, str]:
        """SHA-256 of the data (ids, elections and all columns with a role) and of the graph."""
        data = hashlib.sha256("\x1f".join([*self.ids, *self.labels]).encode())
        data.update(np.array(self.times, dtype="<f8").tobytes())
        for column in ("district", "election", *self.roles.numeric_columns()):
            data.update(f"\x1e{column}\x1e".encode())
            data.update(self.table[column].to_numpy(dtype="<f8").tobytes())
        graph = hashlib.sha256("\x1f".join(self.ids).encode())
        i, j, w = self.edges
        for part in (i.astype("<i8"), j.astype("<i8"), w.astype("<f8")):
            graph.update(part.tobytes())
        return {"data": data.hexdigest(), "graph": graph.hexdigest()}


def _label_problems(elections: Elections) -> list[Problem]:
    labels, times = elections.labels, np.asarray(elections.times, dtype=np.float64)
    if len(labels) < 2 or len(set(labels)) != len(labels):
        return [
            Problem(
                f"two elections at least are needed, each named once; {name_some(labels, 9) or 'none'} came",
                "give the elections' table in full, or fit one election with VoteShareModel",
            )
        ]
    if times.shape != (len(labels),) or not (np.diff(times) > 0).all():
        return [
            Problem(
                f"times {name_some(times, 9)} do not ascend, one for each election",
                "name the elections in the order of time",
            )
        ]
    return []


def _row_problems(elections: Elections) -> list[Problem]:
    table, index = elections.table, elections.places.index
    if not index.is_unique or not all(isinstance(one, str) for one in index):
        return [Problem("district ids must be unique text", "build them with read_elections")]
    if elections.roles.shares_only or elections.roles.valid is None:
        return [
            Problem("elections over time need votes out of valid votes", "name the column of valid votes")
        ]
    lacking = [
        one for one in ("district", "election", *elections.roles.numeric_columns()) if one not in table
    ]
    if lacking:
        return [Problem(f"the table has no column {name_some(lacking)}", "give every column that has a role")]
    problems = []
    inside = table["district"].between(0, len(index) - 1) & table["election"].between(
        0, len(elections.labels) - 1
    )
    if not inside.all():
        problems.append(
            Problem("rows belong to districts or elections that are not there", "give positions of both")
        )
    order = table["election"] * len(index) + table["district"]
    if not (np.diff(order.to_numpy()) > 0).all():
        problems.append(
            Problem(
                "rows are not sorted by election and district, each once",
                "sort them, and sum what belongs together",
            )
        )
    empty = sorted(set(range(len(elections.labels))) - set(table["election"]))
    if empty:
        names = [elections.labels[one] for one in empty]
        problems.append(Problem(f"elections {name_some(names)} have no rows", "leave them out"))
    votes = table[list(elections.roles.votes.values())]
    if not problems and (
        (table[elections.roles.valid] < 1).any()
        or (votes < 0).to_numpy().any()
        or votes.gt(table[elections.roles.valid], axis=0).to_numpy().any()
    ):
        problems.append(
            Problem(
                "votes are negative or exceed valid votes, or nobody voted", "read them with read_elections"
            )
        )
    return problems
