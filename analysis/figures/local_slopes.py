"""Maps of a slope that varies: its mean by district, and how sure its sign is."""

from matplotlib.figure import Figure

from spatialvote.analysis.figures.maps import map_values
from spatialvote.analysis.local_slopes import LocalSlopes
from spatialvote.data.districts import Districts


def map_local_slopes(
    slopes: LocalSlopes, districts: Districts, *, called: str = "", link: str = "log-odds"
) -> tuple[Figure, Figure]:
    """Map each district's slope, and the posterior probability that it is above zero.

    Parameters
    ----------
    slopes, districts
        What `local_slopes` gives, and the districts of the fit.
    called
        What the covariate is called; its column where empty.
    link
        What moves: ``log-odds``, or ``log rate``.
    """
    name = called or slopes.covariate
    by_district = map_values(
        districts,
        slopes.table["mean"].to_numpy(),
        title=f"Slope of {name} by district",
        label=f"mean slope, {link} per {slopes.step_words}; white: the average slope",
        kind="diverging",
        centre=float(slopes.average.mean()),
    )
    sign = map_values(
        districts,
        slopes.table["probability_positive"].to_numpy(),
        title=f"How sure the sign of the slope of {name} is",
        label="posterior probability that the slope is above zero; white: one half",
        kind="diverging",
        centre=0.5,
    )
    return by_district, sign
