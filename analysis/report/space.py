"""Space in a report: how alike neighbours are in the raw shares, without the model, and after it."""

import numpy as np

from spatialvote.analysis.checks import space_after
from spatialvote.analysis.figures.against import Row, plot_against
from spatialvote.analysis.figures.reference import plot_reference
from spatialvote.analysis.figures.variogram import plot_variogram
from spatialvote.analysis.geary import Geary
from spatialvote.analysis.getis_ord import GetisOrd
from spatialvote.analysis.moran import Moran
from spatialvote.analysis.report.numbers import fixed, significant
from spatialvote.analysis.report.parts import Part, Picture, Table, picture, table
from spatialvote.analysis.review import Check, Review
from spatialvote.data.districts import Districts
from spatialvote.models.fit import Fit

CHECKS = (
    *(f"{kind.KEY}_{of}" for of in ("raw", "nonspatial") for kind in (Moran, Geary, GetisOrd)),
    "moran_residual",
    "geary_residual",
    "getis_ord_predictive",
    "variogram",
)
_OF = {"raw": "raw shares", "nonspatial": "covariates alone", "after": "this model"}


def space_part(fit: Fit, review: Review, districts: Districts) -> Part | None:
    """Global statistics before and after the model, and the variogram; None where no check was made."""
    checks = {one.name: one for one in review.checks}
    before = autocorrelation_table(review)
    pictures = []
    if before is not None:
        pictures.append(_before_after_picture(checks, districts))
    moran = checks.get("moran_residual")
    if moran and moran.details.get("observed"):
        pictures.append(_moran_picture(moran, districts))
    if "variogram" in checks:
        pictures.append(_variogram_picture(checks["variogram"], districts))
    if not pictures:
        return None
    return Part(
        "space",
        space_after.QUESTION,
        pictures=tuple(pictures),
        tables=() if before is None else (before,),
        checks=CHECKS,
    )


def autocorrelation_table(review: Review) -> Table | None:
    """Moran's I, Geary's C and G of raw shares, after the covariates alone, and after this model."""
    checks = {one.name: one for one in review.checks}
    rows = []
    for kind in (Moran, Geary, GetisOrd):
        for of in ("raw", "nonspatial"):
            check = checks.get(f"{kind.KEY}_{of}")
            if check and "interval" in check.details:
                rows.append(_row(kind.NAME, _words(kind, of), check.value, check, check.details["p_value"]))
        after = checks.get(f"{kind.KEY}_residual") or checks.get(f"{kind.KEY}_predictive")
        if after and after.details.get("observed"):
            rows.append(_row(kind.NAME, _words(kind, "after"), _mean(after), after, after.value))
    if not rows:
        return None
    return table(
        "Spatial autocorrelation before and after the model. Moran's I: 0 where neighbours are no more alike "
        "than any two districts, towards 1 where they are; Geary's C: 1, towards 0; G: high where high "
        "shares lie together or have many neighbours. The p of this model's residuals is judged at half "
        "the usual level",
        [
            ("statistic", "text"),
            ("of", "text"),
            ("value", "number"),
            ("95 % by chance", "number"),
            ("p", "number"),
        ],
        rows,
    )


def _words(kind: type, of: str) -> str:
    if kind is GetisOrd:
        return {
            "raw": "shares, against the same shuffled",
            "nonspatial": "shares, against what covariates alone give",
            "after": "shares, against what this model gives",
        }[of]
    return {
        "raw": "raw shares",
        "nonspatial": "what the covariates alone leave",
        "after": "residuals of this model (mean over draws)",
    }[of]


def _row(name: str, of: str, value: float, check: Check, p: float) -> tuple[str, ...]:
    low, high = _chance(check)
    return name, of, significant(value), f"{significant(low)} to {significant(high)}", fixed(p, 3)


def _chance(check: Check) -> tuple[float, float]:
    """Ends of the interval that chance gives the statistic of a check."""
    if "interval" in check.details:
        low, high = check.details["interval"]
    else:
        low, high = np.quantile(np.array(check.details["reference"], dtype=np.float64), [0.025, 0.975])
    return float(low), float(high)


def _mean(check: Check) -> float:
    return float(np.mean(check.details["observed"]))


def _before_after_picture(checks: dict[str, Check], districts: Districts) -> Picture:
    panels = {}
    for kind in (Moran, Geary, GetisOrd):
        rows = []
        for of in ("raw", "nonspatial"):
            check = checks.get(f"{kind.KEY}_{of}")
            if check:
                rows.append(Row(_OF[of], _chance(check), value=check.value))
        after = checks.get(f"{kind.KEY}_residual")
        if after and after.details.get("observed"):
            draws = np.array(after.details["observed"], dtype=np.float64)
            low, high = np.quantile(draws, [0.025, 0.975])
            rows.append(Row(_OF["after"], _chance(after), interval=(low, float(draws.mean()), high)))
        elif f"{kind.KEY}_predictive" in checks and kind is GetisOrd:
            after = checks["getis_ord_predictive"]
            rows.append(Row(_OF["after"], _chance(after), value=after.details["observed"]))
        if len(rows) == len(_OF):
            panels[f"{kind.NAME}{' of the shares' if kind is GetisOrd else ''}"] = rows
    moran, left = checks["moran_raw"].value if "moran_raw" in checks else np.nan, checks["moran_residual"]
    return picture(
        plot_against(
            panels,
            title="Spatial autocorrelation, before and after",
            value_label="the data",
            interval_label="residuals of this model: 95 % of the draws, and their mean",
            chance_label="95 % of what chance gives (shuffled shares; white noise; replicated shares)",
            simulated=districts.about.simulated,
        ),
        f"Three panels ({', '.join(panels)}) with rows for raw shares, covariates alone and this model, each "
        "against an interval of chance.",
        "How alike neighbours are: in the raw shares, in what a regression on the covariates alone "
        "leaves, and in the residuals of this model (Moran's I: alike to the right; Geary's C: to the "
        "left). G, which is that of the shares in all rows, is compared with what shuffling, covariates "
        "and this model would give. A model that accounts for space has its own row on the grey bar, "
        f"whatever the first two rows say. Here Moran's I is {fixed(moran, 2)} of the raw shares and "
        f"{fixed(_mean(left), 2)} of the residuals. {left.advice}",
    )


def _moran_picture(check: Check, districts: Districts) -> Picture:
    details = check.details
    observed = np.array(details["observed"], dtype=np.float64)
    reference = np.array(details["reference"], dtype=np.float64)
    return picture(
        plot_reference(
            observed,
            reference,
            xlabel="Moran's I",
            title="Is space accounted for?",
            observed_label="residuals, draw by draw",
            reference_label="white noise on the same graph",
            simulated=districts.about.simulated,
        ),
        "Two overlaid histograms: Moran's I of the residuals at each draw, and of white noise.",
        "Moran's I of the residuals of this model, draw by draw, against white noise on the same graph. In a "
        "good fit the two lie on each other; an outline to the right means that neighbours' residuals are "
        f"still alike. Here the means are {fixed(observed.mean(), 3)} and {fixed(reference.mean(), 3)}. "
        f"{check.advice}",
    )


def _variogram_picture(check: Check, districts: Districts) -> Picture:
    details = {
        name: np.array(check.details[name], dtype=np.float64)
        for name in ("distance", "observed", "expected", "low", "high")
    }
    return picture(
        plot_variogram(
            details["distance"],
            details["observed"],
            details["expected"],
            (details["low"], details["high"]),
            unit=check.details["unit"],
            title="How far does likeness reach?",
            simulated=districts.about.simulated,
        ),
        "Semivariance of what the covariates leave by distance between districts, over an envelope of "
        "replicates.",
        "How much two districts differ in what the covariates leave (half the squared difference), by how "
        "far they are apart, in the data and in votes that the model replicates with new district "
        "effects. Low on the left and rising: near districts are alike. In a good fit the line stays in "
        f"the band at all distances; {fixed(check.details['pairs'][0])} pairs make up the first point. "
        f"Here p = {fixed(check.value, 3)}. {check.advice}",
    )
