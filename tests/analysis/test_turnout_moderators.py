"""Gaps that go with what is known of areas: a known truth is found, and few areas are said to be few."""

import numpy as np
import pandas as pd
import pytest

from spatialvote.analysis.turnout_moderators import (
    Refits,
    moderated_gap,
    refit,
    slope_draws,
    typical_gap,
    without_area,
)
from spatialvote.data.errors import DataError, ModelError
from spatialvote.data.turnout_moderators import join_moderators, read_moderators
from spatialvote.data.turnout_simulate import simulate_register, write_register
from spatialvote.models.turnout.fit import TurnoutFit
from spatialvote.models.turnout.model import TurnoutModel
from spatialvote.models.turnout.posterior import TurnoutPosterior

TRUTH = 0.4
MODEL = TurnoutModel(moderators=("inclusion",))


@pytest.fixture(scope="module")
def cells():
    return simulate_register(5, electorate=20_000, areas=16, inclusion_effect=TRUTH).cells


@pytest.fixture(scope="module")
def fit(cells):
    return MODEL.fit(cells, seed=1, draws=500)


@pytest.fixture(scope="module")
def few(cells):
    """Five areas, as five countries would be."""
    for area in cells.levels["area"][5:]:
        cells = without_area(cells, area)
    return cells


def test_the_truth_is_found(fit):
    for group in fit.cells.levels["group"][1:]:
        slope = slope_draws(fit, "inclusion", group, "nationals")
        # 16 areas: the interval must hold the truth and exclude none; its width says that votes were used.
        low, high = np.quantile(slope, [0.005, 0.995])
        assert low < TRUTH < high
        assert slope.mean() > 0
        assert slope.std() < fit.model.priors.moderator_sd / 2


def test_areas_without_any_relation_show_none(cells):
    shuffled = np.random.default_rng(3).permutation(cells.moderators["inclusion"])
    none = join_moderators(cells, pd.DataFrame({"shuffled": shuffled}, index=list(cells.levels["area"])))
    fit = TurnoutModel(moderators=("shuffled",)).fit(none, seed=1, draws=500)
    slope = slope_draws(fit, "shuffled", "EU accession from 2004", "nationals")
    assert abs(slope.mean()) < 3 * slope.std()


def test_scores_are_per_deviation_whatever_the_unit(cells, fit):
    """Another unit of the moderator changes nothing but the unit."""
    share = cells.moderators["inclusion"] / 100 + 7
    other = join_moderators(cells, pd.DataFrame({"inclusion": share}, index=list(cells.levels["area"])))
    one = TurnoutPosterior.of(MODEL, cells)
    two = TurnoutPosterior.of(MODEL, other)
    np.testing.assert_allclose(one.scale, two.scale, atol=1e-9)


def test_the_gap_at_a_value_follows_from_the_slope(fit):
    """With every group's departure by age the same at both values, the gap moves by the slope alone."""
    rng = np.random.default_rng(1)
    _, mean, sd = fit.cells.standardised("inclusion")
    at = [
        typical_gap(fit, "inclusion", mean + by * sd, "EU-15", "nationals", rng).mean() for by in (-1, 0, 1)
    ]
    slope = slope_draws(fit, "inclusion", "EU-15", "nationals").mean()
    # A logit is at most 25 points, and about 20 where turnout is between 30 and 70 %.
    assert at[2] - at[1] == pytest.approx(100 * slope * 0.2, abs=100 * slope * 0.08 + 1)
    assert at[0] < at[1] < at[2]


def test_five_areas_are_said_to_be_decided_by_the_prior(few):
    fit = MODEL.fit(few, seed=1, draws=300)
    refits = refit(fit, cores=1)
    found = moderated_gap(fit, "inclusion", "third country", "nationals", refits)
    assert found.units == 5
    assert found.prior_decides
    words = " ".join(found.words())
    assert "5 areas stand behind this" in words
    assert "The prior decides: 5 areas hardly measure" in words
    assert list(found.without.index) == list(few.levels["area"])
    assert found.without.notna().all(axis=None)
    # Twice as wide priors cannot narrow the interval, beyond the Monte Carlo error of 300 and 500 draws.
    assert found.widening > 0.85
    assert "Without one area at a time" in words
    none = moderated_gap(fit, "inclusion", "EU-15", "nationals", Refits(refits.wider, {}))
    assert none.without.empty
    assert "Without one area" not in " ".join(none.words())


def test_an_area_leaves_with_its_links(cells):
    less = without_area(cells, "A06")
    assert "A06" not in less.levels["area"]
    assert len(less.moderators["inclusion"]) == 15
    names = np.array(cells.levels["area"])
    kept = {tuple(pair) for pair in names[cells.edges].tolist() if "A06" not in pair}
    assert {tuple(pair) for pair in np.array(less.levels["area"])[less.edges].tolist()} == kept
    # The sixth area on a square of four by four has four neighbours.
    assert len(cells.edges) - len(less.edges) == 4
    assert less.entitled.sum() == cells.entitled[cells.index("area") != 5].sum()


def test_files_keep_moderators(fit, tmp_path):
    read = TurnoutFit.load(fit.save(tmp_path / "fit.nc"))
    assert read.model == fit.model
    np.testing.assert_array_equal(read.cells.moderators["inclusion"], fit.cells.moderators["inclusion"])
    assert read.cells.fingerprint == fit.cells.fingerprint


def test_tables_of_areas_are_read(cells, tmp_path):
    write_register(cells, tmp_path)
    plain = simulate_register(5, electorate=20_000, areas=16).cells
    read = read_moderators(tmp_path / "areas.csv", plain, area="area", columns=["inclusion"])
    np.testing.assert_array_equal(read.moderators["inclusion"], cells.moderators["inclusion"])
    assert "areas.csv" in read.files
    assert read.fingerprint != plain.fingerprint


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns="inclusion"), "inclusion"),
        (lambda t: t.iloc[1:], r"1 of 16 areas are not in the table of moderators \('A01'\)"),
        (lambda t: t.assign(inclusion=5), "'inclusion' is the same in all areas"),
        (lambda t: t.assign(inclusion=["x", *t["inclusion"][1:]]), "inclusion"),
        (lambda t: t.assign(inclusion=["", *t["inclusion"][1:]]), "'inclusion' is missing for 1 of 16 areas"),
        (lambda t: pd.concat([t, t.iloc[:1]]), "repeat an area"),
    ],
)
def test_malformed_tables_of_areas(cells, tmp_path, change, message):
    table = pd.DataFrame({"area": cells.levels["area"], "inclusion": cells.moderators["inclusion"]})
    change(table).to_csv(tmp_path / "areas.csv", index=False)
    with pytest.raises(DataError, match=message):
        read_moderators(tmp_path / "areas.csv", cells, area="area", columns=["inclusion"])


def test_models_that_moderators_cannot_have(cells, fit):
    with pytest.raises(ModelError, match=r"no moderator 'policy'.*choose from 'inclusion'"):
        TurnoutModel(moderators=("policy",)).fit(cells, seed=1)
    with pytest.raises(ModelError, match="moderators without the interaction of group and area"):
        TurnoutModel(moderators=("inclusion",), interactions=()).fit(cells, seed=1)
    with pytest.raises(ModelError, match="a moderator is named twice"):
        TurnoutModel(moderators=("inclusion", "inclusion"))
    with pytest.raises(DataError, match="the model has no moderator 'policy'"):
        moderated_gap(fit, "policy", "EU-15", "nationals")
    with pytest.raises(DataError, match="are not two groups"):
        moderated_gap(fit, "inclusion", "EU-15", "EU-15")
