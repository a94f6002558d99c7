"""Scores beside countries: the right edition, every gap named."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from spatialvote.data.errors import DataError
from spatialvote.data.policy import PolicyScores
from spatialvote.data.policy_areas import AREAS
from spatialvote.data.policy_columns import OVERALL_COLUMN, column_of, policy_columns
from spatialvote.data.policy_simulate import simulate_policy
from spatialvote.data.turnout_moderators import join_moderators
from spatialvote.data.turnout_simulate import simulate_register


@pytest.fixture(scope="module")
def scores():
    return simulate_policy(1)


def test_every_row_has_the_edition_before_its_year(scores):
    table, notes = policy_columns(scores, ["Denmark", "Malta", "DNK"], [2015, 2019, 2030])
    assert list(table["policy_edition"]) == [2014, 2019, 2019]
    for row, (code, year) in enumerate([("DNK", 2014), ("MLT", 2019), ("DNK", 2019)]):
        expected = scores.edition(year).loc[code]
        np.testing.assert_array_equal(table.iloc[row, : len(AREAS)].to_numpy(dtype=float), expected)
        assert table[OVERALL_COLUMN].iloc[row] == pytest.approx(expected.mean())
    assert list(table.index) == ["Denmark", "Malta", "DNK"]
    assert notes[0].startswith("2 countries")
    assert "up to 11 years older" in notes[1]


def test_gaps_are_refused_or_named(scores):
    table = scores.table
    lost = (table["country"] == "MLT") & (table["area"] == "health") & (table["year"] == 2019)
    holed = PolicyScores(table[~lost], allow_gaps=True)
    with pytest.raises(DataError, match=r"1 scores are missing \('Malta 2019: health'\)"):
        policy_columns(holed, ["Malta", "Malta"], 2019)
    found, notes = policy_columns(holed, ["Malta"], 2019, gaps="name")
    assert np.isnan(found[column_of("health")].iloc[0])
    assert np.isnan(found[OVERALL_COLUMN].iloc[0])
    assert found[column_of("education")].notna().all()
    assert "'Malta 2019: health'" in notes[-1]


def test_what_cannot_be_joined(scores):
    with pytest.raises(DataError, match="'Atlantis' is no country of the index"):
        policy_columns(scores, ["Denmark", "Atlantis"])
    with pytest.raises(DataError, match="no edition is as old as '2001'"):
        policy_columns(scores, ["Denmark"], 2001)
    with pytest.raises(DataError, match="2 years for 1 countries"):
        policy_columns(scores, ["Denmark"], [2015, 2019])
    with pytest.raises(DataError, match="gaps is 'skip'"):
        policy_columns(scores, ["Denmark"], gaps="skip")
    with pytest.raises(DataError, match="8 scores are missing"):
        policy_columns(scores, ["Norway"])


def test_scores_moderate_countries_that_are_areas(scores):
    cells = simulate_register(1, electorate=5000, areas=4).cells
    countries = ("Denmark", "Germany", "Malta", "Sweden")
    cells = dataclasses.replace(cells, levels={**cells.levels, "area": countries})
    table, _ = policy_columns(scores, countries, 2019)
    joined = join_moderators(cells, pd.DataFrame(table[[OVERALL_COLUMN]]))
    assert list(joined.moderators) == [OVERALL_COLUMN]
    np.testing.assert_allclose(joined.moderators[OVERALL_COLUMN], table[OVERALL_COLUMN])
