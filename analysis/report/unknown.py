"""Values that were not published, in a report: what was known, what the model found, what it costs."""

import numpy as np
import pandas as pd

from spatialvote.analysis.figures.unknown import plot_unknown
from spatialvote.analysis.report.focus import column_words
from spatialvote.analysis.report.numbers import digits_for, fixed, interval, percent
from spatialvote.analysis.report.parts import Part, Picture, Table, picture, table
from spatialvote.analysis.review import Review
from spatialvote.analysis.unknown import share_of_uncertainty, unknown_table
from spatialvote.data.districts import Districts
from spatialvote.data.uncertain import Uncertain
from spatialvote.models.fit import Fit
from spatialvote.models.unknowns.bind import COEFFICIENT_SD, INTERCEPT_SD, TAU

HEADING = "Values that were not published"
#: The covariates' own model, as `spatialvote.models.unknowns.bind` has it.
_MODEL = (
    "On its scale, standardised, such a covariate is modelled as a regression on the districts' covariates "
    f"that are known exactly, with coefficients Normal(0, {COEFFICIENT_SD:g}) and intercept Normal(0, "
    f"{INTERCEPT_SD:g}), and a BYM2 field of the same neighbours, whose standard deviation exceeds "
    f"{TAU.upper:g} with probability {TAU.tail:g} and whose spatial fraction has the penalised-complexity "
    "prior. It is fitted together with the votes."
)
#: Values that are drawn, and rows that are shown, of each covariate: those that are least known.
_DRAWN, _ROWS = 20, 100


def unknown_part(fit: Fit, review: Review, districts: Districts) -> Part | None:
    """Unknown values before and after the votes; None where all are known."""
    if not fit.unknown:
        return None
    found = unknown_table(fit)
    columns = list(dict.fromkeys(found["column"]))
    return Part(
        "unknown",
        HEADING,
        words=(*(_words(column, found, districts) for column in columns), _MODEL, _cost(fit)),
        pictures=tuple(_picture(column, found, districts) for column in columns),
        tables=(*(_table(column, found, districts) for column in columns), _shares(fit)),
    )


def _how(declared: Uncertain) -> str:
    """What was declared, in words."""
    persons = " persons" if declared.denominator else ""
    parts = [
        "missing" if declared.missing else "",
        "known as an interval" if declared.low else "",
        f"rounded to {declared.rounded:g}{persons}" if declared.rounded else "",
        f"suppressed below {declared.suppressed_below:g}{persons}" if declared.suppressed_below else "",
        "estimated with a standard error" if declared.se else "",
    ]
    return " or ".join(part for part in parts if part)


def _words(column: str, found: pd.DataFrame, districts: Districts) -> str:
    here = found[found["column"] == column]
    ratio = float(np.median(here["sd"] / here["prior_sd"]))
    return (
        f"Of {column_words(column, districts)}, {len(here)} of {districts.n} values are not known exactly "
        f"({_how(districts.roles.uncertain[column])}). They are unknowns of the model: they follow the other "
        "covariates and the neighbours, keep to what was published of them, and the votes have a say. "
        f"With the votes their standard deviation is {fixed(ratio, 2)} times what it is without "
        "(median over districts)."
    )


def _cost(fit: Fit) -> str:
    """What the unknown values cost the coefficients."""
    shares = share_of_uncertainty(fit).dropna()
    if shares.empty:
        return "There are too few draws to say what they add to the uncertainty of coefficients."
    worst = str(shares.idxmax())
    return (
        "Intervals of coefficients and effects hold this uncertainty. Most of it is in the coefficient of "
        f"{worst}: {percent(float(shares.max()))} of its posterior variance comes from values that were not "
        "published. All of this is about districts, not persons."
    )


def _picture(column: str, found: pd.DataFrame, districts: Districts) -> Picture:
    here = found[found["column"] == column]
    shown = here.loc[here["prior_sd"].sort_values(ascending=False, kind="stable").index[:_DRAWN]]
    names = [_called(one, districts) for one in shown["district"]]
    called = column_words(column, districts)
    unit = districts.roles.units.get(column, "")
    which = "" if len(shown) == len(here) else f" The {len(shown)} least known of {len(here)} are shown."
    return picture(
        plot_unknown(
            names,
            shown,
            title=HEADING,
            xlabel=f"{called} ({unit})" if unit else called,
            simulated=districts.about.simulated,
        ),
        f"Intervals of {len(shown)} unknown values of {called}, without the votes and with them.",
        f"Unknown values of {called}: 95 % intervals of what the other covariates and the neighbours say "
        f"(thin), and of what the votes leave of that (thick).{which} Where both are alike the votes "
        "say nothing of the value; where they lie apart, look whether the value or the model is at fault.",
    )


def _called(one: str, districts: Districts) -> str:
    label = districts.roles.label
    return one if label is None else str(districts.table.loc[one, label])


def _table(column: str, found: pd.DataFrame, districts: Districts) -> Table:
    here = found[found["column"] == column]
    digits = digits_for(float(here["low"].min()), float(here["high"].max()))
    rows = [
        (
            _called(row.district, districts),
            fixed(row.prior_mean, digits),
            interval(row.prior_low, row.prior_high, digits),
            fixed(row.mean, digits),
            interval(row.low, row.high, digits),
        )
        for row in here.head(_ROWS).itertuples()
    ]
    unit = districts.roles.units.get(column, "")
    first = "" if len(here) <= _ROWS else f"; the first {_ROWS} of {len(here)}"
    return table(
        f"{column_words(column, districts).capitalize()}{f' ({unit})' if unit else ''} where it was not "
        f"published exactly{first}",
        [
            ("district", "text"),
            ("without the votes", "number"),
            ("95 % interval", "number"),
            ("with the votes", "number"),
            ("95 % interval", "number"),
        ],
        rows,
    )


def _shares(fit: Fit) -> Table:
    rows = [
        (str(name), percent(share) if np.isfinite(share) else "too few draws")
        for name, share in share_of_uncertainty(fit).items()
    ]
    return table(
        "Share of a coefficient's posterior variance that comes from values that were not published",
        [("coefficient", "text"), ("share", "number")],
        rows,
    )
