"""Districts with the posterior means of values that are not known exactly, as if they were known."""

from dataclasses import replace

import geopandas as gpd
import pandas as pd

from spatialvote.data.districts import Districts
from spatialvote.data.unknown_values import no_unknown_values
from spatialvote.models.fit import Fit


def settled(fit: Fit, districts: Districts) -> Districts:
    """The districts with posterior means in place of unknown values, and nothing declared as uncertain.

    For maps, and for models that are fitted beside the one of the fit: what comes from them does not have the
    uncertainty of these values. Values of covariates that the fit does not use stay first guesses.
    """
    if not len(districts.unknown):
        return districts
    table = pd.DataFrame(districts.table.drop(columns=districts.table.geometry.name))
    if fit.unknown:
        columns = list(map(str, fit.tree["posterior"].coords["uncertain"].to_numpy()))
        owner, district = fit.constant("unknown_covariate"), fit.constant("unknown_district")
        means = fit.draws("unknown").mean(axis=0)
        for c, column in enumerate(columns):
            values = table[column].to_numpy(dtype=float).copy()
            values[district[owner == c]] = means[owner == c]
            table[column] = values
    return replace(
        districts,
        table=gpd.GeoDataFrame(table, geometry=districts.table.geometry),
        roles=replace(districts.roles, uncertain={}),
        unknown=no_unknown_values(),
    )
