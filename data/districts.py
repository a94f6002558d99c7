"""`Districts`: a district table that passed validation, bound by id to its neighbour graph."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import geopandas as gpd
import numpy as np
import pandas as pd

from spatialvote.data.errors import DataError, GraphError, Problem, name_some
from spatialvote.data.light_libpysal import Graph  # pyright: ignore[reportAttributeAccessIssue]
from spatialvote.data.measured import Measured
from spatialvote.data.roles import SHARE_UNITS, Roles
from spatialvote.data.unknown_values import UnknownValues, no_unknown_values


@dataclass(frozen=True)
class About:
    """What the districts are, printed wherever a result from them is shown.

    Attributes
    ----------
    name
        The election or city ("Netherlands, House of Representatives").
    unit
        The areal unit of a row ("municipality"); results are about these areas, not about persons.
    year
        Year of the outcome.
    source
        Where the table comes from.
    simulated
        True where places, people and votes are invented.
    """

    name: str
    unit: str
    year: int | None = None
    source: str = ""
    simulated: bool = False


@dataclass(frozen=True)
class GraphReport:
    """How the neighbour graph was made and what it looks like.

    Attributes
    ----------
    method
        Definition in words ("queen contiguity", "fuzzy contiguity, 60 m tolerance").
    n_edges
        Undirected links.
    component_sizes
        Districts per connected component, descending; an island is a component of size one.
    islands
        Ids of the districts without a neighbour.
    added
        Links that exact contiguity lacks and the tolerance or ``connect="nearest"`` added, as pairs of ids.
    """

    method: str
    n_edges: int
    component_sizes: tuple[int, ...]
    islands: tuple[str, ...]
    added: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class ReadRecord:
    """What happened on the way from files to districts.

    Attributes
    ----------
    files
        File name to SHA-256 of its bytes; with its folder where two files have the same name.
    dropped
        Id to reason, for districts left out under ``missing="drop"``.
    repaired
        Ids whose geometry was repaired on request.
    notes
        Remarks that are no errors but that a reviewer should know.
    arguments
        What `read_districts` was called with, apart from the roles and from what was left to its default;
        files by name, without their folders.
    measured
        How measures from a grid were made, where there are some.
    sums
        Party that is the sum of others to these.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    dropped: Mapping[str, str] = field(default_factory=dict)
    repaired: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    arguments: Mapping[str, str | float | bool] = field(default_factory=dict)
    measured: Measured | None = None
    sums: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Districts:
    """Validated districts with the roles of their columns and their neighbour graph.

    Attributes
    ----------
    table
        GeoDataFrame indexed by district id (text, unique, index name "district"). Geometry may be
        missing or empty in some (see `drawable`), and in all where only a table and an edge list are known.
    roles
        Which column is what.
    graph
        Symmetric `libpysal.graph.Graph` over the same ids in the same order, no self-loops.
    graph_report, about, record
        How the graph was made; what the districts are; what was done while reading.
    unknown
        Values that are not known exactly; the table has a first guess of each.

    Raises
    ------
    DataError, GraphError
        If ids are not unique text or the graph's ids differ from the table's.
    """

    table: gpd.GeoDataFrame
    roles: Roles
    graph: Graph
    graph_report: GraphReport
    about: About
    record: ReadRecord = field(default_factory=ReadRecord)
    unknown: UnknownValues = field(default_factory=no_unknown_values)

    def __post_init__(self) -> None:
        index = self.table.index
        if not index.is_unique or not all(isinstance(one, str) for one in index):
            raise DataError(
                Problem(
                    "district ids must be unique text",
                    "build districts with read_districts, which reads ids as text",
                )
            )
        ours, theirs = set(index), set(self.graph.unique_ids)
        if ours != theirs:
            raise GraphError(
                Problem(
                    f"graph and table disagree on ids ({name_some(sorted(ours ^ theirs))})",
                    "build the graph from the same districts",
                )
            )
        if list(index) != list(self.graph.unique_ids):
            raise GraphError(
                Problem(
                    "graph and table hold the same ids in a different order",
                    "build the graph from the table in its final order",
                )
            )

    def __repr__(self) -> str:
        report = self.graph_report
        unit = self.about.unit
        return (
            f"Districts({self.about.name}: {self.n} x {unit}, {report.n_edges} links, "
            f"{len(report.component_sizes)} components, {len(report.islands)} islands)"
        )

    @property
    def n(self) -> int:
        """Number of districts."""
        return len(self.table)

    @property
    def ids(self) -> pd.Index:
        """District ids, in the order of every array of this object."""
        return self.table.index

    @property
    def has_geometry(self) -> bool:
        """Whether the districts can be mapped: at least one has a geometry that is not empty."""
        return bool(self.drawable.any())

    @property
    def drawable(self) -> np.ndarray:
        """Which districts have a geometry that is not empty, shape (n,); maps leave the others out."""
        geometry = self.table.geometry
        return ~(geometry.isna() | geometry.is_empty).to_numpy()

    def votes(self, party: str) -> np.ndarray:
        """Votes for a party (or cases), shape (n,), int64; raises KeyError where only shares are known."""
        if self.roles.shares_only:
            raise KeyError("these districts have shares of votes, not votes")
        return self.table[self.roles.votes[party]].to_numpy(dtype=np.int64)

    @property
    def valid(self) -> np.ndarray:
        """Valid votes, shape (n,), int64; raises KeyError where the table has none (Poisson counts)."""
        if self.roles.valid is None:
            raise KeyError("these districts have no valid votes")
        return self.table[self.roles.valid].to_numpy(dtype=np.int64)

    @property
    def exposure(self) -> np.ndarray:
        """Exposure of Poisson counts, shape (n,), float64; raises KeyError where the table has none."""
        if self.roles.exposure is None:
            raise KeyError("these districts have no exposure")
        return self.table[self.roles.exposure].to_numpy(dtype=np.float64)

    def share(self, party: str) -> np.ndarray:
        """Votes over valid votes (fraction), or cases over exposure (rate), shape (n,).

        Where only shares are known, the share as it stands in the table, as a fraction.
        """
        if self.roles.shares_only:
            column = self.roles.votes[party]
            whole = SHARE_UNITS[self.roles.units[column]]
            return self.table[column].to_numpy(dtype=np.float64) / whole
        denominator = self.valid if self.roles.valid is not None else self.exposure
        return self.votes(party) / denominator

    @cached_property
    def edges(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Undirected links as positions i < j and weights, each shape (n_edges,), sorted by (i, j)."""
        coo = self.graph.sparse.tocoo()
        keep = (coo.row < coo.col) & (coo.data != 0)
        i, j, w = coo.row[keep], coo.col[keep], coo.data[keep]
        order = np.lexsort((j, i))
        return i[order].astype(np.int64), j[order].astype(np.int64), w[order].astype(np.float64)

    @cached_property
    def fingerprint(self) -> Mapping[str, str]:
        """SHA-256 of the data (ids and all columns with a role) and of the graph (ids, links, weights).

        The order of rows matters: a permuted row is a different table to a saved fit.
        """
        roles = self.roles
        columns = roles.numeric_columns()
        data = hashlib.sha256("\x1f".join(self.ids).encode())
        for column in columns:
            data.update(f"\x1e{column}\x1e".encode())
            data.update(self.table[column].to_numpy(dtype="<f8").tobytes())
        for column in roles.groups:
            data.update(f"\x1e{column}\x1e".encode())
            data.update("\x1f".join(map(str, self.table[column])).encode())
        for column, declared in roles.uncertain.items():
            data.update(f"\x1e{column}\x1e{declared}".encode())
        for row in self.unknown.frame.itertuples(index=False):
            data.update(f"\x1e{tuple(row)}".encode())
        i, j, w = self.edges
        graph = hashlib.sha256("\x1f".join(self.ids).encode())
        for part in (i.astype("<i8"), j.astype("<i8"), w.astype("<f8")):
            graph.update(part.tobytes())
        return {"data": data.hexdigest(), "graph": graph.hexdigest()}
