"""What a study file of integration policy may hold: its sections, keys and allowed values."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from spatialvote.section import Columns, FilePath, Section, Text
from spatialvote.study_schema import StudySection


class PolicySimulation(Section):
    """The argument of `simulate_policy`."""

    seed: int = Field(default=2026, ge=0, description="a whole number, 0 or more")


class ScoresSection(Section):
    """[scores]: simulated scores, or a table of them."""

    simulate: Annotated[
        PolicySimulation | None, BeforeValidator(lambda value: {} if value is True else value)
    ] = Field(default=None, description="true, or a table such as { seed = 1 }")
    table: FilePath | None = Field(default=None, description="a CSV or Excel file, in quotes")
    mapping: FilePath | None = Field(
        default=None, description="a TOML file that says what the table calls things, in quotes"
    )
    sheet: Text | None = Field(default=None, description="the sheet of a workbook that has several")
    year: int | None = Field(
        default=None, ge=1990, le=2100, description="the edition, where the table has no column for it"
    )
    gaps: Literal["refuse", "name"] = Field(default="refuse", description="'refuse' or 'name'")
    source: str = Field(default="", description="where the table comes from, in quotes")


class ProfileSection(Section):
    """[profile]: which countries, in which edition, since which."""

    countries: Columns = Field(min_length=1, description="a list of countries by name or code")
    year: int | None = Field(default=None, description="an edition; left out: the latest")
    earlier: int | None = Field(default=None, description="an edition to tell the change from")


class PolicyFile(Section):
    """All sections of a study file of policy."""

    study: StudySection = Field(description="a section [study] with title, seed and output")
    scores: ScoresSection = Field(description="a section [scores] with a table, or simulate = true")
    profile: ProfileSection = Field(description="a section [profile] with countries")
