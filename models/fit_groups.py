"""The groups of a `Fit`: from posterior draws to named arrays, with predictions and the prior beside them."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import xarray as xr

from spatialvote.data.districts import Districts
from spatialvote.models.design import Design
from spatialvote.models.draw_field import draw_structure
from spatialvote.models.families import FAMILIES
from spatialvote.models.outcome import DENOMINATORS, Outcome
from spatialvote.models.posterior import Posterior

#: Draws of the prior and its predictive distribution: so many, and fewer where districts are so many that a
#: value for each draw and district would take more than this.
_PRIOR_DRAWS, _PRIOR_VALUES = 1000, 5_000_000
#: Draws are predicted in so many blocks, each with a random generator of its own, on as many threads as there
#: are cores: the same seed gives the same predictions on any machine.
_BLOCKS = 16
#: Dimension behind chain and draw of the variables that have one.
_LAST = {
    "beta": "coefficient",
    "eta": "district",
    "phi": "district",
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
    for name in ("eta", "phi"):
        if name in variables:
            variables[name] = variables[name].astype(np.float32, copy=False)
    dispersion = _dispersion(posterior, variables)
    log_likelihood, predicted = _predict(posterior, variables["eta"], dispersion, rng)
    prior = draw_prior(posterior, min(_PRIOR_DRAWS, max(100, _PRIOR_VALUES // len(votes))), rng)
    prior_votes = _drawn(posterior, prior["eta"], _dispersion(posterior, prior), rng)
    return {
        "posterior": _dataset(variables),
        "log_likelihood": _dataset({"votes": log_likelihood}),
        "posterior_predictive": _dataset({"votes": predicted}),
        "prior": _dataset({name: one[None].astype(np.float32) for name, one in prior.items()}),
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


def draw_prior(posterior: Posterior, size: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Draws of every unknown from the prior, shape (size, ...)."""
    hyper = posterior.draw_prior(rng, size)
    sd = np.broadcast_to(posterior.prior_sd, (size, len(posterior.prior_sd))).copy()
    for number, name in enumerate(posterior.groups, start=1):
        sd[:, posterior.column_group == number] *= hyper[f"sd_{name}"][:, None]
    coefficients = posterior.prior_mean + sd * rng.standard_normal(sd.shape)
    eta = coefficients @ posterior.design.T
    if posterior.has_field:
        eta = eta + draw_structure(posterior.field, hyper["sigma"], hyper.get("rho"), rng)
    return {**by_term(posterior, coefficients), **hyper, "eta": eta}


def _dispersion(posterior: Posterior, variables: dict[str, np.ndarray]) -> np.ndarray | float:
    """Draws of the family's dispersion; 0 for a family without one."""
    own = FAMILIES[posterior.family].HYPER
    return variables[own[0]] if own else 0.0


def _predict(
    posterior: Posterior, eta: np.ndarray, dispersion: np.ndarray | float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Log likelihoods and predicted votes of each draw, both (chain, draw, n), block by block."""
    chains, draws, n = eta.shape
    flat = eta.reshape(-1, n)
    loose = np.broadcast_to(dispersion, (chains, draws)).ravel()
    log_likelihood = np.empty(flat.shape, dtype=np.float32)
    # Counts of 32 bits hold every electorate; a Poisson count may have more.
    counted = DENOMINATORS.get(posterior.family) == "valid"
    whole = np.int32 if counted and posterior.size.max() < 2**31 else np.int64
    predicted = np.empty(flat.shape, dtype=np.float32 if posterior.family == "gaussian" else whole)

    def predict(part: np.ndarray, source: np.random.Generator) -> None:
        block = flat[part].astype(np.float64)
        own = loose[part] if FAMILIES[posterior.family].HYPER else 0.0
        log_likelihood[part] = FAMILIES[posterior.family].log_likelihood(
            block, posterior.votes, posterior.size, own
        )
        predicted[part] = _drawn(posterior, block, own, source)

    blocks = np.array_split(np.arange(len(flat)), min(_BLOCKS, len(flat)))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(predict, blocks, rng.spawn(len(blocks))))
    if predicted.dtype == np.int64 and predicted.max() < 2**31:
        predicted = predicted.astype(np.int32)
    return log_likelihood.reshape(eta.shape), predicted.reshape(eta.shape)


def _drawn(
    posterior: Posterior, eta: np.ndarray, dispersion: np.ndarray | float, rng: np.random.Generator
) -> np.ndarray:
    """Predicted votes; counts in 32 bits where they fit, logits of shares in single precision."""
    counted = DENOMINATORS.get(posterior.family) == "valid"
    size = posterior.size.astype(np.int64) if counted else posterior.size
    votes = FAMILIES[posterior.family].draw(rng, eta, size, dispersion)
    if posterior.family == "gaussian":
        return votes.astype(np.float32)
    return votes.astype(np.int32) if votes.max() < 2**31 else votes


def _dataset(variables: dict[str, np.ndarray]) -> xr.Dataset:
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
