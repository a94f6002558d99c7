"""The maps of a report, each with what to look for in it."""

import numpy as np

from spatialvote.analysis.figures import style
from spatialvote.analysis.figures.bivariate import map_bivariate
from spatialvote.analysis.figures.maps import (
    NOT_STOOD,
    map_migrants,
    map_structured,
    map_uncertainty,
    map_values,
    map_vote_share,
    migrant_label,
    migrant_percent,
    party_share,
)
from spatialvote.analysis.figures.shares import plot_scatter_share
from spatialvote.analysis.report.fields import DistrictFields
from spatialvote.analysis.report.numbers import NBSP, fixed
from spatialvote.analysis.report.parts import Picture, picture
from spatialvote.data.districts import Districts
from spatialvote.data.roles import SHARE_UNITS
from spatialvote.models.fit import Fit


def has_migrants(districts: Districts) -> bool:
    """Whether the concentration of migrants is known, with a unit that can be shown in percent."""
    return districts.roles.units.get(districts.roles.migrants or "") in SHARE_UNITS


def raw_pictures(fit: Fit, districts: Districts) -> list[Picture]:
    """What was observed: both shares in one map, then each alone, and the districts as points."""
    party, mapped = fit.model.party, districts.has_geometry
    shares = fit.model.family != "poisson"
    counted = fit.model.family not in ("poisson", "gaussian")
    what = f"{'vote share' if shares else 'rate'} of {districts.roles.party_called(party)}"
    share, unit = party_share(districts, party)
    # What the party got where it did not stand is no share.
    stood, everywhere = fit.stood, bool(fit.stood.all())
    share = np.where(stood, share, np.nan)
    hatched = "" if everywhere else f" Hatched: the {fixed((~stood).sum())} where it did not stand."
    pictures = []
    if has_migrants(districts):
        correlation = _correlation(migrant_percent(districts)[stood], share[stood])
        if mapped:
            pictures.append(
                picture(
                    map_bivariate(districts, party, stood=None if everywhere else stood),
                    f"Map of {districts.n} districts in nine colours: thirds of the migrant share by thirds "
                    f"of the {what}.",
                    f"Migrants and the {what} in one map, each cut into thirds. Blue: many migrants, "
                    f"low {'vote' if shares else 'rate'}; orange: the reverse; pale to black: low or high "
                    "in both. "
                    f"Correlation of the two over districts: {fixed(correlation, 2)}, before anything is "
                    f"held fixed.{hatched}",
                )
            )
        pictures.append(
            picture(
                plot_scatter_share(
                    migrant_percent(districts),
                    share,
                    fit.size if counted else None,
                    xlabel=migrant_label(districts),
                    ylabel=unit,
                    title="District by district",
                    names=_names(districts),
                    counted=districts.roles.counted(districts.roles.migrants),
                    simulated=districts.about.simulated,
                ),
                f"Scatter plot of {districts.n} districts: migrant share across, {what} upwards.",
                f"The same districts as points. Correlation: {fixed(correlation, 2)}. What lies behind it "
                "(education, income, the place) is not held fixed here.",
            )
        )
    if mapped:
        pictures.append(
            picture(
                map_vote_share(districts, party, stood=None if everywhere else stood),
                f"Map of the {what} by district.",
                f"The {what} as observed: {_range(share[stood], shares)} (lowest, median and highest "
                f"district).{hatched}",
            )
        )
        if has_migrants(districts):
            pictures.append(
                picture(
                    map_migrants(districts),
                    "Map of the migrant share by district.",
                    "The share of migrants as observed: "
                    f"{_range(migrant_percent(districts), True)} (lowest, median and highest district).",
                )
            )
    return pictures


def model_pictures(fit: Fit, districts: Districts, fields: DistrictFields) -> list[Picture]:
    """What the model says by district: what the covariates leave open, what neighbours share, how sure."""
    if not districts.has_geometry:
        return []
    unit = "percentage points" if fit.model.family != "poisson" else "% of the rate"
    stood = fit.stood
    open_to = np.abs(fields.left_open[stood])
    away = "" if stood.all() else f" Hatched: the {fixed((~stood).sum())} where the party did not stand."
    predicted = (
        ""
        if stood.all()
        else f" In the {fixed((~stood).sum())} where the party did not stand this is predicted from their "
        "covariates and neighbours."
    )
    covariates = f"covariates{' and groups' if fit.groups else ''}"
    pictures = [
        picture(
            map_values(
                districts,
                fields.left_open,
                title=f"What the {covariates} leave open",
                label=f"observed minus expected from the {covariates}, {unit}",
                kind="diverging",
                why=NOT_STOOD,
            ),
            f"Map of the difference between the observed outcome and what the {covariates} alone would give.",
            f"Observed minus what the {covariates} alone would give. Without a spatial pattern, colours "
            f"would mix like salt and pepper. The median district is off by {fixed(np.median(open_to), 1)} "
            f"{unit}, the farthest by {fixed(open_to.max(), 1)}.{away}",
        )
    ]
    if fields.structured is not None:
        parted = "phi" in fit.tree["posterior"]
        pictures.append(_spatial_picture(districts, fields.structured, unit, parted, predicted))
    width = fields.width
    pictures.append(
        picture(
            map_uncertainty(
                districts, width, label=f"width of the 95 % interval of the fitted outcome, {unit}"
            ),
            "Map of the width of each district's 95 % interval.",
            f"How uncertain each district's fitted value is: its 95{NBSP}% interval is "
            f"{fixed(width.min(), 1)} to {fixed(width.max(), 1)} {unit} wide. Wide where few vote; width "
            f"that follows a region instead would be worth a question.{predicted}",
        )
    )
    return pictures


def _spatial_picture(
    districts: Districts, effect: np.ndarray, unit: str, parted: bool, predicted: str
) -> Picture:
    """The spatial effect: the part that neighbours share, or, where the model does not part it, the whole."""
    size = np.abs(effect)
    summary = (
        f"(posterior mean; {fixed(np.median(size), 1)} {unit} in the median district, at most "
        f"{fixed(size.max(), 1)})"
    )
    if parted:
        return picture(
            map_structured(districts, effect, label=f"spatially structured effect, {unit}"),
            "Map of the part of the district effects that neighbouring districts share.",
            f"What neighbours share: how far the spatially structured effect moves each district {summary}. "
            "Smooth regions are its nature; an edge in it often follows a covariate that is "
            f"missing.{predicted}",
        )
    return picture(
        map_structured(districts, effect, title="The district effects", label=f"district effect, {unit}"),
        "Map of the district effects.",
        f"How far its own effect moves each district {summary}. This model draws it towards the neighbours' "
        "and does not part it further: where votes are many it is nearly all that the covariates leave "
        f"open.{predicted}",
    )


def _names(districts: Districts) -> list[str] | None:
    label = districts.roles.label
    return None if label is None else [str(one) for one in districts.table[label]]


def _range(values: np.ndarray, in_percent: bool) -> str:
    unit = f"{NBSP}%" if in_percent else ""
    digits = 1 if in_percent else max(0, -int(np.floor(np.log10(style.precision(values)))))
    low, middle, high = (fixed(one, digits) for one in np.quantile(values, [0, 0.5, 1]))
    return f"{low}, {middle} and {high}{unit}"


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return float("nan")
    return float(np.corrcoef(one, other)[0, 1])
