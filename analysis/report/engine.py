"""How a fit was computed, in words for who does not know the methods."""

from spatialvote.analysis.report.numbers import NBSP, fixed
from spatialvote.models.fit import Fit


def engine_words(fit: Fit) -> list[str]:
    """Which engine, why, what its numbers mean, and whether it was interrupted; one text a paragraph."""
    told = _laplace(fit) if fit.engine == "laplace" else _nuts(fit)
    return [told, *_choice(fit), *_interruption(fit)]


def _nuts(fit: Fit) -> str:
    sizes = fit.tree["posterior"].sizes
    chains, draws = sizes["chain"], sizes["draw"]
    warm_up = fit.record["settings"].get("tune")
    text = (
        f"Computed by Markov chain Monte Carlo (NUTS, the No-U-Turn sampler): {fixed(chains)} "
        f"chain{'' if chains == 1 else 's'} of {fixed(draws)} draws each"
    )
    text += f" after {fixed(warm_up)} of warm-up" if warm_up else ""
    return (
        f"{text}. Up to the error of so many draws the results are exact for this model. Whether the "
        "chains agree is told by R-hat (near 1), and how many independent draws theirs are worth by ESS "
        "(some hundreds)."
    )


def _laplace(fit: Fit) -> str:
    report = fit.record["laplace"]
    draws = fit.tree["posterior"].sizes["draw"]
    return (
        "Computed by the Laplace engine: the posterior is approximated by normal distributions at "
        f"{fixed(report['points'])} points of the hyperparameters, {fixed(draws)} draws are taken from "
        "these, and each is weighed by how much likelier it is under the posterior itself than under the "
        "approximation. They are taken again by their weights, so that those in the file count alike; that "
        "corrects the approximation where the weights are even. k-hat says how even they are: below 0.5 the "
        "results are as good as a sampler's with as many draws, up to 0.7 they are dependable but rougher, "
        "beyond 0.7 they are not to be trusted. There are no chains, so R-hat does not exist; effective "
        "draws tell how many draws of equal weight would say as much."
    )


def _choice(fit: Fit) -> list[str]:
    choice = fit.record.get("engine_choice")
    if not choice:
        return []
    return [f"The engine was chosen automatically: {choice['reason']}."]


def _interruption(fit: Fit) -> list[str]:
    """How a fit came about that was interrupted; nothing for one that was not."""
    record = fit.record
    if "interrupted" in record:
        drawn = sum(record["interrupted"]["drawn"])
        wanted = record["settings"]["chains"] * record["settings"]["draws"]
        return [
            f"This fit is unfinished: it was interrupted after {fixed(drawn)} of {fixed(wanted)} draws "
            f"({fixed(100 * drawn / wanted)}{NBSP}%), and rests on those. The review says whether they are "
            "enough."
        ]
    if "resumed" in record:
        kept, added = (sum(record["resumed"][name]) for name in ("kept", "added"))
        return [
            f"This fit was interrupted and gone on with: {fixed(kept)} draws were kept, and {fixed(added)} "
            "added after another warm-up. Both parts are draws from the same posterior, and the review "
            "compares them."
        ]
    return []
