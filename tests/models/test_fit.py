"""A fit: what it holds, that it is reproducible, and that its file is safe."""

import json

import arviz as az
import h5py
import numpy as np
import pytest
from scipy.stats import binom

from spatialvote.data.errors import FitError, ModelError
from spatialvote.models.fit import Fit
from spatialvote.models.priors import BetaRho, HalfNormal, Priors
from spatialvote.models.structures import STRUCTURES
from spatialvote.models.vote_share import VoteShareModel

SETTINGS = {"seed": 11, "draws": 300, "tune": 300, "chains": 2, "progress": False}


@pytest.fixture(scope="module")
def districts(make_districts):
    return make_districts()


@pytest.fixture(scope="module", params=["bym2", "iid", "none", "leroux", "dagar"])
def fit(request, districts) -> Fit:
    return VoteShareModel("party ~ migrants + education", structure=request.param).fit(districts, **SETTINGS)


def test_every_variable_has_named_dimensions_and_districts_as_coordinates(fit, districts):
    posterior = fit.tree["posterior"]
    hyper = set(STRUCTURES[fit.model.structure]) | ({"phi"} if fit.model.structure == "bym2" else set())
    assert set(posterior.data_vars) == {"intercept", "beta", "eta"} | hyper
    assert posterior["eta"].dims == ("chain", "draw", "district")
    assert posterior["beta"].dims == ("chain", "draw", "coefficient")
    assert list(posterior.coords["district"].to_numpy()) == list(districts.ids)
    assert fit.coefficients == ("migrants", "education")
    for group in ("log_likelihood", "posterior_predictive", "prior_predictive", "observed_data"):
        assert fit.tree[group]["votes"].dims[-1] == "district"


def test_record_tells_how_eta_was_parametrised(fit, districts):
    measured = fit.record.get("parametrisation")
    if fit.model.structure == "none":
        assert measured is None
        return
    assert measured["chosen"] == "measured"
    # 400 to 1,600 votes at a share near a quarter: about 150 is told about a district's logit.
    assert 50 < measured["median_information"] < 300
    assert 0 <= measured["share_centred"] <= 1


@pytest.mark.parametrize("chosen", ["centred", "noncentred"])
def test_parametrisation_changes_the_coordinates_and_not_the_posterior(districts, chosen):
    model = VoteShareModel("party ~ migrants", structure="iid")
    measured, other = (model.fit(districts, **SETTINGS, parametrisation=one) for one in ("measured", chosen))
    assert other.record["parametrisation"]["chosen"] == chosen
    first, second = (np.log(one.tree["posterior"]["sigma"].to_numpy()) for one in (measured, other))
    error = np.hypot(*(one.std() / np.sqrt(float(az.ess(one))) for one in (first, second)))
    assert abs(first.mean() - second.mean()) < 4 * error


def test_unknown_parametrisation_is_refused(districts):
    with pytest.raises(ModelError, match="parametrisation 'half' is unknown: use one of 'measured'"):
        VoteShareModel("party ~ migrants").fit(districts, seed=1, parametrisation="half")


def test_log_likelihood_is_that_of_the_votes(fit, districts):
    eta = fit.draws("eta")[:7]
    expected = binom.logpmf(districts.votes("party"), districts.valid, 1 / (1 + np.exp(-eta)))
    stored = fit.tree["log_likelihood"]["votes"].to_numpy().reshape(-1, districts.n)[:7]
    np.testing.assert_allclose(stored, expected, rtol=1e-5)


def test_linear_predictor_is_its_parts(fit):
    if fit.model.structure == "none":
        np.testing.assert_allclose(fit.draws("eta"), fit.fixed_part(), atol=1e-6)
    elif fit.model.structure == "bym2":
        sigma, rho = fit.draws("sigma")[:, None], fit.draws("rho")[:, None]
        residual = fit.draws("eta") - fit.fixed_part() - sigma * np.sqrt(rho) * fit.draws("phi")
        theta = residual / (sigma * np.sqrt(1 - rho))
        # Unstructured effects are standard normal under the model; their spread cannot be far from one.
        assert 0.7 < theta.std() < 1.4


def test_same_seed_gives_the_same_fit_and_another_seed_another(districts):
    model = VoteShareModel("party ~ migrants")
    quick = {"draws": 20, "tune": 50, "chains": 2, "progress": False}
    first, again, other = (model.fit(districts, seed=seed, **quick) for seed in (3, 3, 4))
    for group in first.tree.children:
        assert first.tree[group].to_dataset().equals(again.tree[group].to_dataset()), group
    assert not np.array_equal(first.draws("sigma"), other.draws("sigma"))


def test_saved_fit_is_the_same_when_loaded(fit, tmp_path):
    loaded = Fit.load(fit.save(tmp_path / "deep" / "fit.nc"))
    assert loaded.model == fit.model
    assert loaded.record == json.loads(json.dumps(fit.record))
    for group in fit.tree.children:
        assert loaded.tree[group].to_dataset().equals(fit.tree[group].to_dataset()), group
    assert [one.name for one in (tmp_path / "deep").iterdir()] == ["fit.nc"]


def test_interrupted_save_leaves_the_old_file_and_nothing_else(fit, tmp_path, monkeypatch):
    path = fit.save(tmp_path / "fit.nc")
    before = path.read_bytes()

    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("xarray.DataTree.to_netcdf", stop)
    with pytest.raises(KeyboardInterrupt):
        fit.save(path)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["fit.nc"]


def test_priors_survive_the_round_trip():
    priors = Priors(intercept_mean=-1.0, sigma=HalfNormal(0.3), rho=BetaRho(2.0, 3.0))
    model = VoteShareModel("party ~ migrants", "poisson", "bym2", priors, standardise=False)
    assert VoteShareModel.from_dict(json.loads(json.dumps(model.to_dict()))) == model


def _overwrite(path, **attributes):
    with h5py.File(path, "a") as file:
        for name, value in attributes.items():
            file.attrs[name] = value


def _missing(fit, path):
    return path


def _not_netcdf(fit, path):
    path.write_text("votes")
    return path


def _truncated(fit, path):
    fit.save(path)
    path.write_bytes(path.read_bytes()[:5000])
    return path


def _other_layout(fit, path):
    _overwrite(fit.save(path), spatialvote_layout=99)
    return path


def _bad_specification(fit, path):
    _overwrite(fit.save(path), model='{"formula": "party ~ migrants"}')
    return path


def _somebody_elses(fit, path):
    az.from_dict({"posterior": {"x": np.zeros((1, 3))}}).to_netcdf(path, engine="h5netcdf")
    return path


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_missing, "no fit at"),
        (_not_netcdf, "cannot be read as netCDF"),
        (_truncated, "cannot be read as netCDF"),
        (_other_layout, "has layout 99, this version reads 1"),
        (_bad_specification, "the contents of .* are damaged"),
        (_somebody_elses, "is not a fit saved by spatialvote"),
    ],
)
def test_damaged_files_are_refused(fit, tmp_path, make, message):
    path = make(fit, tmp_path / "fit.nc")
    with pytest.raises(FitError, match=message):
        Fit.load(path)


def test_wrong_requests_are_refused(districts):
    with pytest.raises(ModelError, match="engine 'stan' is unknown: use one of 'nuts'"):
        VoteShareModel("party ~ migrants").fit(districts, engine="stan", seed=1)


@pytest.mark.parametrize(
    ("argument", "value"), [("draws", 0), ("tune", -1), ("chains", 0), ("cores", 0), ("target_accept", 1.0)]
)
def test_impossible_settings_are_refused(districts, argument, value):
    with pytest.raises(ModelError, match=argument):
        VoteShareModel("party ~ migrants").fit(districts, seed=1, **{argument: value})


def test_progress_reaches_the_total(districts):
    seen = []
    VoteShareModel("party ~ migrants").fit(
        districts, seed=1, draws=50, tune=50, chains=2, progress=lambda *state: seen.append(state)
    )
    assert seen
    assert seen[-1][1] == 200
    assert all(done <= total for done, total, _, _ in seen)
