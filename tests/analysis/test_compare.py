"""Comparisons: paired differences, stacking, blocks in the limit of one district, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from spatialvote.analysis.compare import Block, compare, score_block
from spatialvote.analysis.refit import K_HAT
from spatialvote.data.errors import FitError, ModelError
from spatialvote.data.neighbours import graph_from_edges, report_graph
from spatialvote.data.simulate import simulate_city
from spatialvote.models.vote_share import VoteShareModel


@pytest.fixture(scope="module")
def city():
    return simulate_city(n_districts=60, seed=2).districts


@pytest.fixture(scope="module")
def three(city):
    party, column = next(iter(city.roles.votes)), city.roles.migrants
    return {
        structure: VoteShareModel(f"{party} ~ {column}", structure=structure).fit(
            city, "laplace", seed=4, draws=2000, progress=False
        )
        for structure in ("none", "iid", "bym2")
    }


def test_a_model_without_effects_is_far_behind(three, city):
    found = compare(three, city)
    frame = found.to_frame()
    assert found.names[2] == "none"
    assert not frame.loc["none", "within_noise"]
    assert frame.loc["none", "difference"] < -two_errors(frame)
    assert frame.iloc[0]["difference"] == frame.iloc[0]["difference_error"] == 0
    apart = found.elpd[2] - found.elpd[0]
    assert frame.loc["none", "difference_error"] == pytest.approx(np.sqrt(city.n * apart.var(ddof=1)))
    assert frame["weight"].sum() == pytest.approx(1)
    assert "exchangeable" in str(found)


def two_errors(frame):
    return 2 * frame.loc["none", "difference_error"]


def test_two_fits_of_one_model_are_within_noise(three, city):
    again = three["bym2"].model.fit(city, "laplace", seed=9, draws=2000, progress=False)
    found = compare({"one": three["bym2"], "other": again}, city)
    assert found.within_noise.all()
    assert "cannot be told from" in found.warnings[0]


def test_blocks_of_one_district_are_leave_one_out(three, city):
    """Refits against importance weights: four Monte Carlo errors of the sum, about 0.02 a district."""
    pair = {name: three[name] for name in ("iid", "bym2")}
    by_loo = compare(pair, city)
    by_refits = compare(pair, city, by="blocks", blocks=city.n, buffer=0, cores=1)
    for name in pair:
        one = by_loo.elpd[by_loo.names.index(name)]
        two = by_refits.elpd[by_refits.names.index(name)]
        np.testing.assert_allclose(one, two, atol=0.3)
        assert one.sum() == pytest.approx(two.sum(), abs=4 * 0.03 * np.sqrt(city.n))


def test_blocks_are_harder_to_predict_than_single_districts(three, city):
    pair = {name: three[name] for name in ("iid", "bym2")}
    found = compare(pair, city, by="blocks", blocks=5, buffer=1, cores=1)
    assert np.isfinite(found.elpd).all()
    assert found.fold is not None
    assert np.unique(found.fold).size == 5
    by_loo = compare(pair, city).to_frame()["elpd"]
    assert found.to_frame()["elpd"]["bym2"] < by_loo["bym2"]
    assert str(found).startswith("5 spatial blocks with a buffer of 1")


def test_refits_that_nothing_vouches_for_are_told(three, city):
    pair = {name: three[name] for name in ("iid", "bym2")}
    found = compare(pair, city, by="blocks", blocks=3, buffer=1, cores=1)
    assert found.unsure is not None
    assert not found.unsure.any()
    assert not any("k-hat" in one for one in found.warnings)
    unsure = np.where(np.array(found.names) == "bym2", 2, 0)
    (told,) = (one for one in replace(found, unsure=unsure).warnings if "k-hat" in one)
    assert told.startswith("'bym2' has a k-hat above 0.7 in 2 of 3 refits without a block")


def test_k_hat_of_a_refit_is_counted(three, city, monkeypatch):
    """Every refit of one model says of itself that its weights are poor."""
    fit = VoteShareModel.fit

    def poor(model, districts, *arguments, **settings):
        made = fit(model, districts, *arguments, **settings)
        k_hat = 0.9 if model.structure == "bym2" else 0.1
        return replace(made, record={**made.record, "laplace": {**made.record["laplace"], "k_hat": k_hat}})

    monkeypatch.setattr(VoteShareModel, "fit", poor)
    pair = {name: three[name] for name in ("iid", "bym2")}
    found = compare(pair, city, by="blocks", blocks=2, buffer=0, cores=1)
    assert dict(zip(found.names, found.unsure, strict=True)) == {"iid": 0, "bym2": 2}


def test_a_component_can_be_held_out_whole(districts):
    """A pair of districts that are neighbours of each other alone, both in one block."""
    i, j, _ = districts.edges
    # The two islands become neighbours of each other.
    graph = graph_from_edges(list(districts.ids), np.r_[i, 144], np.r_[j, 145])
    joined = replace(districts, graph=graph, graph_report=report_graph(graph, "rook contiguity"))
    model = VoteShareModel("pvv ~ migrants + income")
    job = Block("pair", model, joined, ("D144", "D145"), ("D144", "D145"), 3)
    scores, k_hat = score_block(job)
    # NaN where the sampler made the refit, which has no weights.
    assert not k_hat > K_HAT
    assert scores.shape == (2,)
    assert np.isfinite(scores).all()
    # Some votes of a few thousand: no density of an integer is above one, none is hopeless.
    assert ((scores < 0) & (scores > -30)).all()


def test_what_cannot_be_compared(three, city):
    with pytest.raises(ModelError, match="needs two fits or more, got 1"):
        compare({"a": three["iid"]}, city)
    with pytest.raises(ModelError) as raised:
        compare(three, city, by="waic", buffer=-1)
    assert len(raised.value.problems) == 2
    held = three["iid"].model.fit(city, "laplace", seed=1, held_out=[city.ids[0]], progress=False)
    with pytest.raises(FitError, match="'held': the fit did not see the votes in 1 district"):
        compare({"held": held, "bym2": three["bym2"]}, city)
    other = simulate_city(n_districts=60, seed=3).districts
    with pytest.raises(FitError, match=r"other votes than these|only in the fit"):
        compare(three, other)
    party = next(iter(city.roles.votes))
    logits = VoteShareModel(f"{party} ~ {city.roles.migrants}", "gaussian").fit(
        city, "laplace", seed=1, progress=False
    )
    with pytest.raises(FitError, match="'logits' predicts logits of shares"):
        compare({"bym2": three["bym2"], "logits": logits}, city)
