import numpy as np
import pandas as pd
import pytest

from spatialvote.data.errors import SpatialvoteError
from spatialvote.data.origin_groups import SCHEMES, OriginGroup, definition_notes, find_groups
from spatialvote.data.turnout import TurnoutAbout, TurnoutCells
from spatialvote.data.turnout_ages import read_ages
from spatialvote.data.turnout_read import TurnoutColumns, read_turnout, read_turnout_survey
from spatialvote.data.turnout_simulate import simulate_register, write_register

ABOUT = TurnoutAbout("test", 2021)
COLUMNS = TurnoutColumns(group="group", age="age", area="area")


@pytest.fixture(scope="module")
def register():
    return simulate_register(1, electorate=4000, areas=4)


@pytest.fixture
def reading(register, tmp_path):
    """Write the register after a change, and read it."""
    path = write_register(register.cells, tmp_path)

    def read(change=lambda table: table, columns=COLUMNS, edges=None, **arguments):
        change(pd.read_csv(path, dtype=str)).to_csv(tmp_path / "changed.csv", index=False)
        given = {"entitled": "entitled", "voted": "voted", "about": ABOUT} | arguments
        return read_turnout(tmp_path / "changed.csv", columns, edges=edges, **given)

    return read


@pytest.fixture
def survey(tmp_path):
    """Six answers, and a function that reads them after a change."""
    table = pd.DataFrame(
        {
            "group": ["nationals"] * 4 + ["EU-15"] * 2,
            "voted": [1, 1, 0, 1, 0, 1],
            "w": [2, 1, 1, 0.5, 0.5, 1.0],
        }
    )

    def read(change=lambda table: table, **arguments):
        change(table.astype(str)).to_csv(tmp_path / "survey.csv", index=False)
        given = {"voted": "voted", "weight": "w", "about": ABOUT} | arguments
        return read_turnout_survey(tmp_path / "survey.csv", TurnoutColumns(group="group"), **given)

    return read


def test_a_register_reads_back_the_same(register, reading, tmp_path):
    cells = reading(edges=tmp_path / "links.csv", about=register.cells.about)
    assert cells.fingerprint == register.cells.fingerprint
    assert (register.cells.entitled < 10).mean() > 0.3
    assert len(cells.edges) == 4


def test_single_years_gather_into_bands(tmp_path):
    table = pd.DataFrame({"age": [18, 19, 30, 70], "n": [10, 20, 30, 40], "y": [5, 6, 7, 8]})
    table.to_csv(tmp_path / "a.csv", index=False)
    columns = TurnoutColumns(age="age", bands=(18, 25, 65))
    cells = read_turnout(tmp_path / "a.csv", columns, entitled="n", voted="y", about=ABOUT)
    assert cells.levels["age"] == ("18–24", "25–64", "65+")
    assert cells.entitled.tolist() == [30, 30, 40]


def test_generations_print_their_birth_years():
    generations = {"boomers": (1946, 1964), "generation X": (1965, 1980)}
    index, bands = read_ages(["boomers", "generation X"], "g", generations=generations, year=2020)
    assert [band.label for band in bands] == ["generation X (born 1965–1980)", "boomers (born 1946–1964)"]
    assert index.tolist() == [1, 0]
    assert (bands[1].low, bands[1].high) == (56, 74)


def test_a_year_without_a_cell_keeps_its_place():
    _, bands = read_ages(["18", "20"], "age")
    assert [band.label for band in bands] == ["18", "19", "20"]


def test_survey_cells_have_kish_sizes(survey):
    cells = survey()
    nationals = (2 + 1 + 1 + 0.5) ** 2 / (4 + 1 + 1 + 0.25)
    assert cells.entitled[0] == pytest.approx(nationals)
    assert cells.voted[0] == pytest.approx(nationals * 3.5 / 4.5)
    assert cells.survey.design_effect > 1
    assert "Kish" in cells.notes[0]


def test_every_definition_has_a_source_and_schemes_do_not_share_labels():
    labels = [one.label for scheme in SCHEMES.values() for one in scheme]
    assert len(labels) == len(set(labels))
    for scheme in SCHEMES.values():
        notes = definition_notes(scheme)
        assert notes[-1].startswith("Source: ")
        assert all(any(note.startswith(one.label) for note in notes) for one in scheme)


def test_own_groups_need_a_definition():
    own = OriginGroup("expats", "citizens of another state who came for work", "the study", "own")
    assert find_groups(["expats"], [own]) == (own,)
    with pytest.raises(SpatialvoteError, match="'x' has no definition and no source"):
        OriginGroup("x", " ", "", "own")


def _set(column, value, row=0):
    def change(table):
        table.loc[row, column] = value
        return table

    return change


MALFORMED = {
    "turnout above 100 %": (_set("voted", "99999"), "turnout is above 100 % in 1 row.*99999 voted"),
    "negative": (_set("voted", "-1"), "voted is no count of persons in 1 cells"),
    "no number": (_set("entitled", "<5"), r"column 'entitled'.*no number in 1 row \(1\): '<5'"),
    "empty count": (_set("voted", ""), r"column 'voted'.*is empty in 1 row \(1\)"),
    "empty level": (_set("area", ""), r"column 'area'.*is empty in 1 row \(1\)"),
    "unknown group": (_set("group", "EU-16"), "'EU-16' has no definition: did you mean 'EU-15'"),
    "mixed definitions": (_set("group", "foreign-born"), "2 definitions are mixed"),
    "no age": (_set("age", "young"), "holds what is no age.*'young'"),
    "overlapping bands": (_set("age", "20-23"), "overlap.*'18–21' and '20–23'"),
    "impossible age": (_set("age", "300"), "impossible ages.*'300'"),
    "repeated": (lambda t: pd.concat([t, t.iloc[[3]]]), "1 row .* repeat a combination"),
    "no column": (lambda t: t.drop(columns="area"), "has no column 'area'"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_registers_are_refused_with_one_clear_message(reading, name):
    change, message = MALFORMED[name]
    with pytest.raises(SpatialvoteError, match=message) as caught:
        reading(change)
    assert len(caught.value.problems) == 1


def test_mistakes_in_what_is_asked(reading, tmp_path):
    with pytest.raises(SpatialvoteError, match="no column divides the cells"):
        reading(columns=TurnoutColumns())
    with pytest.raises(SpatialvoteError, match="holds bands already"):
        reading(columns=TurnoutColumns(group="group", age="age", area="area", bands=(18, 30)))
    with pytest.raises(SpatialvoteError, match="without birth years"):
        reading(
            columns=TurnoutColumns(age="age", group="group", area="area", generations={"x": (1900, 1950)})
        )
    (tmp_path / "bad.csv").write_text("a,b\nA01,A99\n", encoding="utf-8")
    with pytest.raises(SpatialvoteError, match=r"unknown ids.*'A99'"):
        reading(edges=tmp_path / "bad.csv")
    with pytest.raises(SpatialvoteError, match="no year of the election"):
        read_ages(["x"], "g", generations={"x": (1950, 1960)})
    with pytest.raises(SpatialvoteError, match=r"'x' \(1940–1960\) and 'y' \(1950–1970\) overlap"):
        read_ages(["x"], "g", generations={"x": (1940, 1960), "y": (1950, 1970)}, year=2020)
    with pytest.raises(SpatialvoteError, match="ages below the first band"):
        read_ages(["16", "20"], "age", bands=(18, 30))


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        (_set("w", "9"), {}, "add up to 13, not to 6"),
        (_set("w", "0"), {}, "no positive weight in 1 row"),
        (_set("voted", "2"), {}, r"neither 0 nor 1 in 1 row \(1\)"),
        (_set("voted", ""), {}, "neither 0 nor 1"),
        (lambda t: t, {"weights_sum": 1000.0}, "not to 1,000 .what was stated"),
        (lambda t: t, {"weight": "weight"}, "no column 'weight'"),
    ],
)
def test_malformed_surveys(survey, change, arguments, message):
    with pytest.raises(SpatialvoteError, match=message):
        survey(change, **arguments)


def test_cells_cannot_be_wrong(register):
    cells = register.cells
    with pytest.raises(SpatialvoteError, match="divided by nothing"):
        TurnoutCells(cells.table, {})
    with pytest.raises(SpatialvoteError, match="4 origin groups have 0 definitions"):
        TurnoutCells(cells.table, cells.levels, (), cells.ages)
    empty = cells.table.assign(entitled=0.0, voted=0.0)
    with pytest.raises(SpatialvoteError, match="nobody is entitled"):
        TurnoutCells(empty, cells.levels, cells.groups, cells.ages)
    more = cells.table.assign(voted=cells.entitled + 1)
    with pytest.raises(SpatialvoteError, match="turnout is above 100 %"):
        TurnoutCells(more, cells.levels, cells.groups, cells.ages)
    assert np.isfinite(register.group_turnout()).all()
