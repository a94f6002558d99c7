"""The chains of the sampler in a report."""

from spatialvote.analysis.checks import convergence
from spatialvote.analysis.figures.chains import plot_rank
from spatialvote.analysis.report.focus import parameter_names
from spatialvote.analysis.report.parts import Part, Picture, picture
from spatialvote.analysis.report.words import listed
from spatialvote.analysis.review import Review
from spatialvote.data.districts import Districts
from spatialvote.models.fit import Fit

MOST_TRACES = 5


def chains_part(fit: Fit, review: Review, districts: Districts) -> Part | None:
    """Traces and ranks of the parameters that a reader asks about; None for draws that are no chains."""
    if fit.engine != "nuts":
        return None
    return Part("chains", convergence.QUESTION, pictures=(_chain_picture(fit, districts),))


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
