"""A component in which nobody voted keeps its place on the map, and says nothing about the others."""

import numpy as np
import pytest

from spatialvote.data.simulate import simulate_city
from spatialvote.models.vote_share import VoteShareModel


@pytest.fixture(scope="module")
def districts():
    return simulate_city(seed=3, n_districts=60, second_component=True).districts


def test_a_component_without_votes_follows_its_covariates_alone(districts):
    smallest = min(districts.graph_report.component_sizes)
    labels = districts.graph.component_labels
    away = labels == labels.value_counts().idxmin()
    assert away.sum() == smallest > 1
    model = VoteShareModel("national_list ~ migrant_share")
    settings = {"engine": "laplace", "draws": 2000, "seed": 1, "progress": False}
    fit = model.fit(districts, held_out=list(districts.ids[away]), **settings)
    assert fit.record["laplace"]["k_hat"] < 0.7
    phi = fit.draws("phi")[:, away]
    # Drawn from its prior: it sums to zero, and its scaled variances have a geometric mean of one.
    np.testing.assert_allclose(phi.sum(axis=1), 0, atol=1e-3)
    effective = fit.record["laplace"]["importance_ess"]
    spread = np.exp(np.log(phi.var(axis=0)).mean())
    assert spread == pytest.approx(1, abs=4 * np.sqrt(2 / effective))
    # What is known of the rest is what the sampler makes of it.
    exact = model.fit(districts, held_out=list(districts.ids[away]), seed=2, draws=1000, progress=False)
    for name in ("intercept", "sigma", "rho"):
        one, other = fit.draws(name), exact.draws(name)
        error = other.std() * np.sqrt(1 / effective + 1 / 1000)
        assert abs(one.mean() - other.mean()) < 4 * error + 0.05 * other.std(), name
