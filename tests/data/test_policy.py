import numpy as np
import pandas as pd
import pytest

from spatialvote.data.errors import DataError
from spatialvote.data.policy import PolicyScores
from spatialvote.data.policy_areas import AREAS, CLASSES, COUNTRIES, EU27, country_code, policy_class
from spatialvote.data.policy_read import PolicyMapping, read_policy, read_policy_mapping
from spatialvote.data.policy_simulate import simulate_policy, write_policy


@pytest.fixture
def scores():
    return simulate_policy(seed=1)


@pytest.fixture
def long(scores, tmp_path):
    """The rows of a long file, and a function that writes and reads them after a change."""
    path = write_policy(scores, tmp_path / "mipex.csv")

    def reading(change=lambda table: table, **arguments):
        table = pd.read_csv(path, dtype=str)
        change(table).to_csv(tmp_path / "changed.csv", index=False)
        return read_policy(tmp_path / "changed.csv", **arguments)

    return reading


def test_every_whole_score_has_one_class():
    for score in range(101):
        assert sum(one.low <= score <= one.high for one in CLASSES) == 1
    assert policy_class(0.4).name == "critically unfavourable"
    assert policy_class(0.5).name == "unfavourable"


def test_the_union_has_27_members_and_the_index_56_countries():
    assert len(EU27) == 27
    assert len(COUNTRIES) == 56
    assert country_code(" the  NETHERLANDS ") == "NLD"


def test_a_simulated_edition_reads_back_the_same(scores, long):
    assert long().fingerprint == scores.fingerprint
    assert long().simulated
    assert simulate_policy(seed=1).fingerprint == scores.fingerprint
    assert simulate_policy(seed=2).fingerprint != scores.fingerprint


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_wide_tables_read_as_long_ones(scores, tmp_path, ending):
    wide = scores.edition(2019).reset_index().assign(year=2019)
    path = tmp_path / f"wide.{ending}"
    wide.to_csv(path, index=False) if ending == "csv" else wide.to_excel(path, index=False)
    pd.testing.assert_frame_equal(read_policy(path).edition(2019), scores.edition(2019))


def test_a_mapping_file_names_columns_areas_and_countries(scores, tmp_path, long):
    (tmp_path / "names.toml").write_text(
        'layout = "long"\n[columns]\narea = "Strand"\nscore = "Points"\n'
        '[areas]\n"Schooling" = "education"\n[countries]\n"Polska" = "Poland"\n',
        encoding="utf-8",
    )

    def change(table):
        table["area"] = table["area"].replace("education", "Schooling")
        table["country"] = table["country"].replace("Poland", "Polska")
        return table.rename(columns={"area": "Strand", "score": "Points"})

    read = long(change, mapping=read_policy_mapping(tmp_path / "names.toml"))
    assert read.fingerprint == scores.fingerprint


def test_overall_rows_are_left_out_with_a_note(long):
    def change(table):
        extra = table.iloc[[0]].assign(area="Overall score", score="50")
        return pd.concat([table, extra])

    assert "1 rows of overall scores were left out" in long(change).notes[0]


def test_gaps_can_be_named(long):
    def change(table):
        return table[~((table["area"] == "health") & (table["year"] == "2014"))]

    read = long(change, gaps="name")
    assert len(read.gaps(2014)) == 27
    assert read.gaps(2019) == ()
    assert np.isnan(read.edition(2014)["health"]).all()


def _set(column, value, row=0):
    def change(table):
        table.loc[row, column] = value
        return table

    return change


MALFORMED = {
    "fractions": (
        lambda t: t.assign(score=(t["score"].astype(float) / 100).astype(str)),
        "all 216 scores of 2014 lie between 0 and 1.*multiply by 100",
    ),
    "above 100": (_set("score", "101"), "1 scores are not between 0 and 100.*AUT 2014 labour market.*101"),
    "negative": (_set("score", "-3"), "not between 0 and 100.*-3"),
    "no number": (_set("score", "n/a"), r"column 'score'.*no number in 1 row \(1\): 'n/a'"),
    "unknown country": (_set("country", "Astria"), r"'Astria' in 1 row \(1\).*did you mean 'Austria'"),
    "unknown area": (_set("area", "educaton"), "'educaton'.*no policy area.*did you mean 'education'"),
    "odd year": (_set("year", "19"), "year is '19"),
    "empty year": (_set("year", ""), "year is empty in 1 row"),
    "text year": (_set("year", "MIPEX III"), "column 'year'.*no number"),
    "twice": (lambda t: pd.concat([t, t.iloc[[5]]]), "1 scores are given more than once"),
    "area missing in one edition": (
        lambda t: t[~((t["area"] == "health") & (t["year"] == "2014"))],
        "edition of 2014 lacks 27 scores of the EU-27: the area 'health' altogether",
    ),
    "country missing": (
        lambda t: t[t["country"] != "Malta"],
        "edition of 2014 lacks 8 scores of the EU-27: the country 'Malta' altogether",
    ),
    "one cell missing": (_set("score", ""), "lacks 1 scores of the EU-27: 'Austria labour market mobility'"),
    "no column": (lambda t: t.drop(columns="country"), "has no column 'country'"),
    "no rows": (lambda t: t.iloc[:0], "a header and no rows"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_scores_are_refused_with_one_clear_message(long, name):
    change, message = MALFORMED[name]
    with pytest.raises(DataError, match=message) as caught:
        long(change)
    assert len(caught.value.problems) == (2 if name in ("fractions", "country missing") else 1)


def test_other_mistakes(long, tmp_path, scores):
    with pytest.raises(DataError, match="gaps is 'drop'"):
        long(gaps="drop")
    with pytest.raises(DataError, match=r"ending that is not known \('.xls'\)"):
        read_policy(tmp_path / "mipex.xls")
    with pytest.raises(DataError, match="does not exist"):
        read_policy(tmp_path / "none.csv")
    (tmp_path / "no.xlsx").write_bytes(b"text")
    with pytest.raises(DataError, match="cannot be read as an Excel workbook"):
        read_policy(tmp_path / "no.xlsx")
    with pytest.raises(DataError, match="choose from 2014, 2019"):
        scores.edition(2015)
    with pytest.raises(DataError, match="no scores of 'Atlantis'"):
        scores.code("Atlantis")
    with pytest.raises(DataError, match="calls 'x' the area 'schooling'"):
        PolicyMapping(areas={"x": "schooling"})
    with pytest.raises(DataError, match="no scores"):
        PolicyScores(scores.table.iloc[:0])
    two = tmp_path / "two.xlsx"
    with pd.ExcelWriter(two) as book:
        scores.table.to_excel(book, sheet_name="A", index=False)
        scores.table.to_excel(book, sheet_name="B", index=False)
    with pytest.raises(DataError, match=r"2 sheets and no sheet was named.*'A', 'B'"):
        read_policy(two)
    assert read_policy(two, sheet="B").fingerprint == scores.fingerprint


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("layout = ", "is no TOML"),
        ('layout = "tall"', "must be 'long' or 'wide'"),
        ('colums = "x"', "has a key 'colums'"),
        ("[columns]\ncountry = 3", "columns of mapping file 'm.toml' is no table"),
        ('[columns]\nland = "x"', "no key 'land'"),
        ('[countries]\n"x" = "Denmrk"', "the country 'Denmrk'.*did you mean 'Denmark'"),
    ],
)
def test_malformed_mapping_files(tmp_path, text, message):
    (tmp_path / "m.toml").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_policy_mapping(tmp_path / "m.toml")


def test_every_area_is_simulated(scores):
    assert set(scores.table["area"]) == set(AREAS)
    assert scores.table["score"].between(0, 100).all()


@pytest.mark.real_data
def test_published_overall_scores_name_countries_of_the_index(shared_data):
    table = pd.read_csv(shared_data / "mipex" / "mipex_overall_32countries_kvdbrach.csv", sep=";")
    assert [name for name in table["countries"] if country_code(name) is None] == []
    assert {policy_class(one).name for one in table["mipex"]} <= {one.name for one in CLASSES}
