"""The chains of the sampler in a report: traces, the parameter that mixed worst, and which chain is apart."""

from spatialvote.analysis.checks import convergence
from spatialvote.analysis.figures.chains import plot_rank
from spatialvote.analysis.report.focus import parameter_names
from spatialvote.analysis.report.numbers import fixed, significant
from spatialvote.analysis.report.parts import Part, Picture, Table, picture, table
from spatialvote.analysis.report.words import listed
from spatialvote.analysis.review import Review
from spatialvote.data.districts import Districts
from spatialvote.models.fit import Fit

MOST_TRACES = 5
#: A chain whose mean is further from that of the others, in its standard deviations, is called apart.
APART = 0.3


def chains_part(fit: Fit, review: Review, districts: Districts) -> Part | None:
    """Traces and ranks of what a reader asks about and of what mixed worst; None for draws of no chains."""
    if fit.engine != "nuts":
        return None
    worst = worst_quantities(review)
    disagreeing = [
        name for name, why in worst.items() if why.startswith("largest R-hat") and not _sound(review, why)
    ]
    return Part(
        "chains",
        convergence.QUESTION,
        words=(_digit_words(review),) if _digit_words(review) else (),
        pictures=(_chain_picture(fit, districts), _worst_picture(fit, worst, districts)),
        tables=tuple(_by_chain(fit, name) for name in disagreeing),
    )


def worst_quantities(review: Review) -> dict[str, str]:
    """Quantities with the largest R-hat and the fewest effective draws, and what each was found by."""
    checks = {one.name: one for one in review.checks}
    found: dict[str, str] = {}
    for key, words in (
        ("r_hat", "largest R-hat"),
        ("r_hat_districts", "largest R-hat of the districts"),
        ("ess_bulk", "smallest bulk ESS"),
        ("ess_tail", "smallest tail ESS"),
    ):
        if key not in checks:
            continue
        name, value = next(iter(checks[key].details["worst"].items()))
        told = f"{words}: {'–' if value is None else significant(value, 4 if key.startswith('r_hat') else 3)}"
        found[name] = f"{found[name]}; {told}" if name in found else told
    return found


def _sound(review: Review, why: str) -> bool:
    key = "r_hat_districts" if "of the districts" in why else "r_hat"
    return review[key].verdict == "pass"


def _digit_words(review: Review) -> str:
    return next((one.advice for one in review.checks if one.name == "effect_digits"), "")


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


def _worst_picture(fit: Fit, worst: dict[str, str], districts: Districts) -> Picture:
    draws = {name: convergence.scalar(fit, name) for name in worst}
    told = "; ".join(f"{name} ({why})" for name, why in worst.items())
    return picture(
        plot_rank(draws, notes=worst, title="What mixed worst", simulated=districts.about.simulated),
        f"Traces and rank histograms of the {len(draws)} quantities that mixed worst.",
        f"The worst of everything that was sampled, every district's linear predictor included: {told}. If "
        "even these look like the same noise on the left and are level on the right, the chains agree.",
    )


def _by_chain(fit: Fit, name: str) -> Table:
    rows = [
        (
            str(one["chain"] + 1),
            significant(one["mean"], 4),
            significant(one["sd"], 3),
            fixed(one["apart"], 2),
            "yes" if abs(one["apart"]) > APART else "no",
        )
        for one in convergence.means_by_chain(fit, name)
    ]
    return table(
        f"{name} by chain; distance of its mean from the other chains' median, in standard deviations",
        [("chain", "text"), ("mean", "number"), ("sd", "number"), ("distance", "number"), ("apart", "text")],
        rows,
    )
