"""What a study file of turnout may hold: its sections, keys and allowed values."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from spatialvote.section import Columns, FilePath, Positive, Section, Text
from spatialvote.study_schema import StudySection


def _listed(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _pairs(value: Any) -> Any:
    return (
        tuple(tuple(one) if isinstance(one, list) else one for one in value)
        if isinstance(value, list)
        else value
    )


def _years(value: Any) -> Any:
    return (
        {k: tuple(v) if isinstance(v, list) else v for k, v in value.items()}
        if isinstance(value, dict)
        else value
    )


class RegisterSimulation(Section):
    """The arguments of `simulate_register`."""

    electorate: int = Field(
        default=60_000, ge=1000, le=10**8, description="a whole number from 1000 to 100000000"
    )
    areas: int = Field(default=25, ge=4, le=2500, description="a whole number from 4 to 2500")
    sexes: bool = Field(default=False, description="true or false")
    seed: int = Field(default=2026, ge=0, description="a whole number, 0 or more")
    inclusion_effect: float | None = Field(
        default=None,
        description="logits for each standard deviation of the areas' invented inclusion, such as 0.2",
    )


class OwnGroup(Section):
    """[cells.groups.<label>]: an origin group that the package does not know."""

    definition: Text = Field(description="who is in it, in quotes")
    source: Text = Field(description="where the definition comes from, in quotes")


class TurnoutAboutSection(Section):
    """[cells.about]: what the cells are."""

    name: Text = Field(description="the election, in quotes")
    year: int | None = Field(default=None, ge=1800, le=2200, description="the year, such as 2021")
    source: str = Field(default="", description="where the table comes from, in quotes")
    area_unit: Text = Field(default="area", description="what an area is, in quotes")


class CellsSection(Section):
    """[cells]: a simulated register, or a table and what its columns are."""

    simulate: Annotated[
        RegisterSimulation | None, BeforeValidator(lambda value: {} if value is True else value)
    ] = Field(default=None, description="true, or a table such as { electorate = 60000, areas = 25 }")
    table: FilePath | None = Field(default=None, description="a CSV or Excel file, in quotes")
    sheet: Text | None = Field(default=None, description="the sheet of a workbook that has several")
    entitled: Text | None = Field(default=None, description="the column with entitled persons")
    voted: Text | None = Field(
        default=None, description="the column with voting persons, or with 0 and 1 of a survey"
    )
    survey: bool = Field(default=False, description="true where a row is a person, else false")
    weight: Text | None = Field(default=None, description="the column with weights of a survey")
    weights_sum: Positive | None = Field(default=None, description="what the weights add up to")
    group: Text | None = Field(default=None, description="the column with origin groups")
    age: Text | None = Field(default=None, description="the column with ages, bands or generations")
    sex: Text | None = Field(default=None, description="the column with the sex")
    area: Text | None = Field(default=None, description="the column with areas")
    election: Text | None = Field(default=None, description="the column with elections")
    edges: FilePath | None = Field(default=None, description="a CSV file of links between areas, in quotes")
    shapes: FilePath | None = Field(
        default=None, description="a file with the areas' shapes, in quotes, for maps"
    )
    shapes_id: Text | None = Field(
        default=None, description="the column of the shapes with the areas' labels"
    )
    bands: Annotated[tuple[int, ...], BeforeValidator(_listed)] = Field(
        default=(), description="a list of the first age of each band, such as [18, 25, 35]"
    )
    generations: Annotated[dict[Text, tuple[int, int]] | None, BeforeValidator(_years)] = Field(
        default=None, description="a table of generation = [first birth year, last birth year]"
    )
    groups: dict[Text, OwnGroup] = Field(
        default={}, description="tables of own origin groups, each with definition and source"
    )
    about: TurnoutAboutSection | None = Field(default=None, description="a table with name and year")


class TurnoutModelSection(Section):
    """[model]: see `TurnoutModel`."""

    age: Literal["rw1", "rw2", "iid"] = Field(default="rw1", description="'rw1', 'rw2' or 'iid'")
    area: Literal["bym2", "iid"] | None = Field(default=None, description="'bym2' or 'iid'")
    interactions: Annotated[tuple[tuple[Text, Text], ...] | None, BeforeValidator(_pairs)] = Field(
        default=None, description='a list of pairs, such as [["group", "area"]]'
    )
    cell: bool = Field(default=True, description="true or false")
    draws: int = Field(default=2000, ge=100, le=20_000, description="a whole number from 100 to 20000")


class ModeratorsSection(Section):
    """[moderators]: what is known of areas, and which gaps may go with it."""

    table: FilePath | None = Field(
        default=None, description="a CSV or Excel file with a row for each area, in quotes"
    )
    sheet: Text | None = Field(default=None, description="the sheet of a workbook that has several")
    area: Text = Field(default="area", description="the column of that table with the areas' labels")
    columns: Columns = Field(min_length=1, description="a list of its columns, such as ['inclusion']")
    groups: Columns | None = Field(
        default=None, description="a list of the groups whose gap to the reference is told; left out: all"
    )
    leave_out: bool = Field(
        default=True, description="true or false: whether to fit without each area in turn"
    )


class GapsSection(Section):
    """[gaps]: which groups are compared, and in what they are made equal."""

    reference: Text | None = Field(default=None, description="the group with which the others are compared")
    standard: Text = Field(default="electorate", description="'electorate' or a group, in quotes")
    equal: Columns = Field(default=("age",), description="a list of age, sex and area")


class CounterfactualSection(Section):
    """[counterfactual]: who turns out like whom, and what the votes would do."""

    group: Text = Field(description="the group whose turnout changes")
    like: Text = Field(description="the group that it turns out like")
    same_age: bool = Field(default=True, description="true or false")
    votes: dict[Text, float | int] = Field(default={}, description="a table of party = votes")
    division: dict[Text, float | int] = Field(
        default={}, description="a table of party = share of the further votes, summing to 1"
    )
    party: Text | None = Field(default=None, description="the party that is to pass a rival or a threshold")
    rival: Text | None = Field(default=None, description="the party that is to be passed")
    threshold: float | None = Field(
        default=None, gt=0, lt=1, description="a share of the votes above 0 and below 1, such as 0.02"
    )


class TurnoutFile(Section):
    """All sections of a study file of turnout."""

    study: StudySection = Field(description="a section [study] with title, seed and output")
    cells: CellsSection = Field(description="a section [cells] with table and columns, or simulate = true")
    model: TurnoutModelSection = Field(default_factory=TurnoutModelSection, description="a section [model]")
    gaps: GapsSection = Field(default_factory=GapsSection, description="a section [gaps]")
    moderators: ModeratorsSection | None = Field(
        default=None, description="a section [moderators] with columns"
    )
    counterfactual: CounterfactualSection | None = Field(
        default=None, description="a section [counterfactual] with group and like"
    )
