"""What goes with a difference in each column: effects in words, tables and pictures."""

from collections.abc import Iterable, Mapping

import numpy as np

from spatialvote.analysis.coefficients import (
    coefficients,
    group_effects,
    hyperparameters,
    spatial_fraction,
)
from spatialvote.analysis.effects.effect import Effect
from spatialvote.analysis.effects.weighting import weighting_words
from spatialvote.analysis.figures.by_district import plot_by_district
from spatialvote.analysis.figures.intervals import plot_intervals
from spatialvote.analysis.figures.maps import map_values
from spatialvote.analysis.report.focus import column_words, formula_columns, name_and_column, step_words
from spatialvote.analysis.report.numbers import (
    NBSP,
    digits_for,
    fixed,
    interval,
    probability,
    significant,
)
from spatialvote.analysis.report.parts import Picture, Table, picture, table
from spatialvote.data.districts import Districts
from spatialvote.models.correlated import CORRELATION
from spatialvote.models.fit import Fit
from spatialvote.models.posterior import SIGMA_SLOPE

#: Levels of a group that a table shows at either end.
ENDS = 5
#: What sigma and rho are where a district's whole effect hangs together with its neighbours'.
SIGMA = {
    "leroux": "sigma: scale of the district effects (their standard deviation where rho is 0, and that of a "
    "typical district, apart from its region's mean, where rho is 1)",
    "proper_car": "sigma: scale of the district effects (standard deviation of a typical district, apart "
    "from its region's mean, where rho is 1)",
    "sar": "sigma: standard deviation of what is a district's own",
    "dagar": "sigma: standard deviation of the district effects (exact where links form no circles)",
}
RHO = {
    "leroux": "rho: how far neighbours decide what a district is expected to be (0: not, 1: alone)",
    "proper_car": "rho: what part of its neighbours' mean a district is expected at",
    "sar": "rho: what part of its neighbours' mean goes into a district's effect",
    "dagar": "rho: correlation of the effects of two neighbours, about",
}
_QUALITY = (("R-hat", "number"), ("ESS, bulk", "number"), ("ESS, tail", "number"))


def effect_unit(family: str) -> str:
    """Unit of an effect."""
    return "percentage points" if family != "poisson" else "% of the rate"


def effect_table(fit: Fit, districts: Districts, effects: Mapping[str, Effect], weighting: str) -> Table:
    """The effect of every numeric column on the scale of the outcome."""
    rows = []
    for column, one in effects.items():
        digits = digits_for(one.low, one.high, least=2)
        rows.append(
            (
                districts.roles.called(column),
                f"{step_words(one, districts)} higher",
                fixed(one.mean, digits),
                interval(one.low, one.high, digits),
                probability(one.probability_positive),
            )
        )
    outcome = "vote share" if fit.model.family != "poisson" else "rate"
    party = districts.roles.party_called(fit.model.party)
    return table(
        f"Change in the {outcome} of {party}, {effect_unit(fit.model.family)}, where a column is "
        f"higher and the others are held fixed; {weighting_words(weighting, fit.model.family)}"
        f"{_counted(districts, effects)}",
        [
            ("column", "text"),
            ("compared", "text"),
            ("change", "number"),
            ("95 % interval", "number"),
            ("probability that it is above 0", "number"),
        ],
        rows,
    )


def effect_pictures(
    fit: Fit,
    districts: Districts,
    effects: Mapping[str, Effect],
    truth: Mapping[str, float],
) -> list[Picture]:
    """Intervals of all effects, and the first one's by district."""
    unit = effect_unit(fit.model.family)
    ones = list(effects.values())
    true = np.array([truth.get(column, np.nan) for column in effects])
    settled = sum(one.low > 0 or one.high < 0 for one in ones)
    pictures = [
        picture(
            plot_intervals(
                [
                    f"{districts.roles.called(column)}: {step_words(one, districts)}"
                    for column, one in effects.items()
                ],
                np.array([one.mean for one in ones]),
                np.array([one.low for one in ones]),
                np.array([one.high for one in ones]),
                truth=true if np.isfinite(true).any() else None,
                xlabel=f"change, {unit}",
                title="What goes with a higher value of each column",
                level="95 %",
                simulated=districts.about.simulated,
            ),
            f"Intervals of the effects of {len(ones)} columns, with a line at zero.",
            f"Effects on the scale of the outcome, the others held fixed, with 95{NBSP}% intervals. An "
            f"interval clear of the dashed line settles the direction: {settled} of {len(ones)} do."
            f"{_counted(districts, effects)}",
        )
    ]
    first = next(iter(effects.values()))
    called = column_words(first.column, districts)
    means = first.by_district["mean"].to_numpy()
    if _alike(means):
        return pictures
    digits = digits_for(first.low, first.high)
    low, high = fixed(means.min(), digits), fixed(means.max(), digits)
    why = "a share near 0 or 100 % has little room to move, though the coefficient is one for all districts"
    if first.column in {one.covariate for one in fit.effects} | {fit.model.varying}:
        why = "its slope is not the same everywhere, and a share near 0 or 100 % has little room to move"
    elif fit.model.family == "poisson":
        why = "the formula is not linear in this column"
    pictures.append(
        picture(
            plot_by_district(
                means,
                first.mean,
                xlabel=f"change, {unit}",
                title=_by_district(first, districts),
                simulated=districts.about.simulated,
            ),
            f"Histogram of the effect of {called} over {len(means)} districts.",
            f"The same difference in {called} moves districts by {low} to {high} {unit} (posterior "
            f"means), because {why}.{_counted(districts, [first.column])}",
        )
    )
    return pictures


def map_picture(fit: Fit, districts: Districts, effect: Effect) -> Picture | None:
    """An effect by district as a map; None without shapes, or where all districts move alike."""
    means = effect.by_district["mean"].to_numpy()
    if not districts.has_geometry or _alike(means):
        return None
    unit, called = effect_unit(fit.model.family), column_words(effect.column, districts)
    falls, rises = bool((means < 0).any()), bool((means > 0).any())
    title = _by_district(effect, districts)
    if falls and rises:
        figure = map_values(districts, means, title=title, label=f"change, {unit}", kind="diverging")
    else:
        label = f"{'fall' if falls else 'rise'}, {unit}"
        figure = map_values(districts, np.abs(means), title=title, label=label)
    return picture(
        figure,
        f"Map of the effect of {called} by district.",
        f"Where the same difference in {called} moves the outcome most (posterior means). The widest "
        f"95{NBSP}% interval of a district is {_widest(effect)} {unit}."
        f"{_counted(districts, [effect.column])}",
    )


def _counted(districts: Districts, columns: Iterable[str]) -> str:
    """Who is counted in columns, as it follows a caption."""
    words = districts.roles.counted(*columns)
    return f" {words}" if words else ""


def _alike(means: np.ndarray) -> bool:
    return bool(np.ptp(means) <= 1e-9 * np.abs(means).max())


def _by_district(effect: Effect, districts: Districts) -> str:
    return f"By district: {districts.roles.called(effect.column)}, {step_words(effect, districts)} higher"


def _widest(effect: Effect) -> str:
    low, high = (effect.by_district[end].to_numpy() for end in ("low", "high"))
    row = int(np.argmax(high - low))
    return interval(low[row], high[row], digits_for(low[row], high[row]))


def district_effect_table(fit: Fit) -> Table | None:
    """Standard deviations and what else is estimated besides coefficients, and what neighbours share."""
    frame = hyperparameters(fit)
    if frame.empty:
        return None
    structure = fit.model.structure
    names = {
        "sigma": SIGMA.get(structure, "sigma: standard deviation of the district effects"),
        "rho": RHO.get(structure, "rho: share of their variance that is spatial, in the model"),
        "overdispersion": "overdispersion: how alike two votes in one district are beyond its expected share "
        "(0: not at all, 1: all the same)",
        "noise": "noise: standard deviation of the log-odds of a share about what is expected",
        **{f"sd_{name}": f"standard deviation of the effects of ‘{name}’" for name in fit.groups},
        **{
            name: f"correlation of intercepts and slopes, ‘{name.removeprefix(CORRELATION)}’"
            for name in fit.hyperparameters
            if name.startswith(CORRELATION)
        },
        SIGMA_SLOPE: f"standard deviation of the slope of ‘{fit.model.varying}’ over the map",
    }
    quality = _quality(fit)
    rows = []
    for name, one in frame.to_dict("index").items():
        rows.append((names[str(name)], *_estimate(one, "", most=4), *_sampled(one, quality)))
        if name == "rho" and structure == "bym2":
            rows.append(_described("the same share in these districts", spatial_fraction(fit), quality))
        elif name == "rho":
            spread = fit.district_effects().std(axis=1)
            rows.append(_described("standard deviation of the effects of these districts", spread, quality))
    columns = [("quantity", "text"), ("mean", "number"), ("95 % interval", "number"), *quality]
    link = "log-odds" if fit.model.family != "poisson" else "log rates"
    return table(f"What the covariates leave open ({link})", columns, rows)


def group_tables(fit: Fit, districts: Districts) -> list[Table]:
    """Effects of the levels of each group: all of them, or the largest and the smallest."""
    link = "log-odds" if fit.model.family != "poisson" else "log rates"
    tables = []
    for group in fit.groups:
        frame = group_effects(fit, group)
        caption = f"Effects of {name_and_column(group, districts)} ({link}), {len(frame)} levels"
        if len(frame) > 2 * ENDS:
            frame = frame.iloc[[*range(ENDS), *range(-ENDS, 0)]]
            caption += f": the {ENDS} largest and the {ENDS} smallest"
        rows = []
        for level, one in frame.to_dict("index").items():
            chance = probability(one["probability_positive"])
            rows.append((str(level), fixed(one["districts"]), *_estimate(one, ""), chance))
        columns = [("level", "text"), ("districts", "number"), ("mean", "number")]
        columns += [("95 % interval", "number"), ("above 0", "number")]
        tables.append(table(caption, columns, rows))
    return tables


def _quality(fit: Fit) -> tuple[tuple[str, str], ...]:
    """Columns that say how well chains sampled; draws of the Laplace engine are no chains."""
    return () if fit.engine == "laplace" else _QUALITY


def _sampled(row: Mapping[str, float], quality: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    return (fixed(row["r_hat"], 3), fixed(row["ess_bulk"]), fixed(row["ess_tail"])) if quality else ()


def _described(name: str, draws: np.ndarray, quality: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    """A row of something that follows from the draws."""
    low, high = np.quantile(draws, [0.025, 0.975])
    digits = digits_for(low, high, least=2)
    return (name, fixed(draws.mean(), digits), interval(low, high, digits), *("–" for _ in quality))


def coefficient_table(fit: Fit, districts: Districts) -> Table:
    """Coefficients on the standardised and the original scale, with how well they were sampled."""
    frame = coefficients(fit)
    link = "log-odds" if fit.model.family != "poisson" else "log rate"
    columns = [("coefficient", "text"), ("per sd", "number"), ("95 % interval", "number")]
    columns += [("per unit", "number"), ("95 % interval", "number"), ("unit", "text")]
    quality = _quality(fit)
    columns += [("above 0", "number"), *quality]
    rows = []
    for name, one in frame.to_dict("index").items():
        rows.append(
            (
                name_and_column(str(name), districts),
                *_estimate(one, ""),
                *_estimate(one, "_original"),
                str(one["unit"]) or "–",
                probability(one["probability_positive"]),
                *_sampled(one, quality),
            )
        )
    counted = _counted(districts, formula_columns(fit.model.formula, districts))
    if counted:
        counted = f".{counted}"
    if not fit.model.standardise:
        columns = [columns[0], *columns[3:]]
        rows = [(row[0], *row[3:]) for row in rows]
        return table(
            f"Coefficients ({link}) per unit of the column; the intercept where all are 0{counted}",
            columns,
            rows,
        )
    return table(
        f"Coefficients ({link}): per standard deviation of the column, and per unit of it. The intercept "
        f"stands where every column has its average, and where every column is 0{counted}",
        columns,
        rows,
    )


def _estimate(row: Mapping[str, float], scale: str, most: int = 6) -> tuple[str, str]:
    mean, low, high = (float(row[f"{name}{scale}"]) for name in ("mean", "low", "high"))
    # One digit more than in words: these numbers are compared with those of other fits.
    digits = min(digits_for(low, high, least=1, most=most) + 1, 6)
    if max(abs(low), abs(high)) < 1e-4:
        return significant(mean), f"{significant(low)} to {significant(high)}"
    return fixed(mean, digits), interval(low, high, digits)
