"""Answers and review of elections over time: hand-computed cases, planted faults, the page."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from scipy.special import expit

from spatialvote.analysis.elections_answers import (
    change_by_district,
    effect_path,
    slopes_by_district,
    variance_parts,
    without_own,
)
from spatialvote.analysis.elections_review import elections_review
from spatialvote.analysis.report.elections import elections_sheet
from spatialvote.analysis.report.sheet import write_sheet
from spatialvote.data.elections_simulate import simulate_elections
from spatialvote.data.errors import DataError, FitError
from spatialvote.models.elections.fit import ElectionsFit
from spatialvote.models.elections.model import ElectionsModel


@pytest.fixture(scope="module")
def made():
    return simulate_elections(21, 26, islands=1)


@pytest.fixture(scope="module")
def fit(made) -> ElectionsFit:
    model = ElectionsModel("party ~ migrant_share + education", varying=True)
    return model.fit(made.elections, seed=1, draws=300, cores=2)


def altered(fit: ElectionsFit, **arrays: np.ndarray) -> ElectionsFit:
    """The fit with draws replaced."""
    tree = fit.tree.copy()
    posterior = tree["posterior"].to_dataset()
    tree["posterior"] = xr.DataTree(
        posterior.assign({name: (posterior[name].dims, values) for name, values in arrays.items()})
    )
    return replace(fit, tree=tree)


def test_path_is_the_difference_of_predictions(fit, made):
    elections = made.elections
    shape = fit.tree["posterior"]["eta"].shape
    known = altered(
        fit,
        eta=np.full(shape, -1.0),
        effect=np.full((*shape[:2], 5), 0.2),
        slope=np.zeros((*shape[:2], 26)),
    )
    path = effect_path(known, elections, points=10)
    step = 10 / float(fit.constant("scale"))
    assert np.isclose(elections.table["migrant_share"].std(ddof=0), 10 / step)
    assert np.allclose(path.logit, 0.2 * step)
    assert np.allclose(path.points, 100 * (expit(-1 + 0.2 * step) - expit(-1)))
    assert path.step == "10 percentage points"
    assert path.change()["points"]["mean"] == pytest.approx(0, abs=1e-12)


def test_path_weighs_districts_by_their_votes(fit, made):
    elections = made.elections
    path = effect_path(fit, elections)
    step = 10 / float(fit.constant("scale"))
    t, s = 3, 17
    rows = np.flatnonzero(elections.election == t)
    total = 0.0
    for row in rows:
        slope = fit.draws("effect")[s, t] + fit.draws("slope")[s, elections.district[row]]
        eta = fit.draws("eta")[s, row]
        total += elections.valid[row] * (expit(eta + slope * step) - expit(eta))
    assert np.isclose(path.points[s, t], 100 * total / elections.valid[rows].sum())
    table = path.table()
    assert table.loc["2013", "points_mean"] == pytest.approx(path.points[:, t].mean())
    with pytest.raises(DataError, match="no election '1999'"):
        path.change("1999")


def test_the_simulated_path_and_its_change_are_found(fit, made):
    effect = fit.draws("effect")
    low, high = np.quantile(effect, [0.001, 0.999], axis=0)
    assert ((low < made.truth.slopes) & (np.array(made.truth.slopes) < high)).all()


def test_parts_sum_to_eta_and_to_one(fit, made):
    parts = variance_parts(fit, made.elections)
    assert np.allclose(sum(parts.values()), 1)
    own = fit.draws("eta") - without_own(fit, made.elections)
    assert 0.6 < np.median(own.std(axis=1) / fit.draws("sigma_own")) < 1.4


def test_change_and_slopes_by_district(fit, made):
    elections = made.elections
    change = change_by_district(fit, elections, "2001", "2017")
    share = elections.grid(100 * expit(fit.draws("eta")).mean(axis=0))
    # Single precision of the draws.
    assert np.allclose(change["mean"], share[4] - share[0], atol=1e-4)
    slopes = slopes_by_district(fit, elections)
    assert np.allclose(
        slopes["mean"], fit.draws("effect").mean() + fit.draws("slope").mean(axis=0), atol=1e-6
    )
    assert slopes["above"].between(0, 1).all()
    with pytest.raises(DataError, match="no election '2000'"):
        change_by_district(fit, elections, "2000", "2017")
    tree = fit.tree.copy()
    tree["posterior"] = xr.DataTree(tree["posterior"].to_dataset().drop_vars("slope"))
    with pytest.raises(DataError, match="does not vary over the map"):
        slopes_by_district(replace(fit, tree=tree), elections)


def verdicts(fit, elections) -> dict[str, str]:
    return {one.name: one.verdict for one in elections_review(fit, elections, seed=1)}


def test_review_passes_a_sound_fit_and_finds_planted_faults(fit, made):
    elections = made.elections
    sound = verdicts(fit, elections)
    assert set(sound.values()) == {"pass"}
    told = {**fit.record, "drawn": {**fit.record["drawn"], "k_hat": 1.2, "effective_points": 5.0}}
    weak = verdicts(replace(fit, record=told), elections)
    assert weak["elections_k_hat"] == weak["elections_points"] == "fail"
    # What is left of eta is moved by a gradient over the map: neighbours become alike.
    west = elections.places.geometry.centroid.x.to_numpy()[elections.district]
    off = 0.3 * (west - west.mean()) / west.std()
    tilted = altered(fit, eta=fit.tree["posterior"]["eta"].to_numpy() + off.astype(np.float32))
    assert verdicts(tilted, elections)["elections_moran"] == "fail"
    # Effects of one election are taken away: its votes scatter more than the model has it.
    change = fit.tree["posterior"]["change"].to_numpy().copy()
    change[:, :, 2] += np.random.default_rng(1).normal(0, 0.6, 26)
    assert verdicts(altered(fit, change=change), elections)["elections_spread"] == "warn"


def test_review_of_chains_tells_where_they_disagree(fit, made):
    rng = np.random.default_rng(2)
    posterior = fit.tree["posterior"].to_dataset()
    arrays = {
        name: (one.dims, rng.normal(size=(4, 300, *one.shape[2:])).astype(np.float32) * 0.01 + 0.3)
        for name, one in posterior.data_vars.items()
    }
    # One chain elsewhere.
    arrays["rho"][1][3] += 0.2
    tree = fit.tree.copy()
    coords = {name: posterior.coords[name] for name in ("election", "district", "coefficient")}
    tree["posterior"] = xr.DataTree(xr.Dataset(arrays, coords=coords))
    drawn = {"accepted_jumps": 0.5, "accepted_walks": 0.3, "accepted_fields": 0.4}
    record = {**fit.record, "engine": "metropolis", "drawn": drawn}
    checks = {
        one.name: one for one in elections_review(replace(fit, tree=tree, record=record), made.elections)
    }
    assert checks["elections_r_hat"].verdict == "fail"
    assert checks["elections_r_hat"].statistic == "largest R-hat (rho)"
    assert checks["elections_ess"].verdict == "fail"


def test_a_fit_of_other_elections_is_refused(fit):
    other = simulate_elections(22, 26, islands=1).elections
    for ask in (elections_review, effect_path, variance_parts, slopes_by_district):
        with pytest.raises(FitError, match="data differ"):
            ask(fit, other)


def test_page_tells_path_change_and_caveats(fit, made, tmp_path):
    elections = made.elections
    checks = elections_review(fit, elections)
    sheet = elections_sheet(fit, elections, checks, title="Five <elections>")
    text = write_sheet(sheet, tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Five &lt;elections&gt;" in text
    assert "<elections>" not in text
    for words in ("How did the effect change", "Does the effect differ over the map?", "not persons", "2017"):
        assert words in text
    assert text.count("data:image/png") == 6
