"""Text for a paper's section on methods, written from what a fit and its review hold.

Every sentence is there because this fit has what it tells of; citations are keys of `references`.
"""

from dataclasses import dataclass

import numpy as np

from spatialvote.analysis.effects.weighting import weighting_words
from spatialvote.analysis.report.focus import column_words, formula_columns
from spatialvote.analysis.report.methods_review import review_sentences
from spatialvote.analysis.report.numbers import NBSP, fixed, percent, significant
from spatialvote.analysis.report.references import Reference, cited_keys, references, with_citations
from spatialvote.analysis.report.words import listed, points_step
from spatialvote.analysis.review import Review
from spatialvote.data.districts import Districts
from spatialvote.models.fit import Fit
from spatialvote.models.posterior import SIGMA_SLOPE
from spatialvote.models.priors import PCOverdispersion, PCRho, PCSigma
from spatialvote.models.structures import STRUCTURES

_FAMILY = {
    "binomial": "Votes were modelled as binomial with a logit link",
    "beta_binomial": "Votes were modelled as beta-binomial with a logit link, so that votes within a "
    "district may "
    "be alike beyond what its expected share makes them",
    "gaussian": "Logits of the vote shares were modelled as normal",
    "poisson": "Counts were modelled as Poisson with a log link and an exposure as offset",
}
_STRUCTURE = {
    "none": "there were no district effects beyond the covariates",
    "iid": "district effects were independent and normal",
    "bym2": "district effects followed the BYM2 model [@riebler2016], a sum of an independent and an "
    "intrinsic "
    "conditional autoregressive part, the latter scaled within each connected component of the neighbour "
    "graph "
    "[@sorbye2014; @freni-sterrantino2018]",
    "leroux": "district effects followed the conditional autoregressive model of Leroux [@leroux2000], its "
    "structure matrix scaled within each connected component of the neighbour graph [@freni-sterrantino2018]",
    "proper_car": "district effects followed a proper conditional autoregression [@besag1974], scaled "
    "within each "
    "connected component of the neighbour graph",
    "sar": "district effects followed a simultaneous autoregression (spatial error model) with "
    "row-standardised "
    "weights [@ord1975]",
    "dagar": "district effects followed a directed acyclic graph autoregression, DAGAR [@datta2019]",
}
_HYPER = {
    "sigma": "the scale of the district effects",
    "rho": "rho",
    "overdispersion": "the overdispersion",
    "noise": "the standard deviation of the logits",
    SIGMA_SLOPE: "the standard deviation of the varying slope",
}


@dataclass(frozen=True)
class Methods:
    """Text and references, ready to be pasted.

    Attributes
    ----------
    paragraphs
        With citations as author and year.
    references
        Exactly the works that are cited, by author.
    """

    paragraphs: tuple[str, ...]
    references: tuple[Reference, ...]

    @property
    def text(self) -> str:
        """The paragraphs with an empty line between them."""
        return "\n\n".join(self.paragraphs)

    @property
    def bibtex(self) -> str:
        """The entries of the references."""
        return "\n\n".join(one.bibtex for one in self.references)


def methods(fit: Fit, review: Review, districts: Districts, points: float, weighting: str) -> Methods:
    """Write the methods of a fit; `points` and `weighting` are those of its effects."""
    texts = [
        _data(fit, districts),
        _model(fit, districts),
        _priors(fit),
        _computation(fit),
        review_sentences(review),
        _effects(fit, districts, points, weighting),
    ]
    texts = [text.replace(NBSP, " ") for text in texts if text]
    return Methods(tuple(map(with_citations, texts)), tuple(references(cited_keys(texts))))


def _data(fit: Fit, districts: Districts) -> str:
    about, roles = districts.about, districts.roles
    party = roles.party_called(fit.model.party)
    when = "" if about.year is None else f" of {about.year}"
    source = f" (source: {about.source})" if about.source else ""
    text = (
        f"We used {'simulated' if about.simulated else 'district-level'} data of "
        f"{about.name}{when}{source}. The "
        f"unit of analysis is the {about.unit}; there are {fixed(districts.n)} of them. "
    )
    if fit.model.family == "gaussian":
        text += f"The outcome is the vote share of {party}; numbers of votes were not available or not used."
    elif fit.model.family == "poisson":
        text += f"The outcome is the count of {party} ({fixed(fit.votes[fit.stood].sum())} in all)."
    else:
        text += (
            f"The outcome is the number of votes for {party} ({fixed(fit.votes[fit.stood].sum())} in all) "
            "among "
            f"the valid votes of a district (median {fixed(float(np.median(fit.size)))})."
        )
    if districts.record.dropped:
        text += f" {len(districts.record.dropped)} districts were left out for missing or invalid values."
    away = int((~fit.stood).sum())
    if away:
        text += f" {fixed(away)} districts without a vote for {party}, where it was taken not to have stood, "
        text += "do not enter the likelihood."
    return text


def _model(fit: Fit, districts: Districts) -> str:
    model, graph = fit.model, districts.graph_report
    names = [column_words(one, districts) for one in formula_columns(model.formula, districts)]
    fixed_names = [
        one for one in names if one not in {column_words(group, districts) for group in fit.groups}
    ]
    text = f"{_FAMILY[model.family]}. The linear predictor had an intercept"
    if fixed_names:
        text += f" and {listed(fixed_names)} as covariates"
        text += ", centred and divided by their standard deviations" if model.standardise else ""
    text += f" (formula: {model.formula})"
    if fit.groups:
        named = listed([column_words(group, districts) for group in fit.groups])
        text += f", with normal effects of the levels of {named}"
    if model.varying is not None:
        text += (
            f", and the slope of {column_words(model.varying, districts)} varied over the map "
            "[@assuncao2003] as a scaled intrinsic conditional autoregression of the same graph"
        )
    text += f"; {_STRUCTURE[model.structure]}."
    if "rho" in STRUCTURES[model.structure]:
        islands = len(graph.islands)
        text += (
            f" Neighbours were defined by {graph.method} ({fixed(graph.n_edges)} links, "
            f"{len(graph.component_sizes)} connected "
            f"component{'' if len(graph.component_sizes) == 1 else 's'}"
        )
        text += f", {len(graph.added)} links added to those" if graph.added else ""
        text += ")."
        if islands:
            text += (
                f" The effects of {islands} district{'' if islands == 1 else 's'} without a neighbour were "
                "independent and normal."
            )
    return text


def _priors(fit: Fit) -> str:
    model, priors = fit.model, fit.model.priors
    told = [
        f"Normal({significant(float(fit.constant('prior_mean')[0]))}, {priors.intercept_sd:g}²) for the "
        "intercept"
    ]
    if fit.coefficients:
        scale = " of the standardised covariates" if model.standardise else ""
        told.append(f"Normal(0, {priors.coefficient_sd:g}²) for the coefficients{scale}")
    used = [(name, priors.of(name)) for name in fit.hyperparameters if name in _HYPER]
    if fit.groups:
        used.append(("sd", priors.group))
    for name, prior in used:
        of = _HYPER.get(name, "the standard deviations of the groups' effects")
        told.append(f"{str(prior).removeprefix('PC: ')} for {of}")
    kinds = {type(prior) for _, prior in used}
    text = f"Priors were {listed(told)}."
    if priors.intercept_mean is None:
        overall = "log of the overall rate" if model.family == "poisson" else "logit of the overall share"
        text += f" The mean of the intercept's is the {overall}."
    if kinds & {PCSigma, PCOverdispersion, PCRho}:
        text += " Statements of the form P(...) = ... are penalised-complexity priors [@simpson2017]"
        rho = "; that of rho is the one of BYM2 [@riebler2016], the null vectors of the graph left out"
        text += f"{rho if PCRho in kinds else ''}."
    return text


def _computation(fit: Fit) -> str:
    record, sizes = fit.record, fit.tree["posterior"].sizes
    software = f"spatialvote {record['versions']['spatialvote']}"
    if fit.engine == "laplace":
        own = fit.model.structure in ("bym2", "iid")
        text = (
            "The posterior was approximated by a nested Laplace approximation [@rue2009]"
            f"{', each district’s own effect integrated out by quadrature first,' if own else ''} at "
            f"{fixed(record['laplace']['points'])} points of the hyperparameters; {fixed(sizes['draw'])} "
            "draws were taken and resampled with Pareto-smoothed importance weights towards the exact "
            "posterior [@vehtari2024]"
        )
    else:
        nutpie = record["versions"].get("nutpie")
        text = (
            "The posterior was sampled by the No-U-Turn sampler [@hoffman2014]"
            f"{f', as implemented in nutpie {nutpie}' if nutpie else ''}: {fixed(sizes['chain'])} "
            f"chain{'' if sizes['chain'] == 1 else 's'} of {fixed(sizes['draw'])} draws"
        )
        warm_up = record["settings"].get("tune")
        text += f" after {fixed(warm_up)} of warm-up" if warm_up else ""
    text += f" ({software}, seed {record['seed']})."
    if "interrupted" in record:
        text += " The run was interrupted before all draws were taken; results rest on those that were."
    return text


def _effects(fit: Fit, districts: Districts, points: float, weighting: str) -> str:
    shares = fit.model.family != "poisson"
    text = ""
    if any(one in districts.roles.numeric_columns() for one in formula_columns(fit.model.formula, districts)):
        text = (
            f"Effects are changes of the expected {'vote share' if shares else 'rate'} where a covariate is "
            f"{points_step(points)} higher (one standard deviation for covariates that are no shares), the "
            "other "
            "covariates and the district effects held fixed, "
            f"{weighting_words(weighting, fit.model.family)}. "
        )
    return (
        f"{text}Estimates are posterior means with {percent(0.95)} equal-tailed credible intervals. They "
        "describe "
        "associations between districts, not effects on persons [@robinson1950], and depend on how "
        "districts are "
        "drawn [@openshaw1984]."
    )
