"""Under the true model, a pivotal residual's Moran's I at one posterior draw is that of white noise."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import kstest, norm

from spatialvote.analysis.moran import Moran
from spatialvote.analysis.residuals import pivotal_residuals
from spatialvote.models.fit_groups import draw_prior
from spatialvote.models.priors import Priors
from spatialvote.models.vote_share import VoteShareModel

REPLICATES = 60


@pytest.mark.slow
@pytest.mark.parametrize("structure", ["bym2", "none", "leroux", "sar"])
def test_single_draw_p_values_are_uniform(counts, structure):
    """Parameters from the prior, counts from them, a fit, its last draw: sixty times."""
    priors = Priors(intercept_mean=0.0, intercept_sd=0.3, coefficient_sd=0.3)
    model = VoteShareModel("pvv ~ migrants", family="poisson", structure=structure, priors=priors)
    rng = np.random.default_rng(20)
    # A copy: the counts of the other tests stay.
    counts = replace(counts, table=counts.table.copy())
    moran, posterior = Moran.of(counts), model.posterior(counts)[0]
    white = moran(rng.standard_normal((1999, counts.n)))
    p_values, squares = [], []
    for k in range(REPLICATES):
        eta = draw_prior(posterior, 1, rng)["eta"][0]
        counts.table["pvv"] = rng.poisson(posterior.size * np.exp(eta))
        fit = model.fit(counts, seed=k, draws=40, tune=300, chains=1, progress=False)
        residuals = pivotal_residuals(fit, np.array([39]), rng, posterior.field.precision)
        p_values.append(float(np.mean(white >= moran(residuals))))
        squares.append(float((residuals**2).sum()))
    # A sound residual falls below this once in ten thousand seeds; the seeds are fixed.
    assert kstest(p_values, "uniform").pvalue > 1e-4
    # chi-squared(n) at the truth: mean n, variance 2 n; the bounds are those of 1e-4 on both sides.
    far = norm.isf(5e-5) * np.sqrt(2 * counts.n / REPLICATES)
    assert np.mean(squares) == pytest.approx(counts.n, abs=far)
