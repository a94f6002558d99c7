"""A model without covariates goes all the way: fitted, reviewed, saved, reported."""

import numpy as np
import pytest

from spatialvote.analysis.coefficients import coefficients
from spatialvote.analysis.report.page import report
from spatialvote.analysis.review import review
from spatialvote.data.simulate import simulate_city
from spatialvote.models.fit import Fit
from spatialvote.models.vote_share import VoteShareModel


@pytest.fixture(scope="module")
def city():
    return simulate_city(seed=5, n_districts=24)


@pytest.mark.parametrize("structure", ["bym2", "none"])
def test_an_intercept_alone_is_reviewed_and_reported(structure, city, tmp_path):
    fit = VoteShareModel("national_list ~ 1", structure=structure).fit(
        city.districts, seed=1, draws=100, tune=100, chains=2, progress=False
    )
    fit = Fit.load(fit.save(tmp_path / "fit.nc"))
    assert fit.draws("beta").shape == (200, 0)
    assert fit.draws("beta", np.array([3, 150])).shape == (2, 0)
    np.testing.assert_array_equal(fit.fixed_part(), np.repeat(fit.draws("intercept")[:, None], 24, axis=1))
    assert list(coefficients(fit).index) == ["intercept"]

    evidence = review(fit, city.districts)
    assert len(evidence.checks) > 10
    page = report(fit, evidence, city.districts, tmp_path / "r.html", truth=city.truth).read_text()
    assert "The vote for the National List by district" in page
    assert "This model has no covariates" in page
    assert "there is no effect to show" in page
