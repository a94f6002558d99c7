"""A run that is killed loses nothing that it had drawn: it is gone on with, or reported as it is."""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import arviz as az
import numpy as np
import pytest

from spatialvote.models.centring import centre
from spatialvote.models.draw_store import DrawStore, count_draws
from spatialvote.models.fit import Fit
from spatialvote.models.nuts import NutsSettings, arrange
from spatialvote.models.stored_draws import Draws
from spatialvote.run import load_districts
from spatialvote.study import load_study

pytestmark = pytest.mark.slow

STUDY = """\
[study]
title = "A small city"
question = "Is the vote for the national list lower where more migrants live?"
seed = 3
output = "results"

[data]
simulate = { n_districts = 60, seed = 5 }

[model]
formula = "national_list ~ migrant_share + income"

[engine]
draws = 3000
tune = 400
chains = 4
cores = 2
"""


def _start(folder: Path, *arguments: str) -> subprocess.Popen:
    command = [sys.executable, "-u", "-m", "spatialvote", "fit", str(folder / "city.toml"), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _wait_for(running: subprocess.Popen, draws: int, store: Path) -> None:
    """Wait until some draws are on disk."""
    limit = time.monotonic() + 300
    while not (store / "manifest.json").is_file() or count_draws(store) < draws:
        if running.poll() is not None:
            pytest.fail(f"the run ended before it had {draws} draws: {running.communicate()}")
        assert time.monotonic() < limit
        time.sleep(0.01)


def _killed(folder: Path, draws: int, *arguments: str) -> tuple[list[Draws | None], list[Draws | None]]:
    """Draws on disk just before and after a run is killed that holds at least so many."""
    store = DrawStore(folder / "results" / "draws", 4)
    with _start(folder, *arguments) as running:
        _wait_for(running, draws, store.folder)
        before = [store.read(chain) for chain in range(4)]
        running.kill()
    assert running.returncode == -signal.SIGKILL
    return before, [store.read(chain) for chain in range(4)]


@pytest.fixture(scope="module")
def killed(tmp_path_factory) -> tuple[Path, list, list]:
    """Folder of a study whose run was killed, with what was on disk before and after."""
    folder = tmp_path_factory.mktemp("killed")
    (folder / "city.toml").write_text(STUDY)
    return folder, *_killed(folder, 1000)


@pytest.fixture
def copied(killed, tmp_path) -> Path:
    """A copy of the folder, to be changed."""
    return Path(shutil.copytree(killed[0], tmp_path / "copy"))


def _names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


def _held(folder: Path) -> list[int]:
    return DrawStore(folder / "results" / "draws", 4).kept()


def _agree(one: Fit, other: Fit) -> None:
    """Posterior means agree within four standard errors of their difference."""
    for name in ("intercept", "beta", "sigma", "rho"):
        drawn = [fit.tree["posterior"].to_dataset()[[name]] for fit in (one, other)]
        means = [one[name].mean(("chain", "draw")).to_numpy() for one in drawn]
        errors = [az.mcse(one)[name].to_numpy() for one in drawn]
        np.testing.assert_array_less(np.abs(means[0] - means[1]), 4 * np.hypot(*errors))


def test_all_that_was_on_disk_before_the_kill_is_there_after_it(killed):
    folder, before, after = killed
    assert sum(map(len, filter(None, before))) >= 1000
    for early, late in zip(before, after, strict=True):
        if early is not None:
            assert late is not None
            np.testing.assert_array_equal(late.first(len(early)).point, early.point)
    assert _names(folder / "results") == ["draws"]


def test_resuming_keeps_the_draws_and_gives_the_same_posterior(killed, copied, call):
    called = call("fit", copied / "city.toml", "--resume")
    assert called.code == 0, called.err
    resumed = Fit.load(copied / "results" / "fit.nc")
    kept = resumed.record["resumed"]["kept"]
    assert kept == [0 if one is None else len(one) for one in killed[2]]
    assert resumed.record["resumed"]["added"] == [3000 - one for one in kept]
    assert (
        f"4 chains of 3000 draws, saved to {copied / 'results' / 'fit.nc'}; {sum(kept):,} draws kept"
        in called.out
    )
    study = load_study(copied / "city.toml")
    posterior, _ = study.model().posterior(load_districts(study).districts)
    centring = centre(posterior, NutsSettings().parametrisation)
    for chain, drawn in enumerate(killed[2]):
        if drawn is not None:
            for name, values in arrange(posterior, centring, [drawn])[0].items():
                held = resumed.tree["posterior"][name].to_numpy()[chain, : len(drawn)]
                # Values per district are kept in single precision.
                np.testing.assert_array_equal(held, values[0].astype(held.dtype))
    # Draws are gone once the fit is saved, and nothing half-written is left.
    assert _names(copied / "results") == ["fit.nc", "truth.json"]
    again = copied / "whole"
    again.mkdir()
    (again / "city.toml").write_text(STUDY)
    assert call("fit", again / "city.toml").code == 0
    whole = Fit.load(again / "results" / "fit.nc")
    assert "resumed" not in whole.record
    _agree(resumed, whole)


def test_a_resumed_run_may_be_killed_too(copied):
    first = _held(copied)
    before, after = _killed(copied, sum(first) + 500, "--resume")
    assert sum(map(len, filter(None, after))) >= sum(map(len, filter(None, before))) >= sum(first) + 500
    assert all(now >= then for now, then in zip(_held(copied), first, strict=True))


def test_the_draws_of_a_killed_run_are_reported_as_they_are(copied, call):
    held = _held(copied)
    called = call("run", copied / "city.toml", "--partial")
    assert called.code in (0, 1), called.err
    assert f"of {sum(held):,} draws of an unfinished fit" in called.out
    assert _names(copied / "results") == ["draws", "fit.nc", "report.html", "review.json", "truth.json"]
    interrupted = Fit.load(copied / "results" / "fit.nc").record["interrupted"]
    assert interrupted["drawn"] == held == _held(copied)


def test_a_run_does_not_overwrite_draws_unasked(copied, call):
    held = _held(copied)
    called = call("fit", copied / "city.toml")
    assert called.code == 2
    assert f"holds {sum(held):,} draws of an interrupted fit: go on with --resume" in called.err
    assert "--restart" in called.err
    assert _held(copied) == held


def test_restarting_discards_the_draws(copied, call):
    (copied / "city.toml").write_text(STUDY.replace("draws = 3000", "draws = 50"))
    assert call("fit", copied / "city.toml", "--restart").code == 0
    assert Fit.load(copied / "results" / "fit.nc").tree["posterior"].sizes["draw"] == 50


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("seed = 5", "seed = 6", "data"),
        ("+ income", "", "model"),
        ("seed = 3", "seed = 4", "seed"),
        ("draws = 3000", "draws = 3001", "settings"),
    ],
)
def test_draws_of_another_study_are_refused(old, new, named, copied, call):
    (copied / "city.toml").write_text(STUDY.replace(old, new))
    called = call("fit", copied / "city.toml", "--resume")
    assert called.code == 2
    assert f"belong to another fit: another '{named}'" in called.err
    assert called.err.count("\n") == 1


@pytest.mark.parametrize("damage", ["missing", "damaged"])
def test_a_store_without_a_sound_manifest_is_refused(damage, copied, call):
    manifest = copied / "results" / "draws" / "manifest.json"
    if damage == "missing":
        manifest.unlink()
    else:
        manifest.write_text(manifest.read_text()[:50])
    called = call("fit", copied / "city.toml", "--resume")
    assert called.code == 2
    assert {"missing": "has no manifest", "damaged": "is damaged"}[damage] in called.err
    assert called.err.count("\n") == 1


def test_resuming_where_nothing_is_starts(tmp_path, call):
    (tmp_path / "city.toml").write_text(STUDY.replace("draws = 3000", "draws = 50"))
    assert call("fit", tmp_path / "city.toml", "--resume").code == 0
    assert _names(tmp_path / "results") == ["fit.nc", "truth.json"]


def test_an_interrupt_keeps_the_draws_and_tells_how_to_go_on(tmp_path):
    (tmp_path / "city.toml").write_text(STUDY.replace("draws = 3000", "draws = 500000"))
    store = tmp_path / "results" / "draws"
    with _start(tmp_path) as running:
        _wait_for(running, 100, store)
        # While numba loads compiled code, an interrupt can end in a C callback and be lost: press again.
        for _ in range(12):
            running.send_signal(signal.SIGINT)
            try:
                _, told = running.communicate(timeout=5)
                break
            except subprocess.TimeoutExpired:
                continue
        else:
            running.kill()
            pytest.fail("twelve interrupts within a minute did not end the run")
    assert running.returncode == 130
    kept = count_draws(store)
    assert kept >= 100
    assert told.startswith(f"spatialvote: interrupted; {kept:,} draws are kept in {store}: ")
    assert "--resume" in told
    assert told.count("\n") == 1
    assert sum(len(one) for chain in range(4) if (one := DrawStore(store, 4).read(chain))) == kept
