"""The model of a report: what its equations, symbols and priors are filled with."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from spatialvote.analysis.report.numbers import fixed, significant
from spatialvote.data.districts import Districts
from spatialvote.models.fit import Fit


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
    sigma, rho
        ``kind`` and parameters of their priors; None where the structure has no such parameter.
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
    sigma: Mapping[str, str] | None
    rho: Mapping[str, str] | None
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
        sigma=None if model.structure == "none" else _prior(priors.sigma),
        rho=_prior(priors.rho) if model.structure == "bym2" else None,
        symbols=tuple(_symbols(fit, districts)),
    )


def _prior(prior: Any) -> dict[str, str]:
    values = {name: f"{value:.3g}" for name, value in asdict(prior).items()}
    return {"kind": type(prior).__name__, **values}


def _symbols(fit: Fit, districts: Districts) -> list[tuple[str, str, str]]:
    model, roles, n = fit.model, districts.roles, fixed(districts.n)
    party, column = roles.party_called(model.party), roles.votes[model.party]
    if model.family != "poisson":
        symbols = [
            ("y", "i", f"votes for {party} in district i of {n} (column ‘{column}’)"),
            ("N", "i", f"valid votes (column ‘{roles.valid}’)"),
            ("p", "i", "expected vote share"),
            ("η", "i", "its log-odds"),
        ]
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
    if model.structure != "none":
        symbols.append(("e", "i", "the district's own effect: what the covariates leave open"))
        symbols.append(("σ", "", "standard deviation of the district effects"))
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
