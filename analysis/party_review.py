r"""Can a fit of several parties be believed? Sampling, predictive checks, space, and integrity of the file.

- **Sampling**: R-hat and effective sample sizes of every intercept, coefficient, hyperparameter and logit,
  and the trajectories, judged as `spatialvote.analysis.checks.convergence` and `sampler` do.
- **Predictive checks** of each category's share: its overall share at the districts' own effects, and the
  spread of its shares over districts with fields drawn anew (see `spatialvote.analysis.checks.predictive`).
- **Space**: Moran's I, draw by draw, of what is iid N(0, 1) at the truth: u_k = (A^-1 (e - s))_k /
  sqrt(1 - rho_k), with s the structured parts; column k is the independent part of party k given those before
  it. Compared with white noise as in `spatialvote.analysis.checks.space_after`.
- **Integrity**: fingerprints of data and graph, and the stored log likelihood computed again.
"""

import numpy as np
from arviz_stats.base.array import array_stats

from spatialvote.analysis.belonging import require_same_districts
from spatialvote.analysis.checks import convergence, likelihood, predictive, sampler
from spatialvote.analysis.checks.check import Check, grade
from spatialvote.analysis.checks.space_after import LEVEL, SERIOUS
from spatialvote.analysis.moran import Moran
from spatialvote.data.districts import Districts
from spatialvote.data.errors import name_some
from spatialvote.models.parties.fit import PartySharesFit
from spatialvote.models.parties.likelihood import draw, log_likelihood

_SPACE = "Is space accounted for?"
_FITS = "Could data like these have come from this model?"
_WHOLE = "Is the file what it says?"
_MOST_DRAWS = 500


def party_review(fit: PartySharesFit, districts: Districts, seed: int = 0) -> tuple[Check, ...]:
    """Every check of a fit of several parties.

    Parameters
    ----------
    fit, districts
        A fit and the districts that it is said to be of.
    seed
        For replicated votes and white noise.

    Raises
    ------
    FitError
        Where the ids of districts differ from the fit's.
    """
    require_same_districts(fit, districts)
    rng = np.random.default_rng(seed)
    samples = len(fit.draws("sigma"))
    at = np.linspace(0, samples - 1, min(_MOST_DRAWS, samples)).round().astype(np.int64)
    return (
        *_sampling(fit),
        *_integrity(fit, districts),
        *_predictive(fit, districts, at, rng),
        *_space(fit, districts, at, rng),
    )


def _sampling(fit: PartySharesFit) -> list[Check]:
    names, arrays = [], []
    posterior = fit.tree["posterior"]
    # Correlations with oneself do not vary.
    for name in ("intercept", "beta", *fit.hyperparameters, "eta"):
        values = posterior[name].to_numpy().astype(np.float64)
        flat = values.reshape(*values.shape[:2], -1)
        if name == "correlation":
            flat = flat[..., np.tril(np.ones(values.shape[2:]), -1).ravel() > 0]
        arrays.append(flat.transpose(2, 0, 1))
        names += [name] * flat.shape[2]
    draws = np.ascontiguousarray(np.concatenate(arrays))
    r_hat = array_stats.rhat(draws) if draws.shape[1] > 1 else np.full(len(draws), np.nan)
    ess = np.asarray(array_stats.ess(draws, method="bulk"))
    tail = np.asarray(array_stats.ess(draws, method="tail", prob=convergence.TAIL))
    of_eta = np.array(names) == "eta"
    worst = float(np.max(r_hat[~of_eta]))
    worst_eta = float(np.max(r_hat[of_eta]))
    # Of many logits the largest R-hat is above 1.01 by chance; 1.02 leaves room for that.
    agree = worst < convergence.R_HAT and worst_eta < 2 * convergence.R_HAT - 1
    least = float(min(ess.min(), tail.min()))
    statistics = fit.tree["sample_stats"]
    diverging = int(statistics["diverging"].to_numpy().sum())
    total = statistics["diverging"].size
    bfmi = float(np.min([float(one) for one in array_stats.bfmi(statistics["energy"].to_numpy())]))
    return [
        Check(
            "parties_r_hat", convergence.QUESTION, "largest R-hat of coefficients and hyperparameters", worst,
            f"below {convergence.R_HAT}", grade(agree, not worst < convergence.R_HAT_SERIOUS),
            "Chains agree." if agree else
            "Chains disagree: fit again with more warm-up (tune) and draws, and do not use these results.",
            {"largest of logits": worst_eta},
        ),
        Check(
            "parties_ess", convergence.QUESTION, "smallest effective sample size, bulk or tail", least,
            f"at least {convergence.ESS}",
            grade(least >= convergence.ESS, not least >= convergence.ESS_SERIOUS),
            "There are enough effective draws for means and 95 % intervals." if least >= convergence.ESS else
            "There are too few effective draws: fit again with more draws.",
        ),
        Check(
            "parties_divergences", convergence.QUESTION, f"divergent transitions among {total} draws",
            diverging, "0", grade(diverging == 0, diverging >= sampler.DIVERGENCES_SERIOUS * total),
            "No trajectory broke off." if diverging == 0 else
            "Trajectories broke off: fit again with target_accept=0.95 and compare.",
        ),
        Check(
            "parties_e_bfmi", convergence.QUESTION, "smallest E-BFMI of a chain", bfmi,
            f"above {sampler.E_BFMI}", grade(bfmi > sampler.E_BFMI, not bfmi > sampler.E_BFMI_SERIOUS),
            "Every chain explored the energy." if bfmi > sampler.E_BFMI else
            "A chain explored the energy slowly: fit again with more warm-up (tune).",
        ),
    ]  # fmt: skip


def _integrity(fit: PartySharesFit, districts: Districts) -> list[Check]:
    told, found = fit.record.get("fingerprints", {}), districts.fingerprint
    differ = [name for name in ("data", "graph") if told.get(name) != found[name]]
    stored = fit.tree["log_likelihood"]["votes"].to_numpy()
    stored = stored.reshape(-1, stored.shape[2])
    counts = fit.model.counts(districts)
    again = log_likelihood(fit.model.family, fit.draws("eta"), counts.counts, counts.stood, fit.dispersion())
    off = np.abs(again - stored) / np.maximum(1.0, np.abs(again))
    off = np.where(np.isnan(off), np.inf, off)
    wrong = [str(one) for one in districts.ids[(off > likelihood.TOLERANCE).any(axis=0)]]
    return [
        Check(
            "parties_fingerprints", _WHOLE, "fingerprints that differ from the fit's", len(differ), "0",
            grade(not differ, serious=True),
            "Votes, covariates and links are those that were fitted." if not differ else
            f"The {' and the '.join(differ)} of these districts are not those of the fit: ask for the files "
            "that it was made from.",
        ),
        Check(
            "parties_log_likelihood", _WHOLE, "districts whose stored log likelihood is another",
            len(wrong), "0", grade(not wrong, serious=True),
            "The log likelihood, computed again from draws and votes, is the stored one." if not wrong else
            f"The log likelihood of {name_some(wrong)} does not follow from draws and votes: something was "
            "changed after the fit.",
        ),
    ]  # fmt: skip


def _predictive(
    fit: PartySharesFit, districts: Districts, at: np.ndarray, rng: np.random.Generator
) -> list[Check]:
    posterior, _, _ = fit.model.posterior(districts)
    own = fit.tree["posterior_predictive"]["votes"].to_numpy()
    own = own.reshape(-1, *own.shape[2:])[at]
    values = {"sigma": fit.draws("sigma", at), "factor": np.linalg.cholesky(fit.draws("correlation", at))}
    if fit.has_structure:
        values["rho"] = fit.draws("rho", at)
    eta = fit.fixed_part(at) + posterior.draw_fields(values, rng)
    loose = fit.dispersion(at)
    size = fit.size.astype(np.int64)
    anew = draw(fit.model.family, rng, eta, fit.stood, size, np.broadcast_to(loose, len(at)))
    there = np.column_stack([fit.stood, np.ones(len(size), dtype=bool)])
    checks = []
    for k, name in enumerate(fit.categories):
        seen, known = fit.counts[:, k], there[:, k]
        for key, words, replicated, compute in (
            ("share", "overall share", own, _overall),
            ("spread", "standard deviation of the districts' shares", anew, _spread),
        ):
            observed = float(compute(seen[None, known], size[known])[0])
            drawn = compute(replicated[:, known, k], size[known])
            p = float(np.mean(drawn > observed) + 0.5 * np.mean(drawn == observed))
            fine = predictive.LEVEL <= p <= 1 - predictive.LEVEL
            low, high = np.quantile(drawn, [0.025, 0.975])
            checks.append(
                Check(
                    f"parties_{key}_{k + 1}", _FITS, f"predictive p-value of the {words} of '{name}'", p,
                    f"between {predictive.LEVEL} and {1 - predictive.LEVEL}",
                    grade(fine, min(p, 1 - p) <= predictive.SERIOUS),
                    f"The observed {words} ({observed:.4g}) is among the replicated ones." if fine else
                    f"Observed {observed:.4g}, replicated {low:.4g} to {high:.4g} (95 %): look for a "
                    "covariate that is missing, or let shares vary more ('dirichlet_multinomial').",
                )
            )  # fmt: skip
    return checks


def _overall(votes: np.ndarray, size: np.ndarray) -> np.ndarray:
    return votes.sum(axis=1) / size.sum()


def _spread(votes: np.ndarray, size: np.ndarray) -> np.ndarray:
    return (votes / size).std(axis=1)


def pivotal_residuals(fit: PartySharesFit, at: np.ndarray) -> np.ndarray:
    """u of the model's docstring, iid N(0, 1) at the true parameters, shape (draws, n, K)."""
    effects = fit.district_effects(at)
    unit = np.ones((len(at), 1))
    if fit.has_structure:
        effects = effects - fit.draws("structured", at)
        rho = fit.draws("rho", at)
        unit = np.sqrt(1 - (rho[:, None] if rho.ndim == 1 else rho))
    factor = np.linalg.cholesky(fit.draws("correlation", at))
    mixing = fit.draws("sigma", at)[:, :, None] * factor
    return np.swapaxes(np.linalg.solve(mixing, np.swapaxes(effects, 1, 2)), 1, 2) / unit[:, None, :]


def _space(
    fit: PartySharesFit, districts: Districts, at: np.ndarray, rng: np.random.Generator
) -> list[Check]:
    moran = Moran.of(districts)
    if moran.n_linked == 0:
        return []
    residuals = pivotal_residuals(fit, at)
    reference = moran.of_noise(rng, 1000)
    checks = []
    for k, name in enumerate(fit.logits):
        observed = moran(residuals[:, :, k])
        p = float(Moran.likeness(observed, reference).mean())
        fine = LEVEL <= p <= 1 - LEVEL
        checks.append(
            Check(
                f"parties_moran_{k + 1}", _SPACE,
                f"P(Moran's I of white noise >= that of the residuals of '{name}'), mean over draws", p,
                f"between {LEVEL} and {1 - LEVEL}", grade(fine, p < SERIOUS),
                "The residuals of neighbours are no more alike than white noise." if fine else
                "Residuals of neighbours are still alike (or differ too much): try fields='coregional', "
                "another neighbour graph, or look for a covariate that varies across the map.",
                {"mean": float(observed.mean()), "reference_mean": float(reference.mean())},
            )
        )  # fmt: skip
    return checks
