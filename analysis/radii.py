r"""At which distance do surroundings matter? The same model with the surroundings of each radius in turn.

A formula with `surroundings` in it is fitted once for each candidate column (the share within 200 m, 500 m,
...; a halo by ring), and once without it. Two things are told of each candidate k:

- its posterior probability, all candidates being alike before the votes are known,
  P(k | y) = p(y | k) / sum_l p(y | l), from the marginal likelihoods (`spatialvote.models.laplace.evidence`);
- how well it predicts each district's votes from all others, the district's own effect integrated out
  (`spatialvote.analysis.loo`), and its stacking weight in the mixture that predicts best.

A candidate is `plausible` where it belongs to the smallest set that has 95 % of the probability: the
radius's 95 % credible set. Neighbouring radii measure nearly the same people, so several often are.
Surroundings matter where leaving them out is not plausible. The probability of leaving them out depends on
the coefficient's prior (a wide one favours it); that of one radius against another hardly does, their
columns being standardised alike.

All fits are by the Laplace engine.

References
----------
Kass, R. E., Raftery, A. E. (1995). Bayes factors. Journal of the American Statistical Association 90. Yao,
Y., Vehtari, A., Simpson, D., Gelman, A. (2018). Using stacking to average Bayesian predictive
distributions. Bayesian Analysis 13.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import softmax

from spatialvote.analysis.loo import UNRELIABLE, loo, spread_of_sum
from spatialvote.analysis.many import Watch, run_many
from spatialvote.analysis.stacking import stacking_weights
from spatialvote.analysis.terms import columns_of, split_terms, with_column
from spatialvote.data.districts import Districts
from spatialvote.data.errors import ModelError, Problem, name_some
from spatialvote.models.design import split_formula
from spatialvote.models.laplace.evidence import log_evidence
from spatialvote.models.vote_share import VoteShareModel

#: What stands for the candidates in a formula.
PLACE = "surroundings"
#: Name of the model without surroundings.
WITHOUT = "none"
#: Probability that the plausible candidates have together.
CREDIBLE = 0.95


@dataclass(frozen=True, eq=False)
class Radii:
    """Candidates for the radius of surroundings, compared.

    Attributes
    ----------
    table
        Index: candidates, and `WITHOUT`. Columns: `probability`, `plausible`, `log_evidence`; `elpd`,
        `difference` to the best and its standard error `error`, stacking `weight`; coefficient of the
        surroundings per unit of their column on the link scale (`mean`, `low`, `high`); `k_hat`, and
        `unreliable`, districts whose left-out weights cannot be relied on.
    formula
        With `surroundings` in it.
    """

    table: pd.DataFrame
    formula: str

    @property
    def matter(self) -> bool:
        """Whether leaving surroundings out is not plausible."""
        return not bool(self.table.loc[WITHOUT, "plausible"])

    @property
    def plausible(self) -> tuple[str, ...]:
        """The 95 % credible set of the candidates if surroundings matter, the most probable first."""
        probability = self.table["probability"].drop(index=WITHOUT)
        return tuple(map(str, probability.index[credible(probability.to_numpy() / probability.sum())]))

    @property
    def words(self) -> str:
        """What was found, in sentences."""
        none = self.table.loc[WITHOUT]
        candidates = self.table.drop(index=WITHOUT)
        top = candidates["probability"].idxmax()
        without = f"probability that none do {none['probability']:.2f}"
        if not self.matter:
            told = (
                f"These votes do not show that surroundings at {len(candidates)} distances matter: {without}."
            )
            low, high = candidates.loc[top, ["low", "high"]]
            if low > 0 or high < 0:
                told += (
                    f" The 95 % interval of '{top}' leaves zero out, though: a prior that is wide against an "
                    "effect favours leaving it out, so that this probability is the more careful answer."
                )
            return told
        return (
            f"Surroundings matter ({without}), most probably '{top}' "
            f"({candidates.loc[top, 'probability']:.2f}); 95 % credible: {', '.join(self.plausible)}."
        )


@dataclass(frozen=True, eq=False)
class _Job:
    name: str
    model: VoteShareModel
    districts: Districts
    column: str | None
    seed: int


def compare_radii(
    model: VoteShareModel,
    districts: Districts,
    columns: Mapping[str, str],
    *,
    seed: int,
    cores: int | None = None,
    progress: Watch | bool | None = None,
) -> Radii:
    """Compare distances at which surroundings may matter.

    Parameters
    ----------
    model
        A model whose formula has a term of `surroundings`: ``pvv ~ migrant_share + surroundings + income``,
        or ``bs(surroundings, df=4)``.
    districts
        With a column for each candidate.
    columns
        Candidate ("500 m") to its column.
    seed
        Of every fit.
    cores, progress
        See `spatialvote.analysis.many.run_many`.

    Raises
    ------
    ModelError
        Where the formula has no term of `surroundings`, there are fewer than two candidates, or a column is
        not in the table.
    """
    party, right = split_formula(model.formula)
    terms = split_terms(right)
    others = [one for one in terms if PLACE not in columns_of(one)]
    problems = []
    if len(others) == len(terms):
        problems.append(
            Problem(
                f"formula '{model.formula}' has no term of '{PLACE}'",
                f"write it where the candidates belong: '{model.formula} + {PLACE}'",
            )
        )
    if len(columns) < 2:
        problems.append(
            Problem(f"{len(columns)} candidates are nothing to compare", "give two columns or more")
        )
    lacking = [one for one in columns.values() if one not in districts.table]
    if lacking:
        problems.append(
            Problem(
                f"columns {name_some(lacking)} are not in the table",
                f"use some of {name_some(districts.roles.numeric_columns(), limit=12)}",
            )
        )
    if WITHOUT in columns:
        problems.append(Problem(f"a candidate is called '{WITHOUT}'", "give it another name"))
    if problems:
        raise ModelError(problems)
    plain = replace(model, formula=f"{party} ~ {' + '.join(others) or '1'}")
    jobs = [_Job(WITHOUT, plain, districts, None, seed)]
    for name, column in columns.items():
        formula = f"{party} ~ {' + '.join(with_column(one, PLACE, column) for one in terms)}"
        jobs.append(_Job(name, replace(model, formula=formula), districts, column, seed))
    results = run_many(_fit, jobs, cores=cores, progress=progress)
    elpd = np.array([one["elpd"] for one in results])
    sums = np.nansum(elpd, axis=1)
    difference = elpd - elpd[sums.argmax()]
    evidence = np.array([one["log_evidence"] for one in results])
    probability = softmax(evidence)
    plausible = np.zeros(len(jobs), dtype=bool)
    plausible[credible(probability)] = True
    told = ("log_evidence", "mean", "low", "high", "k_hat", "unreliable")
    table = pd.DataFrame(
        {
            "probability": probability,
            "plausible": plausible,
            "elpd": sums,
            "difference": difference.sum(axis=1, where=~np.isnan(difference)),
            "error": [spread_of_sum(one) for one in difference],
            "weight": stacking_weights(elpd),
            **{key: [one[key] for one in results] for key in told},
        },
        index=pd.Index([job.name for job in jobs], name=PLACE),
    )
    return Radii(table, model.formula)


def credible(probability: np.ndarray) -> np.ndarray:
    """Positions of the fewest candidates that have `CREDIBLE` of the probability, the most probable first."""
    order = np.argsort(-probability, kind="stable")
    return order[: int(np.searchsorted(np.cumsum(probability[order]), CREDIBLE)) + 1]


def _fit(job: _Job) -> dict:
    """One candidate fitted: evidence, pointwise elpd, k-hat, and the coefficient where there is one."""
    fit = job.model.fit(job.districts, engine="laplace", seed=job.seed, cores=1, progress=False)
    left = loo(fit, job.model.posterior(job.districts)[0])
    found = {"mean": np.nan, "low": np.nan, "high": np.nan}
    if job.column in fit.coefficients:
        at = fit.coefficients.index(job.column)
        slope = fit.draws("beta")[:, at] / fit.constant("scale")[at]
        low, high = np.quantile(slope, [0.025, 0.975])
        found = {"mean": float(slope.mean()), "low": float(low), "high": float(high)}
    return {
        **found,
        "elpd": left.elpd,
        "log_evidence": log_evidence(fit),
        "k_hat": float(fit.record["laplace"]["k_hat"]),
        "unreliable": int((left.k > UNRELIABLE).sum()),
    }
