"""The store of draws: what is read is what was written, and what does not belong is refused."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import zarr

from spatialvote.data.errors import FitError, ModelError
from spatialvote.data.simulate import simulate_city
from spatialvote.models.draw_store import DrawStore, count_draws, open_store, remove_store
from spatialvote.models.fit import Fit
from spatialvote.models.stored_draws import STATISTICS, StoredRun
from spatialvote.models.vote_share import VoteShareModel

CITY = simulate_city(seed=2, n_districts=30).districts
MODEL = VoteShareModel("national_list ~ migrant_share")
#: 37 draws do not fill the files of 16 that nutpie writes.
FEW = {"seed": 4, "draws": 37, "tune": 60, "chains": 3, "cores": 2, "progress": False}
BELONGS = {"model": {"formula": "a ~ b"}, "data": "d", "graph": "g", "settings": {"chains": 3}, "seed": 4}


@pytest.fixture(scope="module")
def stored(tmp_path_factory) -> tuple[Path, Fit]:
    """A store and the fit whose draws it holds."""
    folder = tmp_path_factory.mktemp("fit") / "draws"
    return folder, MODEL.fit(CITY, store=folder, **FEW)


@pytest.fixture
def copied(stored, tmp_path) -> Path:
    """A copy of the store, to be changed."""
    folder = tmp_path / "draws"
    for path in stored[0].rglob("*"):
        if path.is_file():
            copy = folder / path.relative_to(stored[0])
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    return folder


def _cut(folder: Path, kept: tuple[int, ...]) -> None:
    """Leave the first draws of each chain, as a kill does."""
    for chain, draws in enumerate(kept):
        DrawStore(folder, 3).run(chain, 0).mark(draws)


def _same(one: Fit, other: Fit) -> bool:
    return all(one.tree[group].equals(other.tree[group]) for group in ("posterior", "sample_stats"))


def test_a_fit_is_the_same_with_a_store_and_without(stored):
    assert _same(stored[1], MODEL.fit(CITY, **FEW))


def test_the_store_is_read_as_zarr_reads_it(stored):
    run = DrawStore(stored[0], 3).run(1, 0)
    read = run.read()
    theirs = zarr.open_group(run.folder, mode="r")
    assert len(read) == 37
    np.testing.assert_array_equal(read.point, theirs["posterior/point"][0])
    for name in STATISTICS:
        np.testing.assert_array_equal(read.statistics[name], theirs["sample_stats"][name][0])


def test_a_complete_store_gives_the_fit_again_without_sampling(stored, monkeypatch):
    monkeypatch.setattr("spatialvote.models.light_nutpie.nutpie.sample", None)
    again = MODEL.fit(CITY, store=stored[0], resume=True, **FEW)
    assert _same(stored[1], again)
    assert again.record["resumed"] == {"kept": [37, 37, 37], "added": [0, 0, 0]}


def test_kept_draws_stay_and_a_chain_that_has_none_starts_anew(stored, copied):
    _cut(copied, (37, 20, 0))
    resumed = MODEL.fit(CITY, store=copied, resume=True, **FEW)
    assert resumed.record["resumed"] == {"kept": [37, 20, 0], "added": [0, 17, 37]}
    assert DrawStore(copied, 3).kept() == [37, 37, 37]
    for name in ("sigma", "rho", "eta"):
        before, after = (fit.tree["posterior"][name].to_numpy() for fit in (stored[1], resumed))
        np.testing.assert_array_equal(after[0], before[0])
        np.testing.assert_array_equal(after[1, :20], before[1, :20])
        # Its seed is that of the first time: it gives the draws that the interruption prevented.
        np.testing.assert_array_equal(after[2], before[2])
        # After another warm-up a chain goes another way.
        assert not np.array_equal(after[1, 20:], before[1, 20:])


def test_a_second_interruption_is_gone_on_with_like_the_first(stored, copied):
    _cut(copied, (37, 20, 37))
    MODEL.fit(CITY, store=copied, resume=True, **FEW)
    DrawStore(copied, 3).run(1, 20).mark(9)
    resumed = MODEL.fit(CITY, store=copied, resume=True, **FEW)
    assert resumed.record["resumed"] == {"kept": [37, 29, 37], "added": [0, 8, 0]}


@pytest.mark.parametrize(
    ("kept", "chains", "draws"), [((37, 30, 2), 2, 30), ((37, 5, 0), 1, 37), ((20, 20, 19), 3, 19)]
)
def test_a_partial_fit_takes_what_leaves_most_draws(kept, chains, draws, stored, copied):
    _cut(copied, kept)
    fit = MODEL.fit(CITY, store=copied, resume="partial", **FEW)
    assert fit.record["interrupted"] == {"drawn": list(kept), "chains": chains, "draws": draws}
    np.testing.assert_array_equal(
        fit.tree["posterior"]["eta"], stored[1].tree["posterior"]["eta"][:chains, :draws]
    )
    assert DrawStore(copied, 3).kept() == list(kept)


def test_a_partial_fit_of_hardly_any_draws_is_refused(copied):
    _cut(copied, (3, 2, 0))
    with pytest.raises(FitError, match=r"longest chain has 3 draws, and a fit needs 4: go on with --resume"):
        MODEL.fit(CITY, store=copied, resume="partial", **FEW)


def test_draws_are_not_overwritten_unasked(copied):
    _cut(copied, (37, 20, 0))
    with pytest.raises(FitError, match=r"holds 57 draws of an interrupted fit: go on with --resume"):
        MODEL.fit(CITY, store=copied, **FEW)
    assert count_draws(copied) == 57


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"model": replace(MODEL, structure="iid")}, "model"),
        ({"districts": simulate_city(seed=3, n_districts=30).districts}, "data"),
        ({"seed": 5}, "seed"),
        ({"draws": 38}, "settings"),
    ],
)
def test_draws_of_another_fit_are_refused(changed, named, copied):
    asked = {"model": MODEL, "districts": CITY, **FEW, **changed}
    model = asked.pop("model")
    with pytest.raises(FitError, match=rf"the 111 draws in '.*' belong to another fit: another '{named}'"):
        model.fit(store=copied, resume=True, **asked)


def test_cores_may_change(copied):
    assert MODEL.fit(CITY, store=copied, resume=True, **{**FEW, "cores": 1}).record["settings"]["cores"] == 1


def test_what_was_interrupted_in_its_warm_up_is_no_hindrance(tmp_path):
    folder = tmp_path / "draws"
    open_store(folder, BELONGS, False)
    open_store(folder, BELONGS | {"seed": 5}, False)
    assert json.loads((folder / "manifest.json").read_text())["seed"] == 5


def test_nothing_to_take_is_told(tmp_path):
    folder = tmp_path / "draws"
    with pytest.raises(FitError, match=r"holds no draws of an interrupted fit"):
        open_store(folder, BELONGS, "partial")
    open_store(folder, BELONGS, True)
    with pytest.raises(FitError, match=r"holds no draws of an interrupted fit"):
        open_store(folder, BELONGS, "partial")


def test_a_folder_of_something_else_is_neither_used_nor_deleted(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    for resume in (False, True, "partial"):
        with pytest.raises(FitError, match=r"has no manifest: it is not a folder of draws"):
            open_store(tmp_path, BELONGS, resume)
    with pytest.raises(FitError, match=r"has no manifest"):
        remove_store(tmp_path)
    with pytest.raises(FitError, match=r"has no manifest"):
        count_draws(tmp_path / "thesis.tex")
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"layout": 1}'])
def test_a_damaged_manifest_is_told(text, copied):
    (copied / "manifest.json").write_text(text)
    with pytest.raises(FitError, match=r"manifest\.json' is damaged, so nobody can say .*: --restart"):
        open_store(copied, BELONGS, True)
    remove_store(copied)
    assert not copied.exists()


def test_a_store_of_another_layout_is_told(copied):
    (copied / "manifest.json").write_text(json.dumps({"layout": 99, **BELONGS}))
    with pytest.raises(FitError, match=r"have layout 99, this version reads 1"):
        open_store(copied, BELONGS, True)


def test_a_part_of_a_manifest_is_no_store(tmp_path):
    (tmp_path / ".manifest-12.part.json").write_text("{")
    assert open_store(tmp_path, BELONGS, False).kept() == [0, 0, 0]


@pytest.mark.parametrize("damage", ["cut", "missing", "marker", "too many"])
def test_damaged_draws_are_told(damage, copied):
    run = DrawStore(copied, 3).run(0, 0)
    files = sorted((run.folder / "posterior" / "point" / "c").rglob("*"))
    if damage == "cut":
        files[-1].write_bytes(files[-1].read_bytes()[:20])
    elif damage == "missing":
        files[-1].unlink()
    elif damage == "marker":
        run.folder.with_name("from-0.json").write_text("{")
    else:
        run.mark(99)
    with pytest.raises(
        FitError, match=r"stored draws in '.*from-0.*' cannot be read .*: start anew: --restart"
    ):
        run.read()


def test_a_run_without_a_marker_holds_nothing(tmp_path):
    assert StoredRun(tmp_path / "from-0").complete == 0


def test_going_on_needs_a_store():
    with pytest.raises(ModelError, match=r"no store is given to go on with: pass store="):
        MODEL.fit(CITY, resume=True, **FEW)


@pytest.mark.slow
def test_levels_and_a_varying_slope_are_gone_on_with(tmp_path):
    """Draws of latent terms: kept ones stay, a whole store gives the fit again, a part a partial one."""
    model = VoteShareModel(
        "national_list ~ migrant_share + income + (1 + migrant_share | quarter)", varying="income"
    )
    few, folder = {**FEW, "draws": 20, "chains": 2}, tmp_path / "draws"
    whole = model.fit(CITY, store=folder, **few)
    assert _same(whole, model.fit(CITY, store=folder, resume=True, **few))
    DrawStore(folder, 2).run(1, 0).mark(12)
    partial = model.fit(CITY, store=folder, resume="partial", **few)
    assert partial.record["interrupted"] == {"drawn": [20, 12], "chains": 2, "draws": 12}
    resumed = model.fit(CITY, store=folder, resume=True, **few)
    assert resumed.record["resumed"] == {"kept": [20, 12], "added": [0, 8]}
    for name in ("sigma", "cor_migrant_share|quarter", "sigma_slope", "eta"):
        before, after = (fit.tree["posterior"][name].to_numpy() for fit in (whole, resumed))
        np.testing.assert_array_equal(after[0], before[0])
        np.testing.assert_array_equal(after[1, :12], before[1, :12])
        np.testing.assert_array_equal(partial.tree["posterior"][name].to_numpy(), before[:, :12])
        assert not np.array_equal(after[1, 12:], before[1, 12:])
    # Effects and slopes are drawn given eta.
    quarters = CITY.table["quarter"].nunique()
    assert resumed.draws("effect_migrant_share|quarter").shape == (40, quarters)
    assert resumed.draws("slope").shape == (40, CITY.n)
