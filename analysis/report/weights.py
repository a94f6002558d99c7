"""What vouches for the draws of the Laplace engine, in a report."""

import numpy as np

from spatialvote.analysis.checks import approximation
from spatialvote.analysis.report.numbers import fixed
from spatialvote.analysis.report.parts import Part, Table, table
from spatialvote.analysis.review import Review
from spatialvote.data.districts import Districts
from spatialvote.models.fit import Fit


def weights_part(fit: Fit, review: Review, districts: Districts) -> Part | None:
    """How even the weights are, and the short run where they are not; None for other engines."""
    tables = tuple(one for one in (weight_table(fit, review), short_run_table(review)) if one)
    return Part("weights", approximation.QUESTION, tables=tables) if tables else None


def weight_table(fit: Fit, review: Review) -> Table | None:
    """What vouches for the draws of the Laplace engine; None for other engines."""
    if fit.engine != "laplace":
        return None
    checks = {one.name: one for one in review.checks}
    report, k_hat = fit.record["laplace"], checks["k_hat"]
    draws = fit.tree["posterior"].sizes["draw"]
    rows = [
        ("k-hat", _shape(k_hat.value), f"below {approximation.K_HAT}; not to be trusted from "
         f"{approximation.K_HAT_SERIOUS} on"),
        ("k-hat of the points of the hyperparameters", _shape(k_hat.details["points"]),
         "the same, unless the points are even"),
        ("weight that the tail of these points may hide", _hidden(k_hat.details["hidden"]), "at most 1 %"),
        ("k-hat of the draws at the points", _shape(k_hat.details["draws"]), "the same"),
        ("effective draws", f"{fixed(checks['importance_ess'].value)} of {fixed(draws)}",
         f"at least {approximation.ESS}"),
        ("points of the hyperparameters", fixed(report["points"]), "–"),
    ]  # fmt: skip
    return table(
        "How good the Laplace approximation is, computed again from the weights in the file",
        [("quantity", "text"), ("value", "number"), ("sound", "text")],
        rows,
    )


def short_run_table(review: Review) -> Table | None:
    """Marginals of the approximation beside a short run of the sampler, where k-hat called for one."""
    compared = next((one.details["short_run"] for one in review.checks if one.name == "k_hat"), None)
    if not compared:
        return None
    rows = [
        (
            name,
            fixed(one["difference"], 2),
            fixed(one["error"], 2),
            fixed(one["ratio"], 2),
            "yes" if one["sound"] else "no",
        )
        for name, one in compared.items()
    ]
    columns = [
        ("quantity", "text"),
        ("difference of means, in sd", "number"),
        ("its Monte Carlo error", "number"),
    ]
    columns += [("ratio of sd", "number"), ("sound", "text")]
    return table("Approximation beside a short run of the sampler", columns, rows)


def _shape(value: float | None) -> str:
    """A k-hat: equal weights have none (minus infinity, or nothing where it was stored)."""
    if value is None or not np.isfinite(value):
        return "–"
    return fixed(value, 2)


def _hidden(part: float | None) -> str:
    """A part of the weight, in per cent."""
    return "–" if part is None or not np.isfinite(part) else f"{fixed(100 * part, 2)} %"
