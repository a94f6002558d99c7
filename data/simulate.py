"""`simulate_city`: an invented city with irregular districts, a river, people and votes of known truth."""

from dataclasses import dataclass
from numbers import Integral
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from spatialvote.data.districts import About, Districts, ReadRecord
from spatialvote.data.errors import DataError, Problem
from spatialvote.data.light_libpysal import Graph  # pyright: ignore[reportAttributeAccessIssue]
from spatialvote.data.neighbours import graph_from_edges, report_graph
from spatialvote.data.origin_groups import OriginGroup
from spatialvote.data.roles import Roles
from spatialvote.data.simulate_outline import draw_terrain
from spatialvote.data.simulate_people import aggregate, populate
from spatialvote.data.simulate_places import lay_out
from spatialvote.data.simulate_truth import COVARIATES, PartyParameters, Truth, TurnoutParameters
from spatialvote.data.simulate_votes import draw_turnout, draw_votes
from spatialvote.data.simulate_write import write_city

#: Fewest and most districts of a simulated city.
SMALLEST, LARGEST = 20, 20_000
#: The anti-immigration party: strongest where few migrants live, weaker with education. Invented.
NATIONAL_LIST = PartyParameters(
    intercept=-1.45, coefficients={"migrant_share": -0.02, "higher_education": -0.02, "income": -0.005}
)
#: The immigrant-based party: strongest where many migrants live. Invented.
DIVERSITY_LIST = PartyParameters(
    intercept=-3.05, coefficients={"migrant_share": 0.04, "higher_education": -0.01, "income": -0.01}
)
#: Who counts as a migrant there.
MIGRANTS = OriginGroup(
    "residents with migration background",
    "residents whose origin is another country, in the EU or outside it",
    "simulate_city",
    "simulated city",
)
#: What columns are called in sentences and maps.
NAMES = {
    "national_list": "the National List",
    "diversity_list": "the Diversity List",
    "migrant_share": "residents with migration background",
    "higher_education": "higher education",
    "income": "income",
    "valid": "valid votes",
}
#: Who is entitled to vote and who does.
TURNOUT = TurnoutParameters(
    entitled={"origin_native": 0.78, "origin_eu": 0.2, "origin_non_eu": 0.5},
    intercept=1.0,
    coefficients={"migrant_share": -0.01, "higher_education": 0.015, "income": 0.01},
)


@dataclass(frozen=True, eq=False)
class SimulatedCity:
    """A simulated city: what a researcher would see, and the truth behind it.

    Attributes
    ----------
    districts
        The table with geometry, roles and neighbour graph, marked as simulated.
    truth
        Every true parameter value, and true eta and phi per district.
    grid
        The residents by hundred-metre cell (see `spatialvote.data.simulate_people.populate`).
    """

    districts: Districts
    truth: Truth
    grid: pd.DataFrame

    def write(self, folder: str | Path) -> Path:
        """Write the city as files to a new folder; see `spatialvote.data.simulate_write.write_city`."""
        return write_city(Path(folder), self.districts, self.truth, self.grid)


def simulate_city(
    seed: int = 2026,
    n_districts: int = 400,
    islands: int = 0,
    second_component: bool = False,
    *,
    national_list: PartyParameters = NATIONAL_LIST,
    diversity_list: PartyParameters = DIVERSITY_LIST,
    turnout: TurnoutParameters = TURNOUT,
) -> SimulatedCity:
    """Simulate a city with an anti-immigration party and an immigrant-based party.

    The city lies on an (empty) sea, EPSG:3035, with a coast in the west and a river from east to west.
    Districts are smaller where people live densely; each has about 300 to 3,000 valid votes. Neighbours are
    by queen contiguity of the polygons. The river is cut out of the districts and separates them, except at
    the bridges, which belong to a district. Residents live on a hundred-metre grid, migrants in clusters;
    the covariates of a district (percent of residents of non-native origin, percent with higher education,
    mean income in 1000 EUR) are means over its residents. Votes y of a party among N valid votes arise from

        y_i ~ Binomial(N_i, logit^-1(eta_i))
        eta = intercept + sum_k b_k (x_k - mean x_k) + sigma (sqrt(1 - rho) theta + sqrt(rho) phi)

    with theta iid N(0, 1) and phi the intrinsic CAR of the graph, scaled within each connected component so
    that the geometric mean of its marginal variances is 1 (N(0, 1) on an island).

    Parameters
    ----------
    seed
        Same arguments, same city. Place, people and votes have their own streams: another party parameter
        changes the votes alone.
    n_districts
        All districts, those of islands and garden town included.
    islands
        How many of the districts are islands off the coast.
    second_component
        Whether about one district in twelve lies in a garden town that touches no other district.
    national_list, diversity_list
        Parameters of the anti-immigration and of the immigrant-based party.
    turnout
        Parameters of electorate, turnout and blank votes.

    Raises
    ------
    DataError
        If an argument is outside its range, all of it at once; if the parties' expected shares reach 100 %,
        or a district is so small that nobody lives in it.

    Examples
    --------
    >>> city = simulate_city(seed=1, n_districts=60, islands=1)
    >>> city.districts
    Districts(Simulated city: 60 x polling district (simulated), 142 links, 2 components, 1 islands)
    >>> city.truth.parties["national_list"].coefficients["migrant_share"]
    -0.02
    """
    _check_arguments(seed, n_districts, islands, second_component)
    streams = np.random.SeedSequence(int(seed)).spawn(3)
    for_places, for_people, for_votes = (np.random.default_rng(stream) for stream in streams)

    terrain = draw_terrain(for_places, n_districts, islands, second_component)
    places = lay_out(for_places, terrain, n_districts)
    digits = len(str(n_districts))
    ids = pd.Index([f"D{k:0{digits}d}" for k in range(1, n_districts + 1)], name="district", dtype="str")
    grid = populate(for_people, terrain, places, ids)
    people = aggregate(grid, ids)
    i, j = _queen(places.polygons)
    ballots, turnout_rate = draw_turnout(for_votes, people, turnout)
    parties = {"national_list": national_list, "diversity_list": diversity_list}
    votes, party_truths = draw_votes(for_votes, people, ballots["valid"].to_numpy(), (i, j), parties)

    arguments = {
        "seed": int(seed),
        "n_districts": int(n_districts),
        "islands": int(islands),
        "second_component": bool(second_component),
    }
    quarter = pd.Series(places.quarter, index=ids, dtype="str")
    label = quarter + " " + (quarter.groupby(quarter).cumcount() + 1).astype("str")
    columns = pd.concat([label.rename("label"), quarter.rename("quarter"), people, ballots, votes], axis=1)
    table = gpd.GeoDataFrame(columns, geometry=places.polygons, crs="EPSG:3035")
    graph = graph_from_edges(list(ids), i, j)
    districts = Districts(
        table=table,
        roles=Roles(
            id="district",
            votes={party: party for party in parties},
            valid="valid",
            electorate="electorate",
            migrants="migrant_share",
            covariates=("higher_education", "income"),
            groups=("quarter",),
            label="label",
            units=dict(COVARIATES),
            names=dict(NAMES),
            definitions={"migrant_share": (MIGRANTS,)},
        ),
        graph=graph,
        graph_report=report_graph(graph, "queen contiguity"),
        about=About(
            name="Simulated city",
            unit="polling district (simulated)",
            source=f"simulate_city({', '.join(f'{name}={value}' for name, value in arguments.items())})",
            simulated=True,
        ),
        record=ReadRecord(notes=("places, people and votes are invented, drawn from known parameters",)),
    )
    truth = Truth(
        arguments=arguments,
        district=tuple(ids),
        center={name: float(people[name].to_numpy().mean()) for name in COVARIATES},
        scale={name: float(people[name].to_numpy().std()) for name in COVARIATES},
        parties=party_truths,
        turnout=turnout,
        turnout_rate=turnout_rate,
    )
    return SimulatedCity(districts, truth, grid)


def _queen(polygons: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Links of polygons that share a corner or a border, as positions i < j."""
    matrix = Graph.build_contiguity(gpd.GeoSeries(polygons), rook=False).sparse.tocoo()
    keep = (matrix.row < matrix.col) & (matrix.data != 0)
    return matrix.row[keep].astype(np.int64), matrix.col[keep].astype(np.int64)


def _check_arguments(seed: int, n_districts: int, islands: int, second_component: bool) -> None:
    """Raise one error that says everything that is wrong with the arguments."""
    problems = []
    if not _whole(seed) or seed < 0:
        problems.append(
            Problem(f"seed must be a whole number, 0 or more ({seed!r} came)", "pass a seed such as 2026")
        )
    sized = _whole(n_districts) and SMALLEST <= n_districts <= LARGEST
    if not sized:
        problems.append(
            Problem(
                f"n_districts must be a whole number from {SMALLEST} to {LARGEST} ({n_districts!r} came)",
                "choose a number in that range",
            )
        )
    if not _whole(islands) or islands < 0:
        problems.append(
            Problem(f"islands must be a whole number, 0 or more ({islands!r} came)", "pass 0 for none")
        )
    elif sized and islands > n_districts // 4:
        problems.append(
            Problem(
                f"{islands} of {n_districts} districts cannot be islands",
                f"ask for at most a quarter, {n_districts // 4}",
            )
        )
    if not isinstance(second_component, bool | np.bool_):
        problems.append(
            Problem(f"second_component must be true or false ({second_component!r} came)", "pass a bool")
        )
    if problems:
        raise DataError(problems)


def _whole(value: object) -> bool:
    """Whether a value is a whole number and not a truth value."""
    return isinstance(value, Integral) and not isinstance(value, bool)
