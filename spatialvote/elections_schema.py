"""What a study file of elections over time may hold: its sections, keys and allowed values."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from spatialvote.study_schema import Columns, FilePath, GraphSection, Section, StudySection, Text


def _names(value: Any) -> Any:
    return tuple(str(one) for one in value) if isinstance(value, list) else value


class ElectionsSimulation(Section):
    """The arguments of `simulate_elections`."""

    n_districts: int = Field(default=100, ge=9, le=5000, description="a whole number from 9 to 5000")
    islands: int = Field(default=0, ge=0, description="a whole number, 0 or more")
    seed: int = Field(default=2026, ge=0, description="a whole number, 0 or more")


class ElectionsAboutSection(Section):
    """[elections.about]: what the districts are."""

    name: Text = Field(description="the elections, in quotes")
    unit: Text = Field(description="what a district is (municipality, polling district, ...), in quotes")
    source: str = Field(default="", description="where the table comes from, in quotes")


class ElectionsSection(Section):
    """[elections]: simulated elections, or a table, long or wide, and what its columns are."""

    simulate: Annotated[
        ElectionsSimulation | None, BeforeValidator(lambda value: {} if value is True else value)
    ] = Field(default=None, description="true, or a table such as { n_districts = 100, islands = 2 }")
    table: FilePath | None = Field(
        default=None, description="a CSV, GeoPackage, GeoJSON, Shapefile or GeoParquet file, in quotes"
    )
    id: Text | None = Field(default=None, description="the column that identifies a district")
    names: Annotated[tuple[Text, ...], BeforeValidator(_names)] = Field(
        default=(), description="a list of elections in the order of time, such as [2001, 2005]"
    )
    election: Text | None = Field(
        default=None, description="the column that names the election, of a long table"
    )
    votes: dict[Text, Text] = Field(
        default={}, description='a table of party = column, such as { df = "df_{election}" }'
    )
    valid: Text | None = Field(default=None, description="the column with valid votes")
    electorate: Text | None = Field(default=None, description="the column with persons entitled to vote")
    migrants: Text | None = Field(default=None, description="the column with the share of migrants")
    covariates: Columns = Field(default=(), description="a list of columns in quotes")
    label: Text | None = Field(default=None, description="the column with the name of a district")
    units: dict[Text, Text] = Field(default={}, description="a table of column = unit")
    called: dict[Text, Text] = Field(default={}, description="a table of column = what it is called")
    geometry: FilePath | None = Field(default=None, description="a file with the shapes, in quotes")
    geometry_id: Text | None = Field(default=None, description="the id column of the file with the shapes")
    edges: FilePath | None = Field(default=None, description="a CSV file of links, in quotes")
    layer: Text | None = Field(default=None, description="the name of a layer, in quotes")
    crs: Text | int | None = Field(default=None, description='a CRS such as "EPSG:28992", or its number')
    missing: Literal["refuse", "drop"] = Field(default="refuse", description="'refuse' or 'drop'")
    fractions: Literal["refuse", "round"] = Field(default="refuse", description="'refuse' or 'round'")
    repair: bool = Field(default=False, description="true or false")
    about: ElectionsAboutSection | None = Field(default=None, description="a table with name and unit")


class ElectionsModelSection(Section):
    """[model]: see `ElectionsModel`."""

    formula: Text = Field(description="a formula in quotes, such as 'df ~ migrants + education'")
    effect: Text | None = Field(default=None, description="the column whose effect is followed")
    path: Literal["walk", "free", "constant"] = Field(
        default="walk", description="'walk', 'free' or 'constant'"
    )
    time: Literal["rw1", "ar1"] = Field(default="rw1", description="'rw1' or 'ar1'")
    interaction: Literal["structured", "independent"] = Field(
        default="structured", description="'structured' or 'independent'"
    )
    varying: bool = Field(default=False, description="true or false")
    by_election: Columns = Field(default=(), description="a list of columns in quotes")
    spacing: Literal["elections", "time"] = Field(default="elections", description="'elections' or 'time'")


class ElectionsEngineSection(Section):
    """[engine]: how the posterior is drawn."""

    name: Literal["laplace", "metropolis"] = Field(default="laplace", description="'laplace' or 'metropolis'")
    draws: int | None = Field(default=None, ge=100, description="a whole number, 100 or more")
    tune: int | None = Field(default=None, ge=1, description="a whole number, 1 or more")
    chains: int | None = Field(default=None, ge=1, description="a whole number, 1 or more")
    cores: int | None = Field(default=None, ge=1, description="a whole number, 1 or more")


class ElectionsEffectSection(Section):
    """[effect]: how far the followed covariate is moved."""

    points: float = Field(default=10.0, gt=0, le=100, description="percentage points, above 0 and up to 100")


class ElectionsFile(Section):
    """All sections of a study file of elections over time."""

    study: StudySection = Field(description="a section [study] with title, seed and output")
    elections: ElectionsSection = Field(
        description="a section [elections] with table and columns, or simulate = true"
    )
    graph: GraphSection = Field(default_factory=GraphSection, description="a section [graph]")
    model: ElectionsModelSection = Field(description="a section [model] with formula")
    engine: ElectionsEngineSection = Field(
        default_factory=ElectionsEngineSection, description="a section [engine]"
    )
    effect: ElectionsEffectSection = Field(
        default_factory=ElectionsEffectSection, description="a section [effect]"
    )
