"""What a study file may hold: its sections, keys and allowed values.

Every field's ``description`` says in words what is allowed; messages and the file that ``spatialvote init``
writes use these words. Families, structures and neighbour definitions are repeated here as literals, because
the modules that implement them take seconds to load and a mistyped key should be answered at once.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag

from spatialvote.section import (
    DEFINITIONS,
    Columns,
    Definitions,
    FilePath,
    Positive,
    Probability,
    Section,
    Text,
    listed,
)
from spatialvote.surroundings_schema import PartiesSection, StationsSection, SurroundingsSection


def _rules(value: Any) -> Any:
    """Rules whose single choices stand for lists of one."""
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        return value
    return tuple(
        {key: listed(one if isinstance(one, list) else [one]) for key, one in rule.items()} for rule in value
    )


def _party_columns(value: Any) -> Any:
    """A list of columns names parties by their columns."""
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return {column: column for column in value}
    return value


Family = Literal["binomial", "beta_binomial", "poisson", "gaussian"]
Structure = Literal["bym2", "iid", "none", "leroux", "proper_car", "sar", "dagar"]


def _page(value: str) -> str:
    """A page beside this one: nothing that a browser would fetch or run."""
    if ":" in value or value.startswith(("/", "\\")) or not value.endswith(".html"):
        raise ValueError("not a page")
    return value


class StudySection(Section):
    """[study]: what is asked, the seed, and where results go."""

    title: Text = Field(description="a title in quotes")
    question: Text | None = Field(default=None, description="the question in words, in quotes")
    seed: int = Field(ge=0, description="a whole number, 0 or more")
    output: FilePath = Field(
        description="a folder in quotes; a relative one starts at the folder of the study file"
    )
    related: dict[Text, Annotated[Text, AfterValidator(_page)]] = Field(
        default={}, description="a table of title = page, each .html by its way from the output folder"
    )


class Simulation(Section):
    """The arguments of `simulate_city`."""

    n_districts: int = Field(default=400, ge=20, le=20_000, description="a whole number from 20 to 20000")
    islands: int = Field(default=0, ge=0, description="a whole number, 0 or more")
    second_component: bool = Field(default=False, description="true or false")
    seed: int = Field(default=2026, ge=0, description="a whole number, 0 or more")


def _simulation(value: Any) -> Any:
    return {} if value is True else value


class SimulatedData(Section):
    """[data] of a study of the simulated city."""

    simulate: Annotated[Simulation, BeforeValidator(_simulation)] = Field(
        description="true, or a table such as { n_districts = 400, islands = 2 }"
    )


class AboutSection(Section):
    """[data.about]: what the districts are, printed wherever a result is shown."""

    name: Text = Field(description="the election or city, in quotes")
    unit: Text = Field(description="what a row is (municipality, polling district, ...), in quotes")
    year: int = Field(ge=1800, le=2200, description="the year of the outcome, such as 2023")
    source: str = Field(default="", description="where the table comes from, in quotes")


class UncertainSection(Section):
    """[data.uncertain.COLUMN]: how the values of one covariate are not known exactly."""

    missing: bool = Field(default=False, description="true or false")
    low: Text | None = Field(default=None, description="the column with the lower ends of intervals")
    high: Text | None = Field(default=None, description="the column with the upper ends of intervals")
    rounded: Positive | None = Field(default=None, description="a step above 0, such as 5")
    suppressed_below: Positive | None = Field(default=None, description="a number above 0, such as 10")
    denominator: Text | None = Field(
        default=None, description="the column with the persons that a share is of"
    )
    se: Text | None = Field(default=None, description="the column with standard errors")
    se_on: Literal["column", "scale"] = Field(default="column", description="'column' or 'scale'")
    scale: Literal["identity", "log", "logit"] | None = Field(
        default=None, description="'identity', 'log' or 'logit'"
    )


class TableData(Section):
    """[data] of a study of real districts: files, and what their columns are."""

    table: FilePath = Field(description="a CSV, GeoPackage, GeoJSON, Shapefile or GeoParquet file, in quotes")
    geometry: FilePath | None = Field(
        default=None, description="a file with the shapes of a CSV table, in quotes"
    )
    geometry_id: Text | None = Field(default=None, description="the id column of the file with the shapes")
    edges: FilePath | None = Field(
        default=None, description="a CSV file of links between districts, in quotes"
    )
    layer: Text | None = Field(default=None, description="the name of a layer, in quotes")
    crs: Text | int | None = Field(default=None, description='a CRS such as "EPSG:28992", or its number')
    id: Text = Field(description="the column that identifies a district")
    votes: Annotated[dict[Text, Text], BeforeValidator(_party_columns)] = Field(
        min_length=1, description="a table of party = column, or a list of columns; at least one"
    )
    valid: Text | None = Field(default=None, description="the column with valid votes")
    exposure: Text | None = Field(
        default=None, description="the column with expected counts or persons at risk"
    )
    electorate: Text | None = Field(default=None, description="the column with persons entitled to vote")
    migrants: Text | None = Field(default=None, description="the column with the share of migrants")
    covariates: Columns = Field(default=(), description="a list of columns in quotes")
    groups: Columns = Field(default=(), description="a list of columns in quotes")
    label: Text | None = Field(default=None, description="the column with the name of a district")
    units: dict[Text, Text] = Field(
        default={}, description='a table of column = unit, both text, such as migrants = "percent"'
    )
    names: dict[Text, Text] = Field(
        default={}, description='a table of column = name, both text, such as income_k = "mean income"'
    )
    definitions: Definitions = Field(default={}, description=DEFINITIONS)
    uncertain: dict[Text, UncertainSection] = Field(
        default={}, description="a table of column = how it is uncertain, such as income = { missing = true }"
    )
    missing: Literal["refuse", "drop"] = Field(default="refuse", description="'refuse' or 'drop'")
    repair: bool = Field(default=False, description="true or false")
    about: AboutSection = Field(description="a table with name, unit and year")


def kind_of_data(value: Any) -> str:
    """Whether a section [data] tells of a simulated city or of a table."""
    return "simulated" if isinstance(value, dict) and "simulate" in value else "table"


class GraphSection(Section):
    """[graph]: which districts are neighbours."""

    method: Literal["queen", "rook", "fuzzy", "knn", "distance", "edges"] | None = Field(
        default=None, description="'queen', 'rook', 'fuzzy', 'knn', 'distance' or 'edges'"
    )
    tolerance: Positive | None = Field(default=None, description="metres, above 0")
    k: int | None = Field(default=None, ge=1, description="a whole number, 1 or more")
    distance: Positive | None = Field(default=None, description="metres, above 0")
    connect: Literal["nearest"] | None = Field(default=None, description="'nearest', or left out")


class PCSigmaSection(Section):
    """P(sigma > upper) = tail, also of the standard deviation of a group-level term."""

    prior: Literal["pc"]
    upper: Positive = Field(default=1.0, description="a number above 0")
    tail: Probability = Field(default=0.01, description="a probability between 0 and 1")


class HalfNormalSection(Section):
    """A standard deviation (sigma, noise, or that of a group-level term) is half-normal."""

    prior: Literal["half_normal"]
    scale: Positive = Field(default=1.0, description="a number above 0")


class PCNoiseSection(Section):
    """P(noise > upper) = tail."""

    prior: Literal["pc"]
    upper: Positive = Field(default=0.3, description="a number above 0")
    tail: Probability = Field(default=0.01, description="a probability between 0 and 1")


class PCSlopeSection(Section):
    """P(sigma_slope > upper) = tail."""

    prior: Literal["pc"]
    upper: Positive = Field(default=0.2, description="a number above 0")
    tail: Probability = Field(default=0.01, description="a probability between 0 and 1")


class PCOverdispersionSection(Section):
    """P(overdispersion > upper) = tail."""

    prior: Literal["pc"]
    upper: Probability = Field(default=0.1, description="a probability between 0 and 1")
    tail: Probability = Field(default=0.01, description="a probability between 0 and 1")


class PCRhoSection(Section):
    """P(rho < upper) = mass."""

    prior: Literal["pc"]
    upper: Probability = Field(default=0.5, description="a probability between 0 and 1")
    mass: Probability = Field(default=2 / 3, description="a probability between 0 and 1")


class BetaRhoSection(Section):
    """Rho is Beta(a, b)."""

    prior: Literal["beta"]
    a: Positive = Field(default=1.0, description="a number above 0")
    b: Positive = Field(default=1.0, description="a number above 0")


class PriorsSection(Section):
    """[model.priors]: see `spatialvote.models.priors`, whose defaults these are."""

    intercept_mean: float | None = Field(
        default=None, description="a number on the link scale; left out: that of the overall share"
    )
    intercept_sd: Positive = Field(default=1.5, description="a number above 0")
    coefficient_sd: Positive = Field(default=1.0, description="a number above 0")
    sigma: PCSigmaSection | HalfNormalSection = Field(
        default_factory=lambda: PCSigmaSection(prior="pc"),
        discriminator="prior",
        description='{ prior = "pc", upper = 1.0, tail = 0.01 } or { prior = "half_normal", scale = 1.0 }',
    )
    rho: Annotated[PCRhoSection | BetaRhoSection, Field(discriminator="prior")] | None = Field(
        default=None,
        description='{ prior = "pc", upper = 0.5, mass = 0.667 } or { prior = "beta", a = 1.0, b = 1.0 }; '
        "left out: chosen by the structure",
    )
    overdispersion: PCOverdispersionSection = Field(
        default_factory=lambda: PCOverdispersionSection(prior="pc"),
        description='{ prior = "pc", upper = 0.1, tail = 0.01 }',
    )
    noise: PCNoiseSection | HalfNormalSection = Field(
        default_factory=lambda: PCNoiseSection(prior="pc"),
        discriminator="prior",
        description='{ prior = "pc", upper = 0.3, tail = 0.01 } or { prior = "half_normal", scale = 1.0 }',
    )
    group: PCSigmaSection | HalfNormalSection = Field(
        default_factory=lambda: PCSigmaSection(prior="pc"),
        discriminator="prior",
        description='{ prior = "pc", upper = 1.0, tail = 0.01 } or { prior = "half_normal", scale = 1.0 }',
    )
    correlation: Positive = Field(default=2.0, description="a number above 0: eta of the LKJ prior")
    slope: PCSlopeSection | HalfNormalSection = Field(
        default_factory=lambda: PCSlopeSection(prior="pc"),
        discriminator="prior",
        description='{ prior = "pc", upper = 0.2, tail = 0.01 } or { prior = "half_normal", scale = 1.0 }',
    )


class ModelSection(Section):
    """[model]: the formula, how votes arise, and how neighbours resemble each other."""

    formula: Text = Field(description="a formula in quotes, such as 'pvv ~ migrant_share + education'")
    family: Family = Field(
        default="binomial", description="'binomial', 'beta_binomial', 'poisson' or 'gaussian'"
    )
    structure: Structure = Field(
        default="bym2", description="'bym2', 'leroux', 'proper_car', 'sar', 'dagar', 'iid' or 'none'"
    )
    standardise: bool = Field(default=True, description="true or false")
    absent: Literal["none", "zero votes"] = Field(default="none", description="'none' or 'zero votes'")
    varying: Text | None = Field(
        default=None, description="a covariate of the formula whose slope varies over the map, in quotes"
    )
    priors: PriorsSection = Field(default_factory=PriorsSection, description="a table of priors")


class EngineSection(Section):
    """[engine]: how the posterior is computed; what is left out is the engine's own default."""

    name: Literal["nuts", "laplace", "auto"] = Field(
        default="nuts", description="'nuts', 'laplace' or 'auto'"
    )
    # R-hat splits each chain in two halves of at least two draws.
    draws: int | None = Field(default=None, ge=4, description="a whole number, 4 or more")
    tune: int | None = Field(default=None, ge=1, description="a whole number, 1 or more")
    chains: int | None = Field(default=None, ge=1, description="a whole number, 1 or more")
    cores: int | None = Field(default=None, ge=1, description="a whole number, 1 or more")
    target_accept: float | None = Field(
        default=None, ge=0.5, lt=1, description="a number from 0.5 to below 1"
    )
    parametrisation: Literal["measured", "centred", "noncentred"] | None = Field(
        default=None, description="'measured', 'centred' or 'noncentred'"
    )


class EffectSection(Section):
    """[effect]: the rise of the migrant share whose effect is told."""

    points: float = Field(default=10.0, gt=0, le=100, description="percentage points, above 0 and up to 100")
    weighting: Text = Field(
        default="districts", description="'districts', 'voters', or a column that counts persons, in quotes"
    )


class ReviewSection(Section):
    """[review]: what the review of the fit is to do besides its usual checks."""

    refits: bool = Field(default=False, description="true or false")


class MultiverseSection(Section):
    """[multiverse]: defensible choices; a dimension that is left out stays as in the study."""

    parties: Columns = Field(default=(), description="a list of parties of data.votes")
    migrants: Columns = Field(default=(), description="a list of columns with shares of migrants")
    thresholds: Annotated[tuple[Annotated[float, Field(ge=0, le=10)], ...], BeforeValidator(listed)] = Field(
        default=(), description="a list of thresholds of [parties], from 0 to 10"
    )
    surroundings: Columns = Field(
        default=(), description="a list of columns of [surroundings], each in place of the formula's"
    )
    covariates: dict[Text, Columns] = Field(
        default={},
        description='a table of name = terms, such as { none = [], full = ["education", "income"] }',
    )
    families: Annotated[tuple[Family, ...], BeforeValidator(listed)] = Field(
        default=(), description="a list of 'binomial', 'beta_binomial', 'poisson' or 'gaussian'"
    )
    structures: Annotated[tuple[Structure, ...], BeforeValidator(listed)] = Field(
        default=(), description="a list of 'bym2', 'leroux', 'proper_car', 'sar', 'dagar', 'iid' or 'none'"
    )
    graphs: dict[Text, GraphSection] = Field(
        default={}, description='a table of name = graph, such as { near = { method = "knn", k = 4 } }'
    )
    priors: dict[Text, PriorsSection] = Field(
        default={},
        description="a table of name = priors, such as { wide = { coefficient_sd = 5.0 } }; what is left out "
        "is as in [model.priors]",
    )
    exclude: Annotated[tuple[dict[Text, Columns], ...], BeforeValidator(_rules)] = Field(
        default=(),
        description='a list of tables such as { structure = "iid", covariates = ["none", "full"] }',
    )
    draws: int = Field(default=1000, ge=100, description="a whole number, 100 or more")


class StudyFile(Section):
    """All sections of a study file."""

    study: StudySection = Field(description="a section [study] with title, seed and output")
    data: Annotated[
        Annotated[SimulatedData, Tag("simulated")] | Annotated[TableData, Tag("table")],
        Discriminator(kind_of_data),
    ] = Field(description="a section [data] with table, id, votes and more, or with simulate = true")
    stations: StationsSection | None = Field(default=None, description="a section [stations]")
    surroundings: SurroundingsSection | None = Field(default=None, description="a section [surroundings]")
    parties: PartiesSection | None = Field(default=None, description="a section [parties]")
    graph: GraphSection = Field(default_factory=GraphSection, description="a section [graph]")
    model: ModelSection = Field(description="a section [model] with a formula")
    engine: EngineSection = Field(default_factory=EngineSection, description="a section [engine]")
    effect: EffectSection = Field(default_factory=EffectSection, description="a section [effect]")
    review: ReviewSection = Field(default_factory=ReviewSection, description="a section [review]")
    multiverse: MultiverseSection | None = Field(default=None, description="a section [multiverse]")
