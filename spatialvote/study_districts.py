"""The districts of a study: read, or made of polling stations; measured from a grid; parties chosen."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from spatialvote.data.errors import DataError, Problem
from spatialvote.outputs import write_aside
from spatialvote.study_definitions import own_groups
from spatialvote.study_schema import TableData

if TYPE_CHECKING:
    from spatialvote.data.cells import Cells
    from spatialvote.data.districts import Districts
    from spatialvote.data.select_parties import PartyChoice
    from spatialvote.study import Study

#: File of the output folder with the districts that were made of polling stations.
STATIONS_FILE = "districts.parquet"


def read_study_districts(study: Study) -> tuple[Districts, PartyChoice | None]:
    """Read the districts of a study of files, with all measures, and the choice of its parties.

    Raises
    ------
    DataError, GraphError
        With everything that is wrong with the files.
    """
    from spatialvote.data.districts import About
    from spatialvote.data.read import read_districts

    data = study.settings.data
    if not isinstance(data, TableData):
        raise TypeError("the districts of this study are simulated, not read")
    arguments, notes, files = study.read_arguments(), (), {}
    if study.settings.stations is not None:
        changed, notes, files = _from_stations(study, data)
        arguments |= changed
    districts = read_districts(**arguments, about=About(**data.about.model_dump()))
    record = districts.record
    districts = replace(
        districts, record=replace(record, notes=(*record.notes, *notes), files={**files, **record.files})
    )
    if study.settings.surroundings is not None:
        districts = _measured(study, districts)
    if study.settings.parties is None:
        return districts, None
    return _chosen(study, districts)


def _from_stations(study: Study, data: TableData) -> tuple[dict[str, Any], tuple[str, ...], dict[str, str]]:
    """Put stations in areas, write the result, and say how to read it."""
    import geopandas as gpd

    from spatialvote.data.files import file_hashes, read_source
    from spatialvote.data.points import nearest_areas, sum_in_areas
    from spatialvote.data.read_stations import read_stations
    from spatialvote.data.rows import as_text

    section: Any = study.settings.stations
    single = (data.valid, data.electorate, data.exposure)
    counts = [*dict.fromkeys([*data.votes.values(), *(one for one in single if one)])]
    others = [*data.groups, *([data.label] if data.label else [])]
    source = read_source(data.table, data.layer)
    if source.geometry is None:
        raise DataError(Problem(f"file '{data.table.name}' has no shapes", "give the areas as polygons"))
    shapes = source.geometry if data.crs is None else _in_crs(source.geometry, data.crs)
    near = section.method == "nearest"
    stations = read_stations(
        section.table,
        id=section.id,
        x=section.x,
        y=section.y,
        crs=section.crs,
        columns=counts,
        text=[one for one in dict.fromkeys(others) if near and one != section.id],
    )
    cast = {"ballots": data.valid, "electorate": data.electorate} if data.valid and data.electorate else {}
    if near:
        made, invented = nearest_areas(stations, shapes, counts, **cast)
        made = made.join(stations.drop(columns=["geometry", *counts]))
    else:
        if data.id not in source.frame:
            raise DataError(
                Problem(f"file '{data.table.name}' has no column '{data.id}'", "name the areas' id")
            )
        ids = as_text(source.frame[data.id])
        areas = gpd.GeoDataFrame(
            source.frame.set_axis(ids, axis=0), geometry=shapes.to_numpy(), crs=shapes.crs
        )
        made, invented = sum_in_areas(stations, areas, counts, farthest=section.farthest, **cast)
        kept = [
            one for one in (data.migrants, *data.covariates, *others) if one in areas and one not in counts
        ]
        made = made.join(areas[list(dict.fromkeys(kept))])
    made = made.rename_axis(index=data.id)
    made[counts] = made[counts].round().astype("int64")
    path = study.output / STATIONS_FILE
    write_aside(path, lambda aside: made.reset_index().to_parquet(aside))
    words = f"{len(stations)} polling stations became {len(made)} areas. {invented.words}".strip()
    given = {"table": path, "layer": None, "crs": None, "geometry": None, "geometry_id": None}
    return given, (words,), dict(file_hashes([section.table, data.table]))


def _in_crs(shapes: Any, crs: str | int) -> Any:
    return shapes.set_crs(crs) if shapes.crs is None else shapes.to_crs(crs)


def _measured(study: Study, districts: Districts) -> Districts:
    """Add what [surroundings] asks for."""
    from spatialvote.data.files import file_hashes
    from spatialvote.data.measure_surroundings import measure_surroundings

    section: Any = study.settings.surroundings
    own = section.definition
    cells = _from_rasters(section) if section.rasters else _from_table(section)
    made = measure_surroundings(
        districts,
        cells,
        section.group,
        share=section.share,
        radii=section.radii,
        nearest=section.nearest,
        rings=section.rings,
        measures=section.measures,
        definition=own_groups(own, section.group),
        border=section.border,
        mask=section.mask,
    )
    relation = None if section.relation is None else section.relation.table
    named = [section.cells, relation, section.mask, *(file for file, _ in section.rasters.values())]
    files = [one for one in dict.fromkeys(named) if one is not None]
    record = made.record
    return replace(made, record=replace(record, files={**record.files, **file_hashes(files)}))


def _from_table(section: Any) -> Cells:
    """Cells of [surroundings] from a table, those of one unit where it asks for one."""
    from spatialvote.data.read_cells import cells_within, read_cells

    relation = section.relation
    persons = {"persons": section.persons, **section.groups}
    names = ("cell", "x", "y", "coordinates", "side", "crs", "origin", "count", "suppressed")
    how = {name: getattr(section, name) for name in names}
    if relation is None:
        return read_cells(section.cells, persons=persons, **how)
    within = (relation.cell, relation.column, relation.value)
    cells = read_cells(section.cells, persons=persons, keep=cells_within(relation.table, *within), **how)
    told = {name: one for name, one in how.items() if one not in (None, "corner")}
    told |= {"source": section.cells.name, "persons": persons, "within": [relation.table.name, *within]}
    return replace(cells, arguments=told)


def _from_rasters(section: Any) -> Cells:
    """Cells of [surroundings] from rasters."""
    from spatialvote.data.cell_rasters import read_raster_cells

    return read_raster_cells(dict(section.rasters))


def _chosen(study: Study, districts: Districts) -> tuple[Districts, PartyChoice]:
    """Add the outcome of [parties], and one for each threshold of the multiverse."""
    from spatialvote.data.add_party import add_party
    from spatialvote.data.files import file_hashes
    from spatialvote.data.party_positions import listed_parties, read_chapel_hill
    from spatialvote.data.select_parties import select_parties, votes_of

    section: Any = study.settings.parties
    positions = read_chapel_hill(section.survey, year=section.survey_year, countries=section.countries)
    listed = None
    if section.populist is not None:
        listed = listed_parties(section.populist, section.populist_country or section.country)
    thresholds = {section.threshold: section.name}
    if study.settings.multiverse is not None:
        thresholds = {
            one: threshold_name(section.name, one) for one in study.settings.multiverse.thresholds
        } | thresholds
    main: Any = None
    for threshold, name in thresholds.items():
        choice = select_parties(
            positions, section.country, section.year, threshold, salience=section.salience, listed=listed
        )
        called = "the anti-immigration bloc"
        called += "" if threshold == section.threshold else f" (position {threshold:g} or more)"
        districts = add_party(districts, name, votes_of(choice, section.columns), called)
        main = choice if threshold == section.threshold else main
    record = districts.record
    files = [one for one in (section.survey, section.countries, section.populist) if one is not None]
    notes = (*record.notes, main.words)
    return replace(
        districts, record=replace(record, notes=notes, files={**record.files, **file_hashes(files)})
    ), main


def threshold_name(name: str, threshold: float) -> str:
    """Name of the outcome at a threshold of the multiverse that is not the study's own.

    Examples
    --------
    >>> threshold_name("anti", 7.5)
    'anti_from_7_5'
    """
    return f"{name}_from_{threshold:g}".replace(".", "_")
