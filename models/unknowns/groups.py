"""Unknown values in the groups and the record of a `Fit`."""

from typing import Any

import numpy as np
import xarray as xr

from spatialvote.data.districts import Districts
from spatialvote.models.unknowns.bind import Unknowns

_VALUE, _COVARIATE = "unknown_value", "uncertain"


def add_unknowns(groups: dict[str, xr.Dataset], unknowns: Unknowns, alone: dict[str, np.ndarray]) -> None:
    """Name unknown values in the posterior, and add what is said of them beside it.

    The group ``covariates`` gets the draws without the votes; ``constant_data`` gets ``unknown_district``
    (position), ``unknown_covariate`` (position among the uncertain ones), ``unknown_guess``, and
    ``unknown_slope``, the change of each standardised column per unit of the value.
    """
    coords = {
        _VALUE: np.array(unknowns.labels, dtype=np.str_),
        _COVARIATE: np.array(unknowns.columns, dtype=np.str_),
    }
    arrays = unknowns.arrays
    groups["posterior"] = groups["posterior"].assign_coords(coords)
    groups["covariates"] = xr.Dataset(
        {
            name: (("chain", "draw", _VALUE if name == "unknown" else _COVARIATE), values[None])
            for name, values in alone.items()
        },
        coords=coords,
    )
    coefficients = groups["constant_data"].sizes["coefficient"]
    groups["constant_data"] = (
        groups["constant_data"]
        .assign(
            unknown_district=(_VALUE, arrays.district),
            unknown_covariate=(_VALUE, arrays.owner),
            unknown_guess=(_VALUE, arrays.guess),
            unknown_slope=((_VALUE, "coefficient"), arrays.slope[:, 1 : 1 + coefficients]),
        )
        .assign_coords(coords)
    )


def unknowns_record(unknowns: Unknowns, districts: Districts) -> dict[str, Any]:
    """What the record of a fit says of unknown values, as plain values: how many of each covariate."""
    return {
        column: {
            "count": len(districts.unknown.of(column)),
            "scale": districts.roles.uncertain[column].scale_for(districts.roles.units.get(column)),
        }
        for column in unknowns.columns
    }
