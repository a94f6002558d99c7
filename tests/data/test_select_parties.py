"""Parties against immigration, chosen by rule."""

import pandas as pd
import pytest

from spatialvote.data.errors import DataError
from spatialvote.data.party_positions import PartyPositions, read_chapel_hill, read_populist
from spatialvote.data.select_parties import select_parties, votes_of


def positions(**changes):
    table = pd.DataFrame(
        {
            "country": ["X"] * 4 + ["Y"],
            "party": ["far", "right", "left", "far", "far"],
            "year": [2019, 2019, 2019, 2014, 2019],
            "position": [9.4, 7.6, 2.0, 8.9, 3.0],
            "salience": [9.0, 4.0, 8.0, 7.0, 2.0],
            "spread": [0.5, float("nan"), 1.0, 0.4, 1.1],
        }
    ).assign(**changes)
    return PartyPositions(table, "invented")


def test_the_last_year_is_taken_and_another_can_be_asked_for():
    assert select_parties(positions(), "X").year == 2019
    assert select_parties(positions(), "X", 2014).table["position"].to_dict() == {"far": 8.9}


def test_threshold_and_salience_choose():
    assert select_parties(positions(), "X", threshold=7).parties == ("far", "right")
    assert select_parties(positions(), "X", threshold=7, salience=5).parties == ("far",)


def test_the_words_tell_spread_and_what_other_thresholds_choose():
    words = select_parties(positions(), "X", threshold=8).words
    assert words == (
        "Chosen by position on immigration at least 8 of 10 (X, 2019): far (9.4, experts' sd 0.5). A "
        "threshold of 7 would add right; of 9 would choose the same."
    )


def test_a_list_is_told_and_chooses_nothing():
    choice = select_parties(positions(), "X", listed=["left"])
    assert choice.parties == ("far",)
    assert choice.table["listed"].to_dict() == {"far": False, "right": False, "left": True}


def test_votes_of_the_chosen():
    choice = select_parties(positions(), "X", threshold=7)
    assert votes_of(choice, {"far": "v1", "right": "v2", "left": "v3"}) == ("v1", "v2")
    assert votes_of(choice, {"far": "v1", "right": ""}) == ("v1",)
    with pytest.raises(DataError, match="no column is named for the chosen parties 'right'"):
        votes_of(choice, {"far": "v1"})
    with pytest.raises(DataError, match="none of the chosen parties stood"):
        votes_of(choice, {"far": "", "right": ""})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"country": "Z"}, "there is no country 'Z': use one of 'X', 'Y'"),
        ({"country": "X", "year": 2010}, "'X' was not surveyed in 2010: choose from '2014', '2019'"),
        ({"country": "X", "threshold": 80}, "threshold 80 is off the scale"),
        ({"country": "X", "salience": -1}, "salience -1 is off the scale"),
        ({"country": "Y"}, r"no party of 'Y' in 2019 is chosen: the most restrictive is 'far' \(3.0"),
    ],
)
def test_rules_that_choose_nothing(arguments, message):
    with pytest.raises(DataError, match=message):
        select_parties(positions(), **arguments)


GOOD = "country,party,immigrate_policy,immigrate_salience\n1,A,9.5,8\n1,B,2,3\n"


def write(folder, text):
    (folder / "ches.csv").write_text(text, encoding="utf-8")
    return folder / "ches.csv"


def test_a_file_of_one_wave(tmp_path):
    read = read_chapel_hill(write(tmp_path, GOOD), year=2019)
    assert select_parties(read, "1").parties == ("A",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD.replace("9.5", "95"), r"the position of 1 parties lies outside 0 to 10 \('1 A'\)"),
        (GOOD.replace(",3\n", ",-9\n"), r"the salience of 1 parties lies outside 0 to 10 \('1 B'\)"),
        (GOOD.replace("B", "A"), r"1 parties come twice in a year \('1 A'\)"),
        (GOOD.replace("9.5", "").replace(",2,", ",,"), "has no positions on immigration"),
        (GOOD.replace("immigrate_policy", "galtan"), "has no column 'immigrate_policy'"),
    ],
)
def test_files_that_are_no_survey(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        read_chapel_hill(write(tmp_path, text), year=2019)


def test_a_wave_without_year_and_countries_without_name(tmp_path):
    path = write(tmp_path, GOOD)
    with pytest.raises(DataError, match="does not say of which year it is"):
        read_chapel_hill(path)
    (tmp_path / "names.csv").write_text("CountryID,CountryAbbr\n2,DK\n", encoding="utf-8")
    with pytest.raises(DataError, match="country numbers '1' have no name"):
        read_chapel_hill(path, year=2019, countries=tmp_path / "names.csv")


@pytest.mark.real_data
def test_the_survey_of_2019(shared_data):
    folder = shared_data / "party_positions"
    read = read_chapel_hill(folder / "CHES2019V3.csv", year=2019, countries=folder / "ches_country_abbr.csv")
    populist = read_populist(folder / "partyfacts_populist.csv")
    listed = populist.loc[populist["country"] == "Netherlands", "party"]
    dutch = select_parties(read, "NL", threshold=8, listed=list(listed))
    # Positions as the survey publishes them: PVV and FvD 9.92, DENK 1.56.
    assert dutch.parties == ("PVV", "FvD")
    assert dutch.table.loc[["PVV", "DENK"], "position"].round(2).tolist() == [9.92, 1.56]
    assert dutch.table.loc[["PVV", "FvD", "VVD"], "listed"].tolist() == [True, True, False]
    assert select_parties(read, "DK", threshold=8).parties == ("NB", "DF")
