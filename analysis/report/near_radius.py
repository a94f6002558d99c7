"""At which distance surroundings matter, and what the vote would be without them, in a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spatialvote.analysis.counterfactual import counterfactual
from spatialvote.analysis.figures.maps import map_values
from spatialvote.analysis.report.focus import formula_columns, name_and_column
from spatialvote.analysis.report.near_curves import ECOLOGICAL
from spatialvote.analysis.report.numbers import NBSP, digits_for, fixed, interval, probability
from spatialvote.analysis.report.parts import Part, picture, table

if TYPE_CHECKING:
    from spatialvote.analysis.radii import Radii
    from spatialvote.data.districts import Districts
    from spatialvote.data.measured import Measured
    from spatialvote.models.fit import Fit


def radius_part(districts: Districts, radii: Radii) -> Part:
    """Candidates for the distance at which surroundings matter."""
    rows = []
    for name, row in radii.table.iterrows():
        known = np.isfinite(row["mean"])
        digits = digits_for(row["low"], row["high"], least=2) if known else 0
        rows.append(
            (
                "without surroundings" if name == "none" else name_and_column(str(name), districts),
                probability(row["probability"]),
                "yes" if row["plausible"] else "no",
                fixed(row["weight"], 2),
                f"{fixed(row['difference'], 1)} ({fixed(row['error'], 1)})",
                f"{fixed(row['mean'], digits)} ({interval(row['low'], row['high'], digits)})"
                if known
                else "–",
                fixed(row["k_hat"], 2),
            )
        )
    columns = [("surroundings", "long"), ("probability", "number"), ("in the 95 % set", "text")]
    columns += [("stacking weight", "number"), ("elpd less the best (se)", "number")]
    columns += [("log-odds per unit (95 %)", "number"), ("k-hat", "number")]
    counted = districts.roles.counted(*(str(one) for one in radii.table.index if one != "none"))
    words = (
        radii.words,
        f"The same model ({radii.formula}) was fitted with each measure in place of ‘surroundings’, and "
        "without, by the engine ‘laplace’. Probability: from marginal likelihoods, all being alike before "
        "the votes are known. Stacking weight: share in the mixture that predicts districts left out best "
        "(PSIS-LOO). Neighbouring radii measure nearly the same people, so several often hold together.",
    )
    caption = f"Distances at which surroundings may matter. {counted}".strip()
    return Part(
        "radius", "At which distance do surroundings matter?", words, tables=(table(caption, columns, rows),)
    )


def as_within_part(fit: Fit, districts: Districts, made: Measured) -> Part | None:
    """What each district's vote would be if its surroundings were as itself."""
    used = formula_columns(fit.model.formula, districts)
    own = made.share
    values: dict[str, float | np.ndarray] = {
        one.column: 0.0 for one in made.of_kind("halo") if one.column in used
    }
    if own is not None:
        within = districts.table[own].to_numpy(np.float64)
        values |= {one.column: within for one in made.of_kind("egohood") if one.column in used}
    if not values:
        return None
    found = counterfactual(fit, districts, values)
    low, high = found.interval
    digits = digits_for(low, high)
    by = found.by_district
    sure = by["probability_positive"].to_numpy()
    more, less = fixed((sure > 0.975).sum()), fixed((sure < 0.025).sum())
    means = by["mean"].to_numpy()
    named = ", ".join(districts.roles.called(one) for one in values)
    words = (
        f"Set to what they are within the district itself: {named}. Averaged over districts the outcome "
        f"would change by {fixed(found.mean, digits)} {found.unit} (95{NBSP}% "
        f"{interval(low, high, digits)}); in {more} districts it would surely be higher, in {less} surely "
        "lower (posterior probability above "
        "0.975). It is what the model says of districts whose surroundings differ only in this, not a "
        f"forecast of what would happen if people moved. {ECOLOGICAL}",
    )
    order = np.argsort(means)
    ends = [*order[:5], *order[::-1][:5]] if len(order) > 10 else list(order)
    label = districts.roles.label
    rows = [
        (
            str(districts.ids[at] if label is None else districts.table[label].iloc[at]),
            fixed(means[at], 2),
            interval(float(by["low"].iloc[at]), float(by["high"].iloc[at]), 2),
            probability(float(sure[at])),
        )
        for at in dict.fromkeys(ends)
    ]
    columns = [("district", "text"), (f"change, {found.unit}", "number"), ("95 % interval", "number")]
    columns += [("above 0", "number")]
    counted = districts.roles.counted(*values)
    extremes = table(f"The districts that would change most, down and up. {counted}".strip(), columns, rows)
    pictures = ()
    if districts.has_geometry and np.ptp(means) > 1e-9:
        figure = map_values(
            districts,
            means,
            title="If surroundings were as the district itself",
            label=f"change of the outcome, {found.unit}",
            kind="diverging",
            counted=counted,
        )
        pictures = (
            picture(
                figure,
                "Map of each district's change if its surroundings were as itself.",
                f"Posterior mean of each district's change: {fixed(means.min(), 1)} to "
                f"{fixed(means.max(), 1)} {found.unit}. Districts whose surroundings are as themselves "
                "keep their vote.",
            ),
        )
    return Part(
        "as-within", "What if surroundings were as the district itself?", words, pictures, (extremes,)
    )
