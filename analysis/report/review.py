"""The review in a report: verdicts at a glance, the table of all checks, and what they look like."""

from dataclasses import dataclass

import numpy as np

from spatialvote.analysis.checks import approximation, convergence, predictive, space_after, stored_data
from spatialvote.analysis.checks.check import worst
from spatialvote.analysis.figures.chains import plot_rank
from spatialvote.analysis.figures.reference import plot_ppc, plot_reference
from spatialvote.analysis.report.focus import parameter_names
from spatialvote.analysis.report.numbers import fixed, significant
from spatialvote.analysis.report.parts import Picture, Table, picture, table
from spatialvote.analysis.report.words import listed
from spatialvote.analysis.review import Check, Review
from spatialvote.data.districts import Districts
from spatialvote.models.fit import Fit

#: Question of the review to what a reader wants to be told at the top.
GLANCE = {
    convergence.QUESTION: "Converged",
    approximation.QUESTION: "Approximation sound",
    predictive.QUESTION: "Fits the data",
    space_after.QUESTION: "Space accounted for",
    stored_data.QUESTION: "Data and file intact",
}
MOST_TRACES = 5


@dataclass(frozen=True)
class Glance:
    """One verdict at the top of the page: what was asked, and the worst verdict of its checks."""

    label: str
    verdict: str


def glances(review: Review) -> list[Glance]:
    """The worst verdict of each question; "info" where nothing of it was judged."""
    found = []
    asked = {one.question for one in review.checks}
    # Only one of chains and approximation is there to be judged.
    engine = {convergence.QUESTION, approximation.QUESTION}
    for question, label in GLANCE.items():
        if question in engine - asked:
            continue
        verdicts = [one.verdict for one in review.checks if one.question == question]
        judged = [one for one in verdicts if one != "info"]
        found.append(Glance(label, worst(judged) if judged else "info"))
    return found


def summary_words(review: Review) -> str:
    """How many checks passed, and which did not."""
    judged = [one for one in review.checks if one.verdict != "info"]
    passed = sum(one.verdict == "pass" for one in judged)
    text = f"{passed} of {len(judged)} checks passed"
    for verdict, verb in (("fail", "failed"), ("warn", "gave a warning")):
        names = [f"‘{one.name}’" for one in judged if one.verdict == verdict]
        if names:
            text += f"; {listed(names)} {verb}"
    return f"{text}. Checks marked ‘info’ judge nothing; the others are to be read with them."


def warning_words(review: Review) -> str:
    """What must be said before the answer: that the review failed, and at what; empty if it did not."""
    failed = [one for one in review.checks if one.verdict == "fail"]
    if not failed:
        return ""
    names = listed([f"‘{one.name}’" for one in failed])
    return f"Do not rely on this answer yet: the review failed at {names}. Its table below says what to do."


def check_table(review: Review) -> Table:
    """Every check of the review."""
    return table(
        "Every check: what was asked, what was computed, what a sound fit would show, and what to do",
        [
            ("check", "text"),
            ("verdict", "verdict"),
            ("question", "text"),
            ("statistic", "text"),
            ("value", "number"),
            ("threshold", "text"),
            ("advice", "long"),
        ],
        [
            (
                one.name,
                one.verdict,
                one.question,
                one.statistic,
                # An R-hat of 1.006 must not be shown as the 1.01 that it stays below.
                significant(one.value, 4 if 1 <= abs(one.value) < 10 else 3),
                one.threshold,
                one.advice,
            )
            for one in review.checks
        ],
    )


def moran_table(review: Review) -> Table | None:
    """Moran's I before the model, after the covariates alone, and after this model."""
    checks = {one.name: one for one in review.checks}
    rows = []
    for name, words in (
        ("moran_raw", "the raw shares"),
        ("moran_nonspatial", "what the covariates alone leave, no district effects"),
    ):
        if name in checks and "p_value" in checks[name].details:
            details = checks[name].details
            rows.append(
                (
                    words,
                    fixed(checks[name].value, 3),
                    fixed(details["expected"], 3),
                    fixed(details["p_value"], 3),
                )
            )
    after = checks.get("moran_residual")
    if after and "mean" in after.details:
        rows.append(
            (
                "residuals of this model (mean over draws)",
                fixed(after.details["mean"], 3),
                fixed(after.details["reference_mean"], 3),
                fixed(after.value, 3),
            )
        )
    if not rows:
        return None
    return table(
        "Moran's I: how alike neighbouring districts are (0: no more than any two; towards 1: much)",
        [("of", "text"), ("Moran's I", "number"), ("expected without clustering", "number"), ("p", "number")],
        rows,
    )


def review_pictures(fit: Fit, review: Review, districts: Districts) -> list[Picture]:
    """Moran's I against its reference, the predictive checks, and the chains."""
    checks = {one.name: one for one in review.checks}
    pictures = []
    moran = checks.get("moran_residual")
    if moran and moran.details.get("observed"):
        pictures.append(_moran_picture(moran, districts))
    predicted = [one for one in review.checks if one.details.get("replicated")]
    if predicted:
        pictures.append(_predictive_picture(predicted, districts))
    if fit.engine == "nuts":
        pictures.append(_chain_picture(fit, districts))
    return pictures


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
        ("k-hat of the points of the hyperparameters", _shape(k_hat.details["points"]), "the same"),
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


def _predictive_picture(checks: list[Check], districts: Districts) -> Picture:
    observed = {one.details["statistic"]: one.details["observed"] for one in checks}
    replicated = {
        one.details["statistic"]: np.array(one.details["replicated"], dtype=np.float64) for one in checks
    }
    empty = [name for name, value in observed.items() if value == 0 and not replicated[name].any()]
    if 0 < len(empty) < len(observed):
        for name in empty:
            del observed[name], replicated[name]
        left_out = f" Not drawn: {listed(empty)}, zero in the data and in every replication."
    else:
        left_out = ""
    odd = [one.details["statistic"] for one in checks if one.verdict != "pass"]
    how = f"Outlying here: {listed(odd)}." if odd else "Here all of them do."
    return picture(
        plot_ppc(
            observed,
            replicated,
            title="Could the data have come from this model?",
            simulated=districts.about.simulated,
        ),
        f"Histograms of {len(observed)} statistics of replicated data with the observed value as a line.",
        "Statistics of the data (lines) among those of data that the model replicates (bars). In a good fit "
        f"each line stands among its bars. {how}{left_out}",
    )


def _chain_picture(fit: Fit, districts: Districts) -> Picture:
    posterior = fit.tree["posterior"]
    names = parameter_names(fit.coefficients, districts)
    draws = {name: posterior[name].to_numpy() for name in ("sigma", "rho") if name in posterior}
    draws["intercept"] = posterior["intercept"].to_numpy()
    for k, name in enumerate(fit.coefficients[: MOST_TRACES - len(draws)]):
        draws[names[f"beta: {name}"]] = posterior["beta"].to_numpy()[..., k]
    chains = posterior.sizes["chain"]
    return picture(
        plot_rank(draws, title="Do the chains agree?", simulated=districts.about.simulated),
        f"Traces and rank histograms of {len(draws)} parameters in {chains} chains.",
        f"The draws of {listed(list(draws))}. Good chains look like the same noise on the left and have "
        "level lines on the right; a chain that stays high or low has not forgotten where it began.",
    )
