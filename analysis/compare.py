r"""`compare`: which of several fits predicts unseen votes better, and whether by more than noise.

Of each fit M the expected log predictive density is elpd_M = sum_i log p(y_i | M, votes that it may see):

=========  ======================================  ========================================================
by         votes that it may see                   the question that it answers
=========  ======================================  ========================================================
loo        all others                              a gap in the map, whose neighbours are known
blocks     all outside the district's block and    a region of which nothing is known, nor of what borders
           its buffer                              on it
=========  ======================================  ========================================================

``loo`` is integrated leave-one-out by importance sampling (`spatialvote.analysis.loo`). ``blocks`` refits
each model without each block (`spatialvote.analysis.blocks`) by the Laplace engine, whatever engine made the
fit (by the sampler where that cannot be), and takes log mean_s p(y_i | draw s), the district's own effect
integrated out.

Differences are paired, d_i = elpd_i(M) - elpd_i(best), with standard error sqrt(n Var d_i); for blocks also
that between blocks, sqrt(K Var of the blocks' sums), because neighbours' d_i resemble each other. The larger
of the two is used. A difference below 4, or below two standard errors, is within noise: then the normal
approximation that the standard error stands on is not to be relied on (Sivula, Magnusson & Vehtari 2020).
Stacking weights w maximise sum_i log sum_M w_M p_M(y_i) (Yao et al. 2018).

References
----------
Sivula, T., Magnusson, M., Vehtari, A. (2020). Uncertainty in Bayesian leave-one-out cross-validation based
model comparison. arXiv:2008.10296.
Yao, Y., Vehtari, A., Simpson, D., Gelman, A. (2018). Using stacking to average Bayesian predictive
distributions. Bayesian Analysis 13.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import logsumexp

from spatialvote.analysis.belonging import require_complete, require_same_districts
from spatialvote.analysis.blocks import buffer_of, grow_folds
from spatialvote.analysis.loo import UNRELIABLE, loo, predictive, spread_of_sum
from spatialvote.analysis.many import Watch, run_many
from spatialvote.analysis.refit import K_HAT
from spatialvote.analysis.stacking import stacking_weights
from spatialvote.data.districts import Districts
from spatialvote.data.errors import FitError, ModelError, Problem, name_some
from spatialvote.models.fit import Fit
from spatialvote.models.vote_share import VoteShareModel

BY = ("loo", "blocks")
#: Differences below these are within noise (Sivula et al. 2020).
SMALLEST, ERRORS = 4.0, 2.0
_DRAWS = 1000
#: What each kind of families' votes is a density of; densities of different things cannot be compared.
_MEASURES = {"gaussian": "logits of shares", "poisson": "counts"}

EXCHANGEABLE = (
    "Leave-one-out takes districts as exchangeable given the model: it asks how well one district is "
    "predicted when all around it are known, and not how well an unknown region would be."
)


@dataclass(frozen=True, eq=False)
class Comparison:
    """Several fits by how well they predict votes that they have not seen, the best first.

    Attributes
    ----------
    names
        Of the fits, the best first.
    by
        One of `BY`.
    elpd
        Each district's log predictive density, shape (fits, n), NaN where the party did not stand.
    difference, error
        From the best, and its standard error, each shape (fits,); 0 for the best.
    weights
        Of stacking, shape (fits,).
    parameters
        Effective number of parameters (``loo``; NaN for blocks), shape (fits,).
    unreliable
        How many districts have a Pareto k above 0.7 (``loo``; 0 for blocks), shape (fits,).
    fold
        Block of each district, None for ``loo``.
    buffer
        Rings around a block that are left out with it.
    unsure
        How many of the refits without a block have draws that k-hat does not vouch for (``blocks``; 0 for
        ``loo``), shape (fits,).
    """

    names: tuple[str, ...]
    by: str
    elpd: np.ndarray
    difference: np.ndarray
    error: np.ndarray
    weights: np.ndarray
    parameters: np.ndarray
    unreliable: np.ndarray
    fold: np.ndarray | None = None
    buffer: int = 0
    unsure: np.ndarray | None = None

    @property
    def within_noise(self) -> np.ndarray:
        """Which fits cannot be told from the best, shape (fits,); the best itself counts as one of them."""
        return (np.abs(self.difference) < SMALLEST) | (np.abs(self.difference) < ERRORS * self.error)

    @property
    def blocks(self) -> int:
        """How many blocks there are; 0 for ``loo``."""
        return 0 if self.fold is None else int(self.fold.max()) + 1

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is to be kept in mind, one sentence each."""
        said = []
        close = [name for name, noise in zip(self.names, self.within_noise, strict=True) if noise][1:]
        if close:
            said.append(
                f"{name_some(close, limit=9)} cannot be told from '{self.names[0]}': the difference is below "
                f"{SMALLEST:g}, or below two standard errors, so do not choose between them by this number."
            )
        for name, count in zip(self.names, self.unreliable, strict=True):
            if count:
                said.append(
                    f"'{name}' has a Pareto k above {UNRELIABLE} in {count} "
                    f"district{'s' if count > 1 else ''}, where its elpd may be too high: compare by blocks."
                )
        for name, count in zip(self.names, () if self.unsure is None else self.unsure, strict=False):
            if count:
                said.append(
                    f"'{name}' has a k-hat above {K_HAT} in {count} of {self.blocks} refits without a block: "
                    "their draws, and so its elpd, may be off. Before you rely on the difference, hold "
                    "blocks out with engine 'nuts'."
                )
        if self.by == "loo":
            said.append(EXCHANGEABLE)
        return tuple(said)

    def to_frame(self) -> pd.DataFrame:
        """One row a fit, the best first, indexed by name."""
        return pd.DataFrame(
            {
                "elpd": np.nansum(self.elpd, axis=1),
                "standard_error": [spread_of_sum(one) for one in self.elpd],
                "difference": self.difference,
                "difference_error": self.error,
                "within_noise": self.within_noise,
                "weight": self.weights,
                "p_loo": self.parameters,
                "pareto_k_above_0.7": self.unreliable,
            },
            index=pd.Index(self.names, name="fit"),
        )

    def __str__(self) -> str:
        frame = self.to_frame()
        shown = pd.DataFrame(
            {
                "elpd": frame["elpd"].map("{:.1f}".format),
                "difference": frame["difference"].map("{:.1f}".format),
                "(se)": frame["difference_error"].map("{:.1f}".format),
                "weight": frame["weight"].map("{:.2f}".format),
            }
        )
        if self.by == "loo":
            shown["p_loo"] = frame["p_loo"].map("{:.1f}".format)
        head = "Integrated leave-one-out"
        if self.fold is not None:
            head = f"{self.blocks} spatial blocks with a buffer of {self.buffer}"
        return "\n".join([head, shown.rename_axis(None).to_string(), *self.warnings])


@dataclass(frozen=True)
class Block:
    """One refit without one block: a job."""

    name: str
    model: VoteShareModel
    districts: Districts
    scored: tuple[str, ...]
    held_out: tuple[str, ...]
    seed: int


def compare(
    fits: Mapping[str, Fit],
    districts: Districts,
    *,
    by: str = "loo",
    blocks: int = 10,
    buffer: int = 1,
    seed: int = 0,
    cores: int | None = None,
    cluster: str | None = None,
    progress: Watch | bool | None = None,
) -> Comparison:
    """Compare fits to the same votes.

    Parameters
    ----------
    fits
        Two or more, by name.
    districts
        The districts that all are of.
    by
        ``loo`` (seconds, no refits) or ``blocks`` (refits of every model without every block).
    blocks, buffer
        How many blocks, and how many rings of neighbours around a block are left out with it.
    seed
        Of the refits.
    cores, cluster, progress
        See `spatialvote.analysis.many.run_many`.

    Raises
    ------
    FitError
        Where a fit is incomplete or of other districts, other votes or another party.
    ModelError
        Where there are fewer than two fits, `by` is unknown, or blocks or buffer are impossible.
    """
    _check(fits, districts, by, buffer)
    fold, unsure = None, None
    parameters, unreliable = np.full(len(fits), np.nan), np.zeros(len(fits), dtype=np.int64)
    if by == "loo":
        found = [loo(fit, fit.model.posterior(districts)[0]) for fit in fits.values()]
        elpd = np.array([one.elpd for one in found])
        parameters = np.array([one.p_loo for one in found])
        unreliable = np.array([int((one.k > UNRELIABLE).sum()) for one in found])
    else:
        fold = grow_folds(districts, blocks)
        elpd, unsure = _by_blocks(fits, districts, fold, buffer, seed, cores, cluster, progress)
    order = np.argsort(-np.nansum(elpd, axis=1), kind="stable")
    elpd = elpd[order]
    apart = elpd - elpd[0]
    return Comparison(
        names=tuple(np.array(list(fits), dtype=object)[order]),
        by=by,
        elpd=elpd,
        difference=np.nansum(apart, axis=1),
        error=np.array([_error(one, fold) for one in apart]),
        weights=stacking_weights(elpd),
        parameters=parameters[order],
        unreliable=unreliable[order],
        fold=fold,
        buffer=buffer if fold is not None else 0,
        unsure=None if unsure is None else unsure[order],
    )


def _check(fits: Mapping[str, Fit], districts: Districts, by: str, buffer: int) -> None:
    """Refuse what cannot be compared, everything at once."""
    problems = []
    if len(fits) < 2:
        problems.append(Problem(f"a comparison needs two fits or more, got {len(fits)}", "give another fit"))
    if by not in BY:
        problems.append(Problem(f"by '{by}' is unknown", f"use one of {name_some(BY)}"))
    if isinstance(buffer, bool) or not isinstance(buffer, int) or buffer < 0:
        problems.append(
            Problem(f"buffer must be a whole number, 0 or more, got {buffer!r}", "1 or 2 is usual")
        )
    if problems:
        raise ModelError(problems)
    for name, fit in fits.items():
        try:
            require_complete(fit)
            require_same_districts(fit, districts)
        except FitError as error:
            problems += [Problem(f"'{name}': {one.what}", one.advice) for one in error.problems]
    if problems:
        raise FitError(problems)
    first, *others = fits.items()
    for name, fit in fits.items():
        outcome = fit.model.outcome(districts)
        if not np.array_equal(outcome.votes, fit.votes) or not np.array_equal(outcome.stood, fit.stood):
            problems.append(
                Problem(f"'{name}' was fitted to other votes than these", "compare fits to the same votes")
            )
    for name, fit in others:
        if fit.model.party != first[1].model.party:
            problems.append(
                Problem(
                    f"'{name}' is of party '{fit.model.party}', '{first[0]}' of '{first[1].model.party}'",
                    "compare fits to the votes of one party",
                )
            )
        kinds = [_MEASURES.get(one.model.family, "votes out of valid votes") for one in (first[1], fit)]
        if kinds[0] != kinds[1] or fit.model.absent != first[1].model.absent:
            problems.append(
                Problem(
                    f"'{name}' predicts {kinds[1]} (absent: {fit.model.absent}), '{first[0]}' {kinds[0]} "
                    f"(absent: {first[1].model.absent})",
                    "compare densities of the same quantity in the same districts",
                )
            )
    if problems:
        raise FitError(problems)


def _error(apart: np.ndarray, fold: np.ndarray | None) -> float:
    """Standard error of a summed difference: between districts, or between blocks where that is larger."""
    by_district = spread_of_sum(apart)
    if fold is None:
        return by_district
    sums = np.bincount(fold, np.nan_to_num(apart))
    return max(by_district, spread_of_sum(sums))


def _by_blocks(
    fits, districts, fold, buffer, seed, cores, cluster, progress
) -> tuple[np.ndarray, np.ndarray]:
    """Log predictive densities from refits without each block, (fits, n), and how many refits are unsure."""
    ids = np.array(districts.ids, dtype=object)
    jobs = []
    # Every model gets the same seed for a block: what is random is shared where it can be.
    seeds = np.random.default_rng(seed).integers(2**31, size=fold.max() + 1)
    for name, fit in fits.items():
        for number, one in enumerate(seeds):
            members = fold == number
            away = members | buffer_of(districts, members, buffer)
            jobs.append(
                Block(
                    f"{name}, block {number + 1}",
                    fit.model,
                    districts,
                    tuple(ids[members]),
                    tuple(ids[away]),
                    int(one),
                )
            )
    done = run_many(score_block, jobs, cores=cores, cluster=cluster, progress=progress)
    elpd = np.full((len(fits), districts.n), np.nan)
    k_hat = np.full((len(fits), len(seeds)), np.nan)
    for q, (scores, shape) in enumerate(done):
        elpd[q // len(seeds), fold == q % len(seeds)] = scores
        k_hat[q // len(seeds), q % len(seeds)] = shape
    return elpd, (k_hat > K_HAT).sum(axis=1)


def score_block(job: Block) -> tuple[np.ndarray, float]:
    """Refit without a block and its buffer; log predictive density of the block's districts, and k-hat.

    k-hat is that of the Laplace engine's weights; NaN where that engine has no approximation and the sampler
    makes the refit.
    """
    settings = {"seed": job.seed, "held_out": job.held_out, "cores": 1, "progress": False}
    k_hat = np.nan
    try:
        fit = job.model.fit(job.districts, "laplace", draws=_DRAWS, **settings)
        k_hat = float(fit.record["laplace"]["k_hat"])
    except FitError:
        fit = job.model.fit(job.districts, draws=_DRAWS // 2, chains=2, **settings)
    posterior, _ = job.model.posterior(job.districts)
    at = np.isin(np.array(job.districts.ids, dtype=object), job.scored)
    log_p = predictive(fit, posterior, np.arange(_DRAWS))[:, at]
    return np.where(posterior.size[at] > 0, logsumexp(log_p, axis=0) - np.log(len(log_p)), np.nan), k_hat
