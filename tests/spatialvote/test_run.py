"""A small study from end to end, each step alone, and what stays when a step breaks."""

import errno
import json
import shutil
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from spatialvote.analysis.review import Review
from spatialvote.cli import main
from spatialvote.data.errors import StudyError
from spatialvote.models.fit import Fit
from spatialvote.outputs import write_aside, writing

STUDY = """\
[study]
title = "A small city"
question = "Is the vote for the national list lower where more migrants live?"
seed = 3
output = "results"

[data]
simulate = { n_districts = 40, islands = 1, seed = 5 }

[model]
formula = "national_list ~ migrant_share + income"

[engine]
draws = 500
tune = 300
chains = 4
cores = 2

[effect]
points = 5
weighting = "voters"
"""
#: Few draws: the review must not believe them.
FEW = ("draws = 500\ntune = 300\nchains = 4", "draws = 20\ntune = 20\nchains = 2")


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> tuple[Path, int, str]:
    """Folder of a study that was run, the exit code, and the account it gave."""
    folder = tmp_path_factory.mktemp("study")
    (folder / "city.toml").write_text(STUDY)
    with redirect_stdout(StringIO()) as account:
        code = main(["run", str(folder / "city.toml")])
    return folder, code, account.getvalue().rstrip("\n")


@pytest.fixture
def copied(done, tmp_path) -> Path:
    """A copy of the folder, to be changed."""
    return Path(shutil.copytree(done[0], tmp_path / "copy"))


def _names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


def test_a_run_writes_all_results_and_tells_what_it_did(done):
    folder, code, account = done
    assert _names(folder / "results") == ["fit.nc", "report.html", "review.json", "truth.json"]
    evidence = Review.from_json((folder / "results" / "review.json").read_text())
    assert code == (1 if evidence.verdict == "fail" else 0)
    assert account.startswith("A small city\nSimulating a city ...\n  Districts(Simulated city: 40 x")
    assert "Fitting national_list ~ migrant_share + income (binomial, bym2) ...\n  4 chains of 500" in account
    assert f"{len(evidence.checks)} checks: " in account
    assert f"Verdict: {evidence.verdict}." in account
    assert account.endswith("report.html")


def test_the_answer_is_told_in_the_points_and_weighting_of_the_study(done):
    _, _, account = done
    told = " ".join(account.split())
    assert "is five percentage points higher, with income held fixed" in told
    page = (done[0] / "results" / "report.html").read_text()
    assert "averaged over voters" in page
    assert "Is the vote for the national list lower where more migrants live?" in page


def test_the_saved_fit_is_that_of_the_study(done):
    fit = Fit.load(done[0] / "results" / "fit.nc")
    assert fit.record["seed"] == 3
    assert fit.record["settings"]["draws"] == 500
    assert fit.model.formula == "national_list ~ migrant_share + income"
    truth = json.loads((done[0] / "results" / "truth.json").read_text())
    assert truth["arguments"] == {"seed": 5, "n_districts": 40, "islands": 1, "second_component": False}
    assert len(truth["parties"]["national_list"]["eta"]) == 40


def test_a_fit_with_too_few_draws_leaves_with_one(tmp_path, call):
    (tmp_path / "city.toml").write_text(STUDY.replace(*FEW))
    called = call("run", tmp_path / "city.toml")
    assert called.code == 1
    assert "Verdict: fail. Do not rely on this fit before its failures are mended." in called.out
    assert "  fail: " in called.out
    assert (tmp_path / "results" / "report.html").is_file()


def test_steps_one_by_one(tmp_path, call):
    study = tmp_path / "city.toml"
    study.write_text(STUDY.replace(*FEW))
    results = tmp_path / "results"
    assert call("fit", study).code == 0
    assert _names(results) == ["fit.nc", "truth.json"]
    assert call("review", results / "fit.nc", "--data", study).code == 1
    assert _names(results) == ["fit.nc", "review.json", "truth.json"]
    elsewhere = tmp_path / "for" / "a reviewer" / "page.html"
    called = call("report", results / "fit.nc", "--data", study, "--output", elsewhere)
    assert called.code == 1
    assert called.out.endswith(f"Report: {elsewhere}\n")
    assert "truth" in elsewhere.read_text()
    assert _names(elsewhere.parent) == ["page.html", "review.json"]


def test_a_fit_of_other_districts_is_refused(copied, call):
    study = copied / "other.toml"
    study.write_text(STUDY.replace("n_districts = 40", "n_districts = 41"))
    called = call("review", copied / "results" / "fit.nc", "--data", study)
    assert called.code == 2
    assert "only in the districts ('D41')" in called.err


def test_a_fit_of_the_same_ids_and_other_votes_fails_its_review(copied, call):
    study = copied / "other.toml"
    study.write_text(STUDY.replace("seed = 5", "seed = 6"))
    called = call("review", copied / "results" / "fit.nc", "--data", study)
    assert called.code == 1
    assert "fail: " in called.out
    assert "fingerprint" in called.out


@pytest.mark.parametrize(
    ("step", "left"),
    [
        (
            "spatialvote.models.vote_share.VoteShareModel.fit",
            ["fit.nc", "report.html", "review.json", "truth.json"],
        ),
        # What was drawn stays until the fit is saved.
        ("spatialvote.models.fit.Fit.save", ["draws", "fit.nc"]),
        ("spatialvote.analysis.review.review", ["fit.nc", "truth.json"]),
        ("spatialvote.analysis.report.page.report", ["fit.nc", "review.json", "truth.json"]),
    ],
)
def test_a_step_that_breaks_leaves_nothing_half_written_and_no_page_of_another_fit(
    step, left, copied, monkeypatch
):
    (copied / "city.toml").write_text(STUDY.replace(*FEW))

    def broken(*_, **__):
        raise RuntimeError("a bug")

    monkeypatch.setattr(step, broken)
    # A bug keeps its traceback.
    with pytest.raises(RuntimeError, match="a bug"):
        main(["run", str(copied / "city.toml")])
    assert _names(copied / "results") == left
    Fit.load(copied / "results" / "fit.nc")


def test_interruption_leaves_with_130(copied, monkeypatch, call):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("spatialvote.analysis.review.review", interrupted)
    (copied / "city.toml").write_text(STUDY.replace(*FEW))
    called = call("run", copied / "city.toml")
    assert called.code == 130
    assert called.err == "spatialvote: interrupted; what was complete is kept\n"


def test_a_file_where_the_output_should_be_is_told_before_anything_is_read(tmp_path, call):
    (tmp_path / "city.toml").write_text(STUDY)
    (tmp_path / "results").write_text("in the way")
    called = call("run", tmp_path / "city.toml")
    assert called.code == 2
    assert "cannot write '" in called.err
    assert "choose another output" in called.err
    assert "Simulating" not in called.out


def test_a_full_disk_leaves_no_part_of_a_file(tmp_path):
    def fill(path: Path) -> None:
        path.write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(
        StudyError, match=r"cannot write '.*page\.html' \(No space left on device\): make room"
    ):
        write_aside(tmp_path / "page.html", fill)
    assert _names(tmp_path) == []


def test_a_missing_file_of_our_own_is_a_bug_and_no_message(tmp_path):
    with pytest.raises(FileNotFoundError), writing(tmp_path):
        (tmp_path / "template").read_text()


def test_an_older_file_stays_until_the_new_one_is_complete(tmp_path):
    path = tmp_path / "review.json"
    path.write_text("old")

    def check(aside: Path) -> None:
        aside.write_text("new")
        assert path.read_text() == "old"

    write_aside(path, check)
    assert path.read_text() == "new"
    assert _names(tmp_path) == ["review.json"]
