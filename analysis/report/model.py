"""The model of a report: what its equations, symbols and priors are filled with."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from spatialvote.analysis.report.numbers import fixed, significant
from spatialvote.data.districts import Districts
from spatialvote.models.fit import Fit
from spatialvote.models.posterior import SIGMA_SLOPE

#: Symbols of hyperparameters in the equations, with their index.
_SYMBOLS = {
    "sigma": ("σ", ""),
    "rho": ("ρ", ""),
    "overdispersion": ("δ", ""),
    "noise": ("ω", ""),
    SIGMA_SLOPE: ("σ", "γ"),
}


#: What sigma is where it is not the standard deviation of the effects.
_SCALE = {
    "leroux": "scale of the district effects",
    "proper_car": "scale of the district effects",
    "sar": "standard deviation of what is a district's own",
}
_ISLAND = "the effect of a district without neighbours is Normal(0, σ²)"
#: Symbols of the structures whose district effects have no independent part.
_FIELDS = {
    "leroux": (
        (
            "R",
            "",
            "matrix (Laplacian) of the neighbour graph, scaled within each connected component so that σ "
            f"means the same on every map; {_ISLAND} (Leroux et al. 2000)",
        ),
        ("ρ", "", "how far neighbours decide what a district is expected to be: 0 not, 1 alone"),
    ),
    "proper_car": (
        (
            "W",
            "",
            "weights of the links; D holds their sums by district, and s is a factor of the connected "
            f"component that makes σ mean the same on every map; {_ISLAND} (proper conditional "
            "autoregression)",
        ),
        ("ρ", "", "what part of the weighted mean of its neighbours a district is expected at"),
    ),
    "sar": (
        (
            "W",
            "",
            f"weights of the links, those of each district divided by their sum; {_ISLAND} (spatial error "
            "model)",
        ),
        ("ρ", "", "what part of the weighted mean of its neighbours goes into a district's effect"),
    ),
    "dagar": (
        (
            "B",
            "",
            "weights, from ρ, of the neighbours that come before a district in a fixed order; F holds the "
            f"precisions of what is left; {_ISLAND} (DAGAR, Datta et al. 2019)",
        ),
        ("ρ", "", "correlation of the effects of two neighbours, exact where links form no circles"),
    ),
}


@dataclass(frozen=True)
class ModelPart:
    """What the template writes the mathematics from; numbers are texts.

    Attributes
    ----------
    formula, family, structure, standardise
        The specification.
    columns
        Names of the design's columns, without the intercept.
    intercept_mean, intercept_sd, coefficient_sd
        Priors of intercept and coefficients, as they were used.
    groups
        Columns of the group-level terms.
    varying
        The covariate whose slope varies over the map, or "".
    priors
        Symbol, index or "", and prior of sigma, rho, the family's dispersion and the groups' sd, where the
        model has them; the prior as ``kind`` and parameters.
    symbols
        Symbol, index or "", and meaning of everything in the equations.
    """

    formula: str
    family: str
    structure: str
    standardise: bool
    columns: tuple[str, ...]
    intercept_mean: str
    intercept_sd: str
    coefficient_sd: str
    groups: tuple[str, ...]
    varying: str
    priors: tuple[tuple[str, str, Mapping[str, str]], ...]
    symbols: tuple[tuple[str, str, str], ...]


def model_part(fit: Fit, districts: Districts) -> ModelPart:
    """Fill the equations with a fit's specification and priors."""
    model, priors = fit.model, fit.model.priors
    return ModelPart(
        formula=model.formula,
        family=model.family,
        structure=model.structure,
        standardise=model.standardise,
        columns=fit.coefficients,
        intercept_mean=significant(float(fit.constant("prior_mean")[0])),
        intercept_sd=f"{priors.intercept_sd:g}",
        coefficient_sd=f"{priors.coefficient_sd:g}",
        groups=fit.groups,
        varying=model.varying or "",
        priors=tuple(
            (*_SYMBOLS.get(name, ("τ", "g")), _prior(prior)) for name, prior in _of_hyperparameters(fit)
        ),
        symbols=tuple(_symbols(fit, districts)),
    )


def _of_hyperparameters(fit: Fit) -> list[tuple[str, Any]]:
    """Hyperparameters with their priors, the groups' sds once."""
    priors = fit.model.priors
    found = [(name, priors.of(name)) for name in fit.hyperparameters if name in _SYMBOLS]
    return [*found, ("sd", priors.group)] if fit.groups else found


def _prior(prior: Any) -> dict[str, str]:
    values = {name: f"{value:.3g}" for name, value in asdict(prior).items()}
    return {"kind": type(prior).__name__, **values}


def _symbols(fit: Fit, districts: Districts) -> list[tuple[str, str, str]]:
    model, roles, n = fit.model, districts.roles, fixed(districts.n)
    party, column = roles.party_called(model.party), roles.votes[model.party]
    if model.family == "gaussian":
        symbols = [
            ("y", "i", f"share of {party} in district i of {n} (column ‘{column}’)"),
            ("η", "i", "log-odds of the share that is expected (its median)"),
            ("ω", "", "noise: standard deviation of the log-odds of shares about η"),
        ]
    elif model.family != "poisson":
        symbols = [
            ("y", "i", f"votes for {party} in district i of {n} (column ‘{column}’)"),
            ("N", "i", f"valid votes (column ‘{roles.valid}’)"),
            ("p", "i", "expected vote share"),
            ("η", "i", "its log-odds"),
        ]
        if model.family == "beta_binomial":
            symbols.append(
                (
                    "δ",
                    "",
                    "overdispersion: correlation of two votes in one district; the variance of the votes is "
                    "1 + (N − 1) δ times that of the binomial",
                )
            )
    else:
        symbols = [
            ("y", "i", f"cases of {party} in district i of {n} (column ‘{column}’)"),
            ("E", "i", f"exposure (column ‘{roles.exposure}’)"),
            ("η", "i", "logarithm of the rate relative to the exposure"),
        ]
    average = " where every covariate has its average" if model.standardise else " where every covariate is 0"
    symbols.append(("α", "", f"the level of η{average if fit.coefficients else ''}"))
    if fit.coefficients:
        names = ", ".join(fit.coefficients)
        per = "one standard deviation" if model.standardise else "one unit"
        symbols.append(("β", "k", f"how far η moves per {per} of column k ({names})"))
        if model.standardise:
            symbols.append(("s", "k", "standard deviation of column k over districts (1 for categories)"))
    if fit.groups:
        named = ", ".join(f"‘{name}’" for name in fit.groups)
        symbols.append(("u", "g", f"effect of a level of a group ({named}), shared by all its districts"))
        symbols.append(("τ", "g", "standard deviation of the effects of a group, one for each"))
    if model.varying is not None:
        symbols += [
            (
                "γ",
                "i",
                f"departure of the district's slope of ‘{model.varying}’ (standardised) from its "
                "coefficient: an intrinsic conditional autoregression, which sums to zero in each connected "
                "component",
            ),
            ("σ", "γ", "standard deviation of the slope of a typical district"),
        ]
    if model.structure != "none":
        symbols.append(("e", "i", "the district's own effect: what the covariates leave open"))
        symbols.append(("σ", "", _SCALE.get(model.structure, "standard deviation of the district effects")))
    if model.structure in _FIELDS:
        symbols += _FIELDS[model.structure]
    if model.structure == "bym2":
        symbols += [
            ("ρ", "", "share of their variance that neighbouring districts share"),
            ("θ", "i", "unstructured part, independent between districts"),
            (
                "φ",
                "i",
                "structured part: the intrinsic conditional autoregression of the neighbour graph, its "
                "matrix R scaled within each connected component so that the geometric mean of the "
                "variances is 1; Normal(0, 1) in a district without neighbours (BYM2, Riebler et al. 2016; "
                "Freni-Sterrantino et al. 2018)",
            ),
        ]
    return symbols
