"""The same covariates under other ideas of space: variants of a fitted model, each ready to be fitted.

All variants are models of one derived table: its columns are those of the fit's design, standardised as there
and then taken as they are, so that a coefficient means the same in every variant, has the same prior, and
curves and interactions come along. Each variant changes one thing:

=====================  ======================================================================================
variant                what it changes
=====================  ======================================================================================
``none``, ``iid``      no district effects; effects that know no neighbours
``bym2``, ``leroux``,  the spatial structure; a slope that varies over the map does so under ``bym2`` alone
``sar``
``spatial_plus_1``,    every column of numbers is replaced by what its spatial smooth leaves of it (Dupont,
``spatial_plus_2``     Wood & Augustin 2022), with the smoothest 5 % and 20 % of the map's patterns
``neighbours``         the weighted mean of each column among a district's neighbours is added; a district
                       without a neighbour gets the column's mean over all districts, which says nothing
``within_<group>``     a level of its own for each group (fixed effects, Normal(0, 5^2) in logits)
=====================  ======================================================================================

Spatial+ was proposed with thin plate splines for both the covariate's smooth and the response's; here the
smooth is the low-rank version of the structured field that the model has (`spatial_smooth`), as Urdangarin et
al. (2024) do for areas. Only what varies at finer scales is left to tell the coefficient, and that is not
confounded with a smooth effect of space. Columns of categories stay as they are.

References
----------
Dupont, E., Wood, S. N., Augustin, N. H. (2022). Spatial+: a novel approach to spatial confounding. Biometrics
78.
Urdangarin, A., Goicoa, T., Kneib, T., Ugarte, M. D. (2024). A simplified spatial+ approach to mitigate
spatial confounding in multivariate spatial areal models. Spatial Statistics 59.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import pandas as pd

from spatialvote.analysis.moran import Moran
from spatialvote.analysis.spatial_smooth import Patterns
from spatialvote.analysis.terms import quote
from spatialvote.data.districts import Districts, ReadRecord
from spatialvote.models.design import Design, split_formula
from spatialvote.models.fit import Fit
from spatialvote.models.groups import blocks_of
from spatialvote.models.priors import PCRho, Priors
from spatialvote.models.scaled_graph import ScaledGraph
from spatialvote.models.vote_share import VoteShareModel

STRUCTURES = ("none", "iid", "bym2", "leroux", "sar")
#: Parts of the map's patterns that spatial+ takes out of the covariates.
SPATIAL_PLUS = (0.05, 0.20)
#: Prior standard deviation of a group's fixed effect, on the link scale: wide beside any real difference.
_LEVEL_SD = 5.0
#: Fewest districts a level must have on average for a comparison within levels to say something.
_PER_LEVEL = 3


@dataclass(frozen=True, eq=False)
class Variant:
    """A model and districts to fit it to.

    Attributes
    ----------
    key
        As in the table of this module.
    label
        What it is called in figures.
    model, districts
        The specification and the derived districts.
    added
        How many columns follow those of the fit's design.
    """

    key: str
    label: str
    model: VoteShareModel
    districts: Districts
    added: int = 0


@dataclass(frozen=True, eq=False)
class Variants:
    """The variants of a fit, the first of which is the fitted model itself.

    Attributes
    ----------
    all
        The variants.
    left
        Design column to the part of its variance that each spatial+ leaves, in their order.
    patterns
        The smoothest patterns of the map, those that the wider spatial+ takes; None without links.
    """

    all: tuple[Variant, ...]
    left: Mapping[str, tuple[float, ...]]
    patterns: Patterns | None


def make_variants(fit: Fit, districts: Districts, design: Design, graph: ScaledGraph) -> Variants:
    """Make every variant of a fitted model that these districts allow.

    Parameters
    ----------
    fit, districts, design
        A fit, its districts, and its design built from them.
    graph
        The districts' graph, scaled.
    """
    columns = design.standardised
    model = fit.model
    spatial = model.structure if model.structure not in ("none", "iid") else "bym2"
    made = [_variant(model.structure, LABELS[model.structure], fit, districts, columns, model.structure)]
    linked = graph.sizes.size > 0
    patterns = Patterns.of(graph, max(SPATIAL_PLUS)) if linked else None
    for structure in STRUCTURES:
        if structure != model.structure and (linked or structure in ("none", "iid")):
            made.append(_variant(structure, LABELS[structure], fit, districts, columns, structure))
    left: dict[str, list[float]] = {}
    if patterns is not None:
        for number, taken in enumerate(_ranks(patterns), start=1):
            residual, kept = _rough(taken, columns)
            for name, one in zip(design.names, kept, strict=True):
                left.setdefault(name, []).append(one)
            label = f"spatial+ ({100 * taken.part:.0f} % smoothest)"
            made.append(_variant(f"spatial_plus_{number}", label, fit, districts, residual, spatial))
        around = np.column_stack([columns, neighbour_means(districts, columns)])
        made.append(_variant("neighbours", "neighbours' columns added", fit, districts, around, spatial))
    for group in districts.roles.groups:
        levels = pd.factorize(districts.table[group].astype(str), sort=True)[0]
        count = int(levels.max()) + 1
        if not 2 <= count <= districts.n / _PER_LEVEL:
            continue
        own = _LEVEL_SD * (levels[:, None] == np.arange(1, count))
        inside = np.column_stack([columns, own - own.mean(axis=0)])
        made.append(
            _variant(
                f"within_{group}", f"within {_spoken(group, districts)}", fit, districts, inside,
                model.structure, without=group,
            )
        )  # fmt: skip
    return Variants(tuple(made), {name: tuple(ones) for name, ones in left.items()}, patterns)


#: What structures are called in figures.
LABELS = {
    "none": "no district effects",
    "iid": "no spatial term",
    "bym2": "BYM2",
    "leroux": "Leroux",
    "sar": "SAR error",
    "proper_car": "proper CAR",
    "dagar": "DAGAR",
}


def neighbour_means(districts: Districts, columns: np.ndarray) -> np.ndarray:
    """Weighted means of columns (n, p) among each district's neighbours; means over all on islands."""
    weights = Moran.of(districts).weights
    means = weights @ columns
    means[np.diff(weights.indptr) == 0] = columns.mean(axis=0)
    return means


def _ranks(patterns: Patterns) -> list[Patterns]:
    """The patterns that each spatial+ takes; once where the ranks would be the same."""
    most = len(patterns.values)
    total = most / patterns.part
    counts = sorted({min(max(round(part * total), 1), most) for part in SPATIAL_PLUS})
    return [patterns.first(count) for count in counts]


def _rough(patterns: Patterns, columns: np.ndarray) -> tuple[np.ndarray, list[float]]:
    """Columns without their smooths, about the same means, and what part of each one's variance is left."""
    rough, left = columns.copy(), []
    for k, column in enumerate(columns.T):
        # A category is no quantity that could be smoothed; its column holds two values.
        if len(np.unique(column)) == 2:
            left.append(1.0)
            continue
        taken = patterns.smooth(column)
        rough[:, k] = column - taken.smooth
        left.append(taken.left)
    return rough, left


def _variant(
    key: str,
    label: str,
    fit: Fit,
    districts: Districts,
    columns: np.ndarray,
    structure: str,
    *,
    without: str = "",
) -> Variant:
    """A variant of a fitted model with other columns or another structure, without the term of a group."""
    taken = set(map(str, districts.table.columns))
    prefix = "column"
    while any(name.startswith(f"{prefix}_") for name in taken):
        prefix += "_"
    names = [f"{prefix}_{k}" for k in range(columns.shape[1])]
    roles = districts.roles
    kept = [one for one in (*roles.votes.values(), roles.valid, roles.exposure, *roles.groups) if one]
    table = pd.DataFrame(districts.table[kept])
    table = table.join(pd.DataFrame(columns, index=table.index, columns=names))
    derived = Districts(
        gpd.GeoDataFrame(table, geometry=districts.table.geometry),
        # The derived columns are no shares of migrants, and have no units.
        replace(
            roles,
            electorate=None,
            migrants=None,
            covariates=tuple(names),
            label=None,
            units={one: unit for one, unit in roles.units.items() if one in kept},
            names={one: name for one, name in roles.names.items() if one in kept},
            # Each variant takes the design as it stands.
            uncertain={},
        ),
        districts.graph,
        districts.graph_report,
        districts.about,
        ReadRecord(notes=(f"derived from a fit's design for the variant '{key}'",)),
    )
    party, _ = split_formula(fit.model.formula)
    called = dict(zip(fit.coefficients, names, strict=False))
    right = [*names]
    for block in blocks_of(fit.effects):
        if block[0].group != without:
            varying = [called.get(one.covariate, "1") for one in block]
            levels = ":".join(map(quote, block[0].columns))
            right.append(f"({' + '.join(varying if '1' in varying else ['0', *varying])} | {levels})")
    model = replace(
        fit.model,
        formula=f"{party} ~ {' + '.join(right)}",
        structure=structure,
        standardise=False,
        priors=_priors(fit.model, structure),
        varying=called.get(fit.model.varying or "") if structure == "bym2" else None,
    )
    return Variant(key, label, model, derived, columns.shape[1] - len(fit.coefficients))


def _priors(model: VoteShareModel, structure: str) -> Priors:
    """The same priors; that of rho is left to the structure where it was made for another one."""
    made_for_it = structure == model.structure or not isinstance(model.priors.rho, PCRho)
    return model.priors if made_for_it else replace(model.priors, rho=None)


def _spoken(group: str, districts: Districts) -> str:
    return districts.roles.names.get(group) or group.replace("_", " ")
