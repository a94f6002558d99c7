"""Values of every draw and district that are computed when they are asked for."""

import numpy as np
import pytest
import xarray as xr

from spatialvote.models.derived import Derived, derive, type_of_votes
from spatialvote.models.families import FAMILIES
from spatialvote.models.fit import Fit
from spatialvote.models.vote_share import VoteShareModel

#: Whole numbers, slices, steps back, positions and pairs of positions.
KEYS = [
    {},
    {"chain": 1},
    {"chain": 0, "draw": 7, "district": 3},
    {"draw": slice(5, 30, 4)},
    {"draw": slice(None, None, -3), "district": slice(2, 5)},
    {"draw": [3, 1, 1, 39], "district": [4, 0]},
    {"draw": slice(0, 0)},
    {"chain": xr.DataArray([0, 1, 1], dims="at"), "draw": xr.DataArray([2, 0, 39], dims="at")},
]


@pytest.fixture
def posterior(make_districts):
    return VoteShareModel("party ~ migrants").posterior(make_districts())[0]


@pytest.fixture
def eta(posterior):
    return np.random.default_rng(4).normal(-1, 0.5, (2, 40, len(posterior.votes))).astype(np.float32)


def variables(posterior, eta, seed=8):
    both = derive(posterior, eta, 0.0, np.random.default_rng(seed))
    return [xr.Variable(("chain", "draw", "district"), one) for one in both]


@pytest.mark.parametrize("key", KEYS)
def test_a_part_is_the_part_of_the_whole(posterior, eta, key):
    for variable in variables(posterior, eta):
        whole = xr.Variable(variable.dims, variable.to_numpy())
        part, expected = variable.isel(key), whole.isel(key)
        assert part.dims == expected.dims
        np.testing.assert_array_equal(part.to_numpy(), expected.to_numpy(), strict=True)


def test_log_likelihood_is_that_of_the_family(posterior, eta):
    expected = FAMILIES["binomial"].log_likelihood(eta.astype(float), posterior.votes, posterior.size)
    found = variables(posterior, eta)[0].to_numpy()
    np.testing.assert_array_equal(found, expected.astype(np.float32), strict=True)


def test_predictions_are_drawn_anew_for_every_draw_and_the_same_when_asked_again(posterior, eta):
    # All draws have the same predictors: only randomness sets them apart.
    eta[:] = eta[0, 0]
    once, again = (variables(posterior, eta)[1].to_numpy() for _ in range(2))
    np.testing.assert_array_equal(once, again)
    assert len({one.tobytes() for one in once.reshape(80, -1)}) == 80
    assert not np.array_equal(once, variables(posterior, eta, seed=9)[1].to_numpy())
    share = 1 / (1 + np.exp(-eta[0, 0].astype(float)))
    error = np.sqrt(posterior.size * share * (1 - share) / 80)
    # Five standard errors, of 31 means.
    assert (np.abs(once.mean(axis=(0, 1)) - posterior.size * share) < 5 * error).all()


def test_each_draw_has_its_own_dispersion(make_districts, eta):
    posterior, _ = VoteShareModel("party ~ migrants", "beta_binomial").posterior(make_districts())
    dispersion = np.random.default_rng(2).uniform(1e-4, 0.1, eta.shape[:2])
    found = np.asarray(derive(posterior, eta, dispersion, np.random.default_rng(1))[0])
    expected = FAMILIES["beta_binomial"].log_likelihood(
        eta.astype(float), posterior.votes, posterior.size, dispersion
    )
    np.testing.assert_array_equal(found, expected.astype(np.float32))


def test_counts_take_the_bits_that_they_need(make_districts, eta):
    districts = make_districts()
    counts, _ = VoteShareModel("party ~ migrants", "poisson").posterior(_with_exposure(districts))
    assert type_of_votes(counts, eta) is np.int32
    assert type_of_votes(counts, eta + 20) is np.int64
    # Far beyond what a double holds.
    assert type_of_votes(counts, eta + 1000) is np.int64


def _with_exposure(districts):
    """The same districts with valid votes as exposure."""
    from dataclasses import replace

    return replace(districts, roles=replace(districts.roles, valid=None, exposure=districts.roles.valid))


def test_saving_never_holds_a_whole_array(make_districts, tmp_path, monkeypatch):
    monkeypatch.setattr("spatialvote.models.fit_file._TOGETHER", 31 * 7)
    fit = VoteShareModel("party ~ migrants").fit(make_districts(), seed=1, draws=20, tune=30, progress=False)
    asked = []
    values_at = Derived._values_at

    def watched(self, key):
        values = values_at(self, key)
        asked.append(values.shape)
        return values

    monkeypatch.setattr(Derived, "_values_at", watched)
    loaded = Fit.load(fit.save(tmp_path / "fit.nc"))
    assert asked == 2 * [(4, 7, 31), (4, 7, 31), (4, 6, 31)]
    for group in fit.tree.children:
        assert loaded.tree[group].to_dataset().identical(fit.tree[group].to_dataset()), group
