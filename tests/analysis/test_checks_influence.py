"""Whether single districts decide: of a sound fit, of few draws, and of planted outliers."""

import numpy as np
import pytest

from spatialvote.analysis.checks import influence, without_worst
from spatialvote.analysis.checks.case import Case
from spatialvote.models.fit import Fit
from spatialvote.models.vote_share import VoteShareModel

FORMULA = "pvv ~ migrants + income"


def case(fit, districts):
    return Case.of(fit, districts, np.random.default_rng(1))


@pytest.fixture(scope="module")
def sound(districts):
    return VoteShareModel(FORMULA).fit(districts, "laplace", seed=2, progress=False)


def test_a_sound_fit_passes(sound, districts):
    (check,) = influence.run(case(sound, districts))
    assert (check.name, check.verdict) == ("pareto_k", "pass")
    assert check.value <= 0.05
    # Ordinary weights would have called most districts influential.
    assert check.details["before"] > 0.5
    assert len(check.details["k"]) == districts.n
    assert len(check.details["worst"]) == influence.WORST


def test_outliers_without_an_effect_to_take_them_decide(altered):
    """Ten districts of 146 vote otherwise, and the model has no effect of districts."""

    def change(table):
        column = table.columns.get_loc("pvv")
        table.iloc[:10, column] = (0.9 * table["valid"].iloc[:10]).astype(int)

    districts = altered(change)
    fit = VoteShareModel(FORMULA, structure="none").fit(districts, "laplace", seed=2, progress=False)
    (check,) = influence.run(case(fit, districts))
    assert check.verdict == "warn"
    assert "compare by blocks" in check.advice
    (refit,) = without_worst.run(case(fit, districts))
    assert refit.verdict == "warn"
    assert refit.value > 1
    assert set(refit.details["districts"]) <= set(districts.ids)


def test_without_the_worst_of_a_sound_fit_little_moves(sound, districts):
    (check,) = without_worst.run(case(sound, districts))
    assert [one["name"] for one in check.details["moves"]] == ["effect of migrants", "sigma", "rho"]
    for one in check.details["moves"]:
        assert one["moved"] == pytest.approx((one["without"] - one["full"]) / one["sd"])
    assert check.details["districts"] == influence.run(case(sound, districts))[0].details["worst"][:5]
    assert check.value < 1.5


def test_few_draws_are_left_to_convergence(sound, districts):
    short = Fit(sound.tree.isel(draw=slice(0, 50)), sound.model, sound.record)
    assert influence.run(case(short, districts)) == ()
    assert without_worst.run(case(short, districts)) == ()
