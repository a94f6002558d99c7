"""Sections of a study file on who lives near, where votes were counted, and which parties are meant."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from spatialvote.section import DefinitionSection, FilePath, Section, Text, definition_of, listed


def _rings(value: Any) -> Any:
    """Rings as pairs."""
    if not isinstance(value, dict):
        return value
    return {name: tuple(ring) if isinstance(ring, list) else ring for name, ring in value.items()}


def _band(value: Any) -> Any:
    """A raster and the number of its band; the first, where none is named."""
    if isinstance(value, str):
        return (value, 1)
    return tuple(value) if isinstance(value, list) else value


Metres = Annotated[int, Field(ge=1)]
Numbers = Annotated[tuple[Metres, ...], BeforeValidator(listed)]


Raster = Annotated[tuple[FilePath, Annotated[int, Field(ge=1)]], BeforeValidator(_band)]


class RelationSection(Section):
    """[surroundings.relation]: which cells belong to a unit, such as a city; the others are left out."""

    table: FilePath = Field(description="a CSV or Parquet file that relates cells to units, in quotes")
    cell: Text = Field(description="the column with INSPIRE codes of the cells")
    column: Text = Field(description="the column that names the unit")
    value: Text = Field(description="the unit whose cells are kept, in quotes")


class SurroundingsSection(Section):
    """[surroundings]: persons by origin on a grid, and what is measured of them in and around districts."""

    cells: FilePath | None = Field(
        default=None, description="a CSV or Parquet file with one row per cell, in quotes"
    )
    rasters: dict[Text, Raster] = Field(
        default={},
        description="in place of cells: a table of group = GeoTIFF or [GeoTIFF, band], persons = all of them",
    )
    relation: RelationSection | None = Field(
        default=None, description="a table { table, cell, column, value }: the cells of one unit are kept"
    )
    cell: Text | None = Field(default=None, description="the column with INSPIRE codes of the cells")
    x: Text | None = Field(default=None, description="without codes: the column with eastings")
    y: Text | None = Field(default=None, description="without codes: the column with northings")
    coordinates: Literal["corner", "centre"] = Field(default="corner", description="'corner' or 'centre'")
    side: int | None = Field(default=None, ge=1, description="without codes: the side of a cell in metres")
    crs: Text | int | None = Field(default=None, description='without codes: a CRS such as "EPSG:3035"')
    origin: Text | None = Field(default=None, description="of a long file: the column that names the origin")
    count: Text | None = Field(default=None, description="of a long file: the column with persons")
    suppressed: float | None = Field(
        default=None, ge=0, description="persons to put where the office gives none, 0 or more"
    )
    persons: Text | None = Field(
        default=None, description="the column (of a long file: the origin) with all residents"
    )
    groups: dict[Text, Text] = Field(
        default={}, description="a table of group = column (of a long file: origin); at least one"
    )
    group: Text = Field(description="the group whose concentration is measured, one of groups or rasters")
    definition: Annotated[DefinitionSection, BeforeValidator(definition_of)] = Field(
        description='origin groups, such as "third country", or { definition = "...", source = "..." }'
    )
    share: Text = Field(default="migrant_share", description="the name of the column with the own share")
    radii: Numbers = Field(default=(), description="a list of radii in metres, such as [500, 1000]")
    nearest: Numbers = Field(default=(), description="a list of numbers of nearest residents")
    rings: Annotated[dict[Text, tuple[int, int]], BeforeValidator(_rings)] = Field(
        default={},
        description="a table of column = [inner, outer] radius in metres, such as halo_1km = [200, 1000]",
    )
    measures: Annotated[
        tuple[Literal["location_quotient", "entropy", "fractionalisation", "isolation", "exposure"], ...],
        BeforeValidator(listed),
    ] = Field(
        default=(),
        description="a list of 'location_quotient', 'entropy', 'fractionalisation', 'isolation', 'exposure'",
    )
    border: Literal["outside", "share"] = Field(default="outside", description="'outside' or 'share'")
    mask: FilePath | None = Field(default=None, description="a file with polygons of built-up land")
    compare: bool = Field(default=True, description="true or false")


class StationsSection(Section):
    """[stations]: votes counted at polling stations, put in the areas of data.table."""

    table: FilePath = Field(description="a CSV file with one row per polling station, in quotes")
    id: Text = Field(description="the column that identifies a station")
    x: Text = Field(description="the column with eastings or longitudes")
    y: Text = Field(description="the column with northings or latitudes")
    crs: Text | int = Field(description='the CRS of x and y, such as "EPSG:4326", or its number')
    method: Literal["areas", "nearest"] = Field(default="areas", description="'areas' or 'nearest'")
    farthest: float = Field(default=0.0, ge=0, description="metres, 0 or more")


class PartiesSection(Section):
    """[parties]: the parties against immigration, chosen by a rule, as one outcome."""

    survey: FilePath = Field(description="a CSV file of the Chapel Hill Expert Survey, in quotes")
    countries: FilePath | None = Field(
        default=None, description="a CSV file that names the survey's country numbers, in quotes"
    )
    survey_year: int | None = Field(
        default=None, ge=1900, le=2200, description="the year of a survey file of one wave"
    )
    country: Text = Field(description="the country as the survey names it, in quotes")
    year: int | None = Field(
        default=None, ge=1900, le=2200, description="the wave of the survey; left out: the last one"
    )
    populist: FilePath | None = Field(
        default=None, description="a CSV file with the parties that The PopuList lists, in quotes"
    )
    populist_country: Text | None = Field(
        default=None, description="the country as The PopuList names it; left out: as the survey does"
    )
    threshold: float = Field(default=8.0, ge=0, le=10, description="a position from 0 to 10")
    salience: float | None = Field(default=None, ge=0, le=10, description="a salience from 0 to 10")
    name: Text = Field(default="anti_immigration", description="the name of the outcome in the formula")
    columns: dict[Text, str] = Field(
        min_length=1,
        description='a table of party of the survey = party of data.votes, or "" where it did not stand',
    )
