"""What the model believed before it saw votes, beside what it believes now."""

from collections.abc import Mapping
from math import log, pi, sqrt

import numpy as np
from scipy.special import expit

from spatialvote.analysis.figures.densities import plot_prior_posterior
from spatialvote.analysis.report.focus import name_and_column, parameter_names
from spatialvote.analysis.report.numbers import digits_for, fixed, interval, percent, significant
from spatialvote.analysis.report.parts import Picture, Table, picture, table
from spatialvote.data.districts import Districts
from spatialvote.models.correlated import CORRELATION, SD
from spatialvote.models.fit import Fit
from spatialvote.models.posterior import SIGMA_SLOPE
from spatialvote.models.priors import BetaRho, HalfNormal

MOST_PANELS = 12  # coefficients beyond them are in the table


def parameter_draws(fit: Fit, group: str) -> dict[str, np.ndarray]:
    """Draws of intercept, every coefficient and hyperparameter in a group, chains joined, by name."""
    names = ("intercept", "beta", *fit.hyperparameters)
    values = {name: fit.tree[group][name].to_numpy().astype(np.float64) for name in names}
    slopes = values.pop("beta")
    draws = {"intercept": values.pop("intercept")}
    draws |= {f"beta: {name}": slopes[..., k] for k, name in enumerate(fit.coefficients)}
    return {name: one.ravel() for name, one in (draws | values).items()}


def prior_picture(fit: Fit, districts: Districts, truth: Mapping[str, float]) -> Picture:
    """Prior against posterior, with true values where they are known."""
    posterior = parameter_draws(fit, "posterior")
    hyper = [name for name in posterior if name in fit.hyperparameters][:MOST_PANELS]
    names = [*[name for name in posterior if name not in hyper][: MOST_PANELS - len(hyper)], *hyper]
    prior = parameter_draws(fit, "prior")
    sd = prior_sd(fit, prior)
    shrunk = {name: posterior[name].std() / sd[name] for name in names}
    called = {name: _called(name) for name in names} | parameter_names(fit.coefficients, districts)
    least = max(shrunk, key=lambda name: shrunk[name])
    return picture(
        plot_prior_posterior(
            {called[name]: prior[name] for name in names},
            {called[name]: posterior[name] for name in names},
            truth={called[name]: value for name, value in truth.items() if name in names},
            prior_sd={called[name]: sd[name] for name in names},
            title="Before and after the votes",
            simulated=districts.about.simulated,
        ),
        f"Densities of {len(names)} parameters before (line) and after (filled) the votes were seen.",
        "What the votes taught. A posterior far narrower than its prior is owed to the data; one that copies "
        f"its prior is not. Least was learnt about {called[least]}: its standard deviation is "
        f"{_part(shrunk[least])} of the prior's. Coefficients and intercept are on the scale the priors "
        "apply to.",
    )


def prior_table(fit: Fit, districts: Districts) -> Table:
    """Each parameter's prior in words, its range, and the posterior."""
    prior, posterior = parameter_draws(fit, "prior"), parameter_draws(fit, "posterior")
    sd = prior_sd(fit, prior)
    called = {f"beta: {one}": name_and_column(one, districts) for one in fit.coefficients}
    rows = []
    for name, draws in posterior.items():
        low, high = np.quantile(draws, [0.025, 0.975])
        digits = digits_for(low, high, least=2)
        least, most = np.quantile(prior[name], [0.05, 0.95])
        rows.append(
            (
                called.get(name, _called(name)),
                _in_words(fit, name),
                interval(least, most, 2),
                fixed(draws.mean(), digits),
                interval(low, high, digits),
                _part(draws.std() / sd[name]),
            )
        )
    return table(
        "Priors and posteriors, on the scale the priors apply to"
        + (" (standardised columns)" if fit.model.standardise and fit.coefficients else ""),
        [
            ("parameter", "text"),
            ("prior", "text"),
            ("prior, 5 to 95 %", "number"),
            ("posterior mean", "number"),
            ("95 % interval", "number"),
            ("posterior sd, % of the prior's", "number"),
        ],
        rows,
    )


def prior_sd(fit: Fit, prior: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Standard deviation of each prior: exact where it has a closed form, that of the draws elsewhere."""
    priors = fit.model.priors
    exact = {f"beta: {name}": priors.coefficient_sd for name in fit.coefficients}
    exact["intercept"] = priors.intercept_sd
    spreads = {"sigma": priors.sigma, "noise": priors.noise, SIGMA_SLOPE: priors.slope}
    spreads |= {f"sd_{name}": priors.group for name in fit.groups}
    for name, prior_of in spreads.items():
        if isinstance(prior_of, HalfNormal):
            exact[name] = prior_of.scale * sqrt(1 - 2 / pi)
        else:
            exact[name] = -prior_of.upper / log(prior_of.tail)  # an exponential, whose sd is its mean
    rho = priors.rho
    if isinstance(rho, BetaRho):
        total = rho.a + rho.b
        exact["rho"] = sqrt(rho.a * rho.b / (total + 1)) / total
    return {name: float(exact.get(name, draws.std())) for name, draws in prior.items()}


def _called(name: str) -> str:
    """What a hyperparameter is called: ``sd_<group>`` and ``cor_<slope>|<group>`` name their group."""
    for prefix, word in ((SD, "sd"), (CORRELATION, "correlation")):
        if name.startswith(prefix):
            return f"{word} of ‘{name.removeprefix(prefix)}’"
    return name


def _part(fraction: float) -> str:
    return percent(fraction, 0 if fraction >= 0.1 else 1)


def _in_words(fit: Fit, name: str) -> str:
    priors = fit.model.priors
    if name.startswith(CORRELATION):
        return f"LKJ, eta {priors.correlation:g}"
    if name in fit.hyperparameters:
        text = str(priors.group if name.startswith("sd_") else priors.of(name))
        # A prior of a standard deviation calls it sigma, whatever it is of.
        return text.replace("P(sigma", f"P({'sd' if name.startswith('sd_') else name}")
    if name == "intercept":
        return f"normal, mean {significant(float(fit.constant('prior_mean')[0]))}, sd {priors.intercept_sd:g}"
    return f"normal, mean 0, sd {priors.coefficient_sd:g}"


def prior_predictive_words(fit: Fit) -> str:
    """What outcomes the prior believes possible, beside those observed."""
    drawn, stood = fit.tree["prior_predictive"]["votes"].to_numpy(), fit.stood
    share = (expit(drawn) if fit.model.family == "gaussian" else drawn / fit.size)[..., stood]
    low, high = np.quantile(share, [0.05, 0.95])
    observed = fit.share[stood]
    if fit.model.family != "poisson":
        believed = f"a vote share between {percent(low, 1)} and {percent(high, 1)}"
        seen = f"{percent(observed.min(), 1)} and {percent(observed.max(), 1)}"
    else:
        believed = f"a rate between {significant(low)} and {significant(high)} per unit of exposure"
        seen = f"{significant(observed.min())} and {significant(observed.max())}"
    return (
        f"Before it sees votes, the model expects of a district {believed} (5th to 95th percentile of the "
        f"prior predictive distribution); the observed ones lie between {seen}."
    )
