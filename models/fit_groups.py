"""The groups of a `Fit`: from posterior draws to named arrays, with predictions and the prior beside them."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from xarray.core.indexing import ExplicitlyIndexed

from spatialvote.data.districts import Districts
from spatialvote.models.correlated import SD, block_root
from spatialvote.models.derived import VALUES, derive, draw_votes, type_of_votes
from spatialvote.models.design import Design
from spatialvote.models.draw_field import draw_phi, draw_structure
from spatialvote.models.families import FAMILIES
from spatialvote.models.groups import blocks_of
from spatialvote.models.outcome import DENOMINATORS, Outcome
from spatialvote.models.posterior import SIGMA_SLOPE, SLOPE, Posterior

#: Draws of the prior and its predictive distribution: so many, and fewer where districts are so many that a
#: value for each draw and district would take more than this.
_PRIOR_DRAWS, _PRIOR_VALUES = 1000, 5_000_000
#: Dimension behind chain and draw of the variables that have one.
_LAST = {
    "beta": "coefficient",
    "eta": "district",
    "phi": "district",
    "slope": "district",
    "votes": "district",
    "unknown": "unknown_value",
    "covariate_sigma": "uncertain",
    "covariate_rho": "uncertain",
}


def by_term(posterior: Posterior, coefficients: np.ndarray) -> dict[str, np.ndarray]:
    """Draws of all coefficients (..., p) as intercept, beta and the effects of each group's levels."""
    fixed = coefficients[..., posterior.column_group == 0]
    effects = {
        f"effect_{name}": coefficients[..., posterior.column_group == number]
        for number, name in enumerate(posterior.groups, start=1)
    }
    return {"intercept": fixed[..., 0], "beta": fixed[..., 1:], **effects}


def fit_groups(
    posterior: Posterior,
    design: Design,
    outcome: Outcome,
    districts: Districts,
    variables: dict[str, np.ndarray],
    rng: np.random.Generator,
) -> dict[str, xr.Dataset]:
    """Datasets of every group but the sample statistics.

    Parameters
    ----------
    posterior, design, outcome, districts
        What was fitted.
    variables
        Draws (chain, draw, ...) of every variable of the posterior by name: ``intercept``, ``beta``, ``eta``,
        where there are such ``phi``, ``effect_<group>``, and each hyperparameter.
    rng
        For predictions and prior draws.
    """
    votes = posterior.votes
    # Single precision for what has a value per draw and district: its rounding, 1e-7, is far below any
    # posterior's spread, and it halves the file.
    variables = dict(variables)
    for name in ("eta", "phi", SLOPE):
        if name in variables:
            variables[name] = variables[name].astype(np.float32, copy=False)
    dispersion = _dispersion(posterior, variables)
    log_likelihood, predicted = derive(posterior, variables["eta"], dispersion, rng)
    prior, prior_votes = _prior(posterior, min(_PRIOR_DRAWS, max(100, _PRIOR_VALUES // len(votes))), rng)
    return {
        "posterior": _dataset(variables),
        "log_likelihood": _dataset({"votes": log_likelihood}),
        "posterior_predictive": _dataset({"votes": predicted}),
        "prior": _dataset({name: one[None] for name, one in prior.items()}),
        "prior_predictive": _dataset({"votes": prior_votes[None]}),
        "observed_data": xr.Dataset(
            {"votes": ("district", votes if posterior.family == "gaussian" else votes.astype(np.int64))}
        ),
        "constant_data": _constant_data(posterior, design, outcome, districts),
    }


def _constant_data(
    posterior: Posterior, design: Design, outcome: Outcome, districts: Districts
) -> xr.Dataset:
    """What does not vary between draws; denominators are those of all districts, absent, held out or not."""
    i, j, weight = districts.edges
    denominator = {}
    if posterior.family in DENOMINATORS:
        counted = DENOMINATORS[posterior.family] == "valid"
        values = outcome.denominator.astype(np.int64) if counted else outcome.denominator
        denominator = {"trials" if counted else "exposure": ("district", values)}
    return xr.Dataset(
        {
            **denominator,
            "stood": ("district", outcome.told),
            "design": (("district", "coefficient"), design.matrix),
            "center": ("coefficient", design.center),
            "scale": ("coefficient", design.scale),
            "prior_mean": ("column", posterior.prior_mean),
            "prior_sd": ("column", posterior.prior_sd),
            "edge_i": ("edge", i),
            "edge_j": ("edge", j),
            "edge_weight": ("edge", weight),
            **{f"index_{group.name}": ("district", group.index) for group in design.groups},
        }
    )


def _prior(
    posterior: Posterior, size: int, rng: np.random.Generator
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Draws of the prior in single precision, and of votes from it, some at a time."""
    together = max(1, VALUES // len(posterior.votes))
    parts, votes = [], []
    for start in range(0, size, together):
        drawn = draw_prior(posterior, min(together, size - start), rng)
        eta = drawn["eta"]
        predicted = draw_votes(posterior, eta, _dispersion(posterior, drawn), rng)
        votes.append(predicted.astype(type_of_votes(posterior, eta), copy=False))
        parts.append({name: one.astype(np.float32) for name, one in drawn.items()})
    # Each variable leaves the parts as it is joined.
    joined = {name: np.concatenate([part.pop(name) for part in parts]) for name in list(parts[0])}
    return joined, np.concatenate(votes)


def draw_prior(posterior: Posterior, size: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Draws of every unknown from the prior, shape (size, ...)."""
    hyper = posterior.draw_prior(rng, size)
    white = rng.standard_normal((size, len(posterior.prior_sd)))
    coefficients = posterior.prior_mean + posterior.prior_sd * white
    for block in blocks_of(posterior.effects):
        root = block_root(block, hyper)
        at = [posterior.column_group == posterior.group_number(SD + one.name) for one in block]
        drawn = np.einsum("sij,sjl->sil", root, np.stack([white[:, columns] for columns in at], axis=1))
        for i, columns in enumerate(at):
            coefficients[:, columns] = drawn[:, i]
    eta = coefficients @ posterior.design.T
    if posterior.has_field:
        eta += draw_structure(posterior.field, hyper["sigma"], hyper.get("rho"), rng)
    local = {}
    if posterior.varying is not None:
        local[SLOPE] = hyper[SIGMA_SLOPE][:, None] * draw_phi(posterior.field.graph, rng, size)
        eta += local[SLOPE] * posterior.varying
    return {**by_term(posterior, coefficients), **hyper, **local, "eta": eta}


def _dispersion(posterior: Posterior, variables: dict[str, np.ndarray]) -> np.ndarray | float:
    """Draws of the family's dispersion; 0 for a family without one."""
    own = FAMILIES[posterior.family].HYPER
    return variables[own[0]] if own else 0.0


def _dataset(variables: Mapping[str, np.ndarray | ExplicitlyIndexed]) -> xr.Dataset:
    """Name the dimensions of draws: chain, draw, then district, coefficient or level."""
    last = {
        **_LAST,
        **{name: name.replace("effect_", "level_", 1) for name in variables if name.startswith("effect_")},
    }
    return xr.Dataset(
        {
            name: (("chain", "draw", last[name]) if name in last else ("chain", "draw"), values)
            for name, values in variables.items()
        }
    )


def as_tree(groups: dict[str, xr.Dataset], design: Design, districts: Districts) -> xr.DataTree:
    """Give every group its coordinates: chains, draws, district ids, names of coefficients and levels."""
    labels = {
        "district": np.array(districts.ids, dtype=np.str_),
        "coefficient": np.array(design.names, dtype=np.str_),
        **{f"level_{group.name}": np.array(group.levels, dtype=np.str_) for group in design.groups},
    }
    named = {}
    for name, dataset in groups.items():
        # Coordinates that a dataset brings are kept.
        coords = {
            dim: labels.get(str(dim), np.arange(size))
            for dim, size in dataset.sizes.items()
            if dim not in dataset.coords
        }
        named[name] = dataset.assign_coords(coords)
    return xr.DataTree.from_dict(named)
