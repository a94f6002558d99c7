r"""The slope of a covariate in every district, where it varies over the map.

With ``VoteShareModel(..., varying="x")`` the slope in district i is beta + gamma_i, gamma a scaled intrinsic
CAR times sigma_slope (Assunção 2003): neighbours have similar slopes, and over the districts of each
connected component the departures sum to zero, so that beta is the average slope. A district has one vote
count; what its slope is, is told by how votes and covariate go together among the districts around it. A
slope compares districts, not the people in them.

Assunção, R. M. (2003). Space varying coefficient models for small area data. Environmetrics 14.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from spatialvote.analysis.levels import slope_step
from spatialvote.data.errors import ModelError, Problem
from spatialvote.models.fit import Fit
from spatialvote.models.posterior import SIGMA_SLOPE

#: Districts that are summarised together.
_BLOCK = 512


@dataclass(frozen=True, eq=False)
class LocalSlopes:
    """Slopes of one covariate by district, in logits (log rates for counts) per `step` of the covariate.

    Attributes
    ----------
    covariate
        Whose slopes.
    step
        What the covariate moves by, in its own unit: ten points of a share, else one standard deviation.
    step_words
        The same in words.
    table
        Index: ids of the districts, in their order. Columns: ``mean``, ``sd``, ``low``, ``high`` (95 %,
        equal-tailed), and ``probability_positive``, the posterior probability that the slope is above zero.
    average
        Draws of the average slope, beta, shape (samples,).
    spread
        Draws of the standard deviation of a typical district's slope, sigma_slope, shape (samples,).
    """

    covariate: str
    step: float
    step_words: str
    table: pd.DataFrame
    average: np.ndarray
    spread: np.ndarray

    def __repr__(self) -> str:
        low, high = np.quantile(self.average, [0.025, 0.975])
        least, most = self.table["mean"].min(), self.table["mean"].max()
        return (
            f"LocalSlopes({self.covariate} in {len(self.table)} districts, per {self.step_words}: average "
            f"{self.average.mean():+.3g}, 95 % {low:+.3g} to {high:+.3g}; means {least:+.3g} to {most:+.3g})"
        )

    def settled(self, probability: float = 0.975) -> tuple[int, int]:
        """In how many districts the slope is below, and above, zero with such a posterior probability."""
        above = self.table["probability_positive"]
        return int((above <= 1 - probability).sum()), int((above >= probability).sum())


def local_slopes(fit: Fit) -> LocalSlopes:
    """The slope in every district, of the covariate whose slope varies over the map.

    Parameters
    ----------
    fit
        A fit of a model with `varying`.

    Returns
    -------
    LocalSlopes

    Raises
    ------
    ModelError
        Where no slope of the model varies over the map.

    Examples
    --------
    >>> import spatialvote
    >>> city = spatialvote.simulate_city(seed=1, n_districts=40)
    >>> model = spatialvote.VoteShareModel("national_list ~ migrant_share", varying="migrant_share")
    >>> fit = model.fit(city.districts, "laplace", seed=1, draws=100, progress=False)
    >>> len(local_slopes(fit).table)
    40
    """
    covariate = fit.model.varying
    if covariate is None:
        raise ModelError(
            Problem(
                "no slope of this model varies over the map", "fit VoteShareModel(..., varying='covariate')"
            )
        )
    step, words = slope_step(fit, covariate)
    k = fit.coefficients.index(covariate)
    factor = step / float(fit.constant("scale")[k])
    average = factor * fit.draws("beta")[:, k]
    ids = fit.tree["posterior"].coords["district"].to_numpy().astype(str)
    rows = []
    for start in range(0, len(ids), _BLOCK):
        slope = average[:, None] + factor * fit.local_slope(part=slice(start, start + _BLOCK))
        low, high = np.quantile(slope, [0.025, 0.975], axis=0)
        rows.append(
            np.column_stack(
                [slope.mean(axis=0), slope.std(axis=0, ddof=1), low, high, (slope > 0).mean(axis=0)]
            )
        )
    columns = ["mean", "sd", "low", "high", "probability_positive"]
    table = pd.DataFrame(np.concatenate(rows), columns=columns, index=pd.Index(ids, name="district"))
    return LocalSlopes(covariate, step, words, table, average, abs(factor) * fit.draws(SIGMA_SLOPE))
