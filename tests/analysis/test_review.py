import json
import math

import numpy as np
import pytest

from spatialvote.analysis.checks.case import Case
from spatialvote.analysis.checks.check import Check, plain, worst
from spatialvote.analysis.review import Review, review
from spatialvote.data.districts import Districts
from spatialvote.data.errors import FitError, ModelError
from spatialvote.data.neighbours import graph_from_edges
from spatialvote.models.fit import Fit
from spatialvote.models.vote_share import VoteShareModel


@pytest.fixture(scope="module")
def sound(fits, districts) -> Review:
    return review(fits("bym2"), districts)


def check(name: str, verdict: str, value: float = 1.0) -> Check:
    return Check(name, "Why?", "a number", value, "1", verdict, "Do this.")


def test_a_sound_fit_passes(sound, districts):
    assert sound.verdict == "pass"
    counts = {one: sum(check.verdict == one for check in sound.checks) for one in ("pass", "info")}
    assert repr(sound) == f"Review(pass: {counts['pass']} pass, {counts['info']} info)"
    assert sound.fingerprints == districts.fingerprint


def test_every_check_says_everything(sound):
    assert len({one.name for one in sound.checks}) == len(sound.checks)
    for one in sound.checks:
        assert one.question.endswith("?")
        assert one.advice.endswith(".")
        assert one.advice[0].isupper()
        assert one.statistic
        assert one.threshold


def test_faults_in_a_fit_are_the_worst_verdict(fits, districts):
    found = review(fits("iid"), districts)
    assert found.verdict == "fail"
    failed = {one.name for one in found.checks if one.verdict == "fail"}
    # Everything that failed asks of space.
    assert {"moran_residual", "geary_residual"} <= failed
    assert failed <= {"moran_residual", "geary_residual", "predictive_moran", "predictive_geary", "variogram"}


def test_poisson(counts):
    fit = VoteShareModel("pvv ~ migrants", family="poisson").fit(counts, seed=5, progress=False)
    found = review(fit, counts)
    assert not [one.name for one in found.checks if one.verdict == "fail"]


def test_same_seed_same_review(fits, districts, sound):
    assert review(fits("bym2"), districts).checks == sound.checks
    other = review(fits("bym2"), districts, seed=1)
    assert other["moran_residual"].value != sound["moran_residual"].value
    assert other["r_hat"] == sound["r_hat"]


def test_json_gives_the_same_review(sound):
    text = sound.to_json()
    assert Review.from_json(text) == sound
    assert "NaN" not in text
    assert json.loads(text)["verdict"] == "pass"


def test_values_that_are_not_finite_survive_json():
    found = Review((check("a", "fail", math.nan),), "2026-01-01T00:00:00+00:00", {})
    again = Review.from_json(found.to_json())
    assert math.isnan(again["a"].value)
    assert again.verdict == "fail"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"checks": [{"name": "a"}]}', "<html>"])
def test_what_is_no_review(text):
    with pytest.raises(FitError, match=r"this is not a review .* give the JSON file"):
        Review.from_json(text)


def test_a_review_whose_verdict_was_changed(fits, districts):
    text = review(fits("iid"), districts).to_json()
    with pytest.raises(FitError, match="says 'pass', its checks say 'fail'"):
        Review.from_json(text.replace('"verdict": "fail",\n "checks"', '"verdict": "pass",\n "checks"'))


def test_to_frame(sound):
    frame = sound.to_frame()
    assert list(frame.columns) == ["question", "statistic", "value", "threshold", "verdict", "advice"]
    assert frame.loc["r_hat", "value"] == sound["r_hat"].value


def test_unknown_check_and_verdict(sound):
    with pytest.raises(KeyError, match="moran_of_nothing"):
        sound["moran_of_nothing"]
    with pytest.raises(ValueError, match="verdict 'good' is not one of"):
        check("a", "good")


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [([], "pass"), (["info"], "pass"), (["warn", "info"], "warn"), (["pass", "fail", "warn"], "fail")],
)
def test_worst(verdicts, expected):
    assert worst(verdicts) == expected
    assert Review(tuple(check(str(k), v) for k, v in enumerate(verdicts)), "", {}).verdict == expected


def test_plain():
    found = plain({"a": np.arange(2), "b": (1.5, np.nan), 3: np.float32(0.5), "c": {"d": np.bool_(True)}})
    assert found == {"a": [0, 1], "b": [1.5, None], "3": 0.5, "c": {"d": True}}
    with pytest.raises(TypeError, match="not JSON serializable"):
        plain({"a": object()})


def test_permuted_rows_are_refused(fits, districts):
    order = np.random.default_rng(0).permutation(districts.n)
    place = np.argsort(order)
    i, j, _ = districts.edges
    table = districts.table.iloc[order]
    moved = Districts(
        table,
        districts.roles,
        graph_from_edges(list(table.index), place[i], place[j]),
        districts.graph_report,
        districts.about,
    )
    with pytest.raises(FitError, match=r"same ids in a different order \(\d+ stand elsewhere: 'D000'"):
        review(fits("bym2"), moved)


def test_other_districts_are_refused(fits, counts):
    with pytest.raises(
        FitError, match=r"146 ids are only in the fit .*\n.*100 ids are only in the districts"
    ):
        review(fits("bym2"), counts)


def test_an_incomplete_fit_is_refused_with_all_that_is_missing(fits, districts):
    fit = fits("bym2")
    tree = fit.tree.copy()
    del tree["sample_stats"]
    tree["posterior"] = tree["posterior"].to_dataset().drop_vars("phi")
    with pytest.raises(FitError, match=r"lacks 'phi'.*\n.*lacks group 'sample_stats'"):
        review(Fit(tree, fit.model, fit.record), districts)


def test_a_fit_without_fingerprints_is_refused(fits, districts):
    record = {name: value for name, value in fits("none").record.items() if name != "fingerprints"}
    with pytest.raises(FitError, match="record lacks 'fingerprints': ask for the file"):
        review(Fit(fits("none").tree, fits("none").model, record), districts)


def test_draws_that_are_no_numbers_are_refused(fits, districts, tampered):
    def spoil(eta: np.ndarray) -> None:
        eta[0, 3, 4] = np.nan

    with pytest.raises(FitError, match="1 draws of 'eta' are not finite numbers"):
        review(tampered(fits("bym2"), "posterior", "eta", spoil), districts)


def test_a_model_of_another_party_is_refused(fits, districts):
    fit = fits("none")
    other = Fit(fit.tree, VoteShareModel("denk ~ migrants + income", structure="none"), fit.record)
    with pytest.raises(ModelError, match="party 'denk', which has no votes"):
        review(other, districts)


def test_refits_are_run_only_when_asked_for(fits, districts, sound, monkeypatch):
    told = []

    class Refit:
        """A check that fits again."""

        def run(self, case: Case) -> tuple[Check, ...]:
            case.common.progress("other models", 1, 1)
            return (check("other_models", "info", case.rng.random()),)

    monkeypatch.setattr("spatialvote.analysis.review.REFITS", (Refit(),))
    assert "other_models" not in review(fits("bym2"), districts).to_frame().index
    found = review(fits("bym2"), districts, refits=True, progress=lambda *values: told.append(values))
    # The checks that are always run come to the same with refits and without.
    assert found.checks[:-1] == sound.checks
    assert found.checks[-1].name == "other_models"
    assert told == [("other models", 1, 1)]
    assert (sound.refits, found.refits) == (False, True)
    assert Review.from_json(found.to_json()) == found


def test_a_review_of_a_version_without_refits(sound):
    values = json.loads(sound.to_json())
    del values["refits"]
    assert Review.from_json(json.dumps(values)) == sound
