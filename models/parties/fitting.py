"""Fit several parties: sample, recover, predict, record."""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import numpy as np
import xarray as xr

from spatialvote.data.districts import Districts
from spatialvote.models.design import Design
from spatialvote.models.nuts import Progress
from spatialvote.models.parties.fit import PartySharesFit
from spatialvote.models.parties.likelihood import draw, log_likelihood
from spatialvote.models.parties.model import PartySharesModel
from spatialvote.models.parties.outcome import PartyCounts, absence_record
from spatialvote.models.parties.posterior import PartyPosterior
from spatialvote.models.parties.recover import recover
from spatialvote.models.parties.sampling import PartyCentring, PartySettings, sample, suited
from spatialvote.models.progress import progress_bar
from spatialvote.models.record import make_record, timed

#: Draws are predicted in so many blocks, each with a random generator of its own, on as many threads as there
#: are cores: the same seed gives the same predictions on any machine.
_BLOCKS = 16
#: Dimensions behind chain and draw.
_DIMS = {
    "intercept": ("logit",),
    "beta": ("logit", "coefficient"),
    "sigma": ("logit",),
    "correlation": ("logit", "other_logit"),
    "eta": ("district", "logit"),
    "structured": ("district", "logit"),
}


def fit_parties(
    model: PartySharesModel,
    districts: Districts,
    settings: PartySettings,
    seed: int,
    progress: Progress | bool,
) -> PartySharesFit:
    """Fit; see `PartySharesModel.fit`."""
    rng = np.random.default_rng(seed)
    timings: dict[str, float] = {}
    with timed(timings, "prepare"):
        posterior, design, counts = model.posterior(districts)
        centring = PartyCentring.of(posterior, settings.parametrisation)
        settings = suited(settings, centring)
    with timed(timings, "sample"):
        if progress is True:
            with progress_bar(f"Sampling {model.formula}") as watch:
                theta, eta, statistics = sample(posterior, centring, settings, rng, watch)
        else:
            theta, eta, statistics = sample(posterior, centring, settings, rng, progress or None)
    with timed(timings, "coefficients"):
        variables = _variables(posterior, theta, eta, rng)
    with timed(timings, "predict"):
        groups = _groups(posterior, design, counts, districts, variables, rng)
    groups["sample_stats"] = statistics
    record = make_record(districts, "nuts", asdict(settings), seed, timings)
    record["parametrisation"] = {
        name: one.record for name, one in zip(counts.logits, centring.each, strict=True)
    }
    record["absent"] = absence_record(counts, districts)
    return PartySharesFit(_tree(groups, design, counts, districts), model, record)


def _variables(
    posterior: PartyPosterior, theta: np.ndarray, eta: np.ndarray, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """All posterior variables, (chain, draw, ...): coefficients and structured parts drawn given the rest."""
    shape = theta.shape[:2]
    flat_theta, flat_eta = theta.reshape(-1, theta.shape[2]), eta.reshape(-1, *eta.shape[2:])
    coefficients, structured = recover(posterior, flat_theta, flat_eta, rng)
    values = posterior.constrain(theta)
    factor = values.pop("factor")
    coefficients = coefficients.reshape(*shape, *coefficients.shape[1:])
    variables = {
        "intercept": coefficients[..., 0],
        "beta": coefficients[..., 1:],
        **values,
        "correlation": factor @ np.swapaxes(factor, -1, -2),
        # Single precision for what has a value per draw and district: its rounding, 1e-7, is far below any
        # posterior's spread, and it halves the file.
        "eta": np.swapaxes(eta, 2, 3).astype(np.float32),
    }
    if structured is not None:
        variables["structured"] = structured.reshape(*shape, *structured.shape[1:]).astype(np.float32)
    return variables


def _groups(
    posterior: PartyPosterior,
    design: Design,
    counts: PartyCounts,
    districts: Districts,
    variables: Mapping[str, np.ndarray],
    rng: np.random.Generator,
) -> dict[str, xr.Dataset]:
    likelihood, predicted = _predict(posterior, variables, rng)
    i, j, weight = districts.edges
    dims = ("chain", "draw")
    return {
        "posterior": xr.Dataset(
            {
                name: ((*dims, *(_DIMS.get(name) or ("logit",) * (values.ndim - 2))), values)
                for name, values in variables.items()
            }
        ),
        "log_likelihood": xr.Dataset({"votes": ((*dims, "district"), likelihood)}),
        "posterior_predictive": xr.Dataset({"votes": ((*dims, "district", "category"), predicted)}),
        "observed_data": xr.Dataset({"votes": (("district", "category"), counts.counts.astype(np.int64))}),
        "constant_data": xr.Dataset(
            {
                "stood": (("district", "logit"), counts.stood),
                "design": (("district", "coefficient"), design.matrix),
                "center": ("coefficient", design.center),
                "scale": ("coefficient", design.scale),
                "prior_level": ("logit", posterior.level),
                "edge_i": ("edge", i),
                "edge_j": ("edge", j),
                "edge_weight": ("edge", weight),
            }
        ),
    }


def _predict(
    posterior: PartyPosterior, variables: Mapping[str, np.ndarray], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Log likelihoods (chain, draw, n) and predicted votes (chain, draw, n, K + 1), block by block."""
    eta = variables["eta"]
    shape, n, k = eta.shape[:2], posterior.n, posterior.logits
    flat = eta.reshape(-1, n, k)
    loose = np.broadcast_to(variables.get("overdispersion", 0.0), shape).ravel()
    size = posterior.counts.sum(axis=1).astype(np.int64)
    likelihood = np.empty((len(flat), n), dtype=np.float32)
    predicted = np.empty((len(flat), n, k + 1), dtype=np.int32 if size.max() < 2**31 else np.int64)

    def predict(part: np.ndarray, source: np.random.Generator) -> None:
        block = flat[part].astype(np.float64)
        likelihood[part] = log_likelihood(
            posterior.family, block, posterior.counts, posterior.stood, loose[part]
        )
        predicted[part] = draw(posterior.family, source, block, posterior.stood, size, loose[part])

    blocks = np.array_split(np.arange(len(flat)), min(_BLOCKS, len(flat)))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(predict, blocks, rng.spawn(len(blocks))))
    return likelihood.reshape(*shape, n), predicted.reshape(*shape, n, k + 1)


def _tree(
    groups: Mapping[str, xr.Dataset], design: Design, counts: PartyCounts, districts: Districts
) -> xr.DataTree:
    labels = {
        "district": np.array(districts.ids, dtype=np.str_),
        "coefficient": np.array(design.names, dtype=np.str_),
        "logit": np.array(counts.logits, dtype=np.str_),
        "other_logit": np.array(counts.logits, dtype=np.str_),
        "category": np.array(counts.categories, dtype=np.str_),
    }
    named = {}
    for name, dataset in groups.items():
        coords = {dim: labels.get(str(dim), np.arange(size)) for dim, size in dataset.sizes.items()}
        named[name] = dataset.drop_vars(set(dataset.coords)).assign_coords(coords)
    return xr.DataTree.from_dict(named)
