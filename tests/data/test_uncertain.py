"""Declarations of uncertain covariates: what they make of cells, and one message for each mistake."""

import numpy as np
import pandas as pd
import pytest

from spatialvote.data.declare_uncertain import declare_uncertain
from spatialvote.data.errors import DataError
from spatialvote.data.read import read_districts
from spatialvote.data.scales import SCALES, from_line, to_line
from spatialvote.data.simulate import simulate_city
from spatialvote.data.uncertain import Uncertain

IDS = [f"d{k}" for k in range(8)]


def table(tmp_path, **changed):
    columns = {
        "id": IDS,
        "votes": [30, 40, 20, 10, 25, 35, 15, 45],
        "valid": [100] * 8,
        "persons": [100, 200, 400, 50, 100, 200, 400, 50],
        "share": [10.0, 20.0, 30.0, 40.0, 15.0, 25.0, 35.0, 45.0],
        "income": [20.0, 25.0, 30.0, 35.0, 22.0, 27.0, 31.0, 40.0],
        "low": [18.0, 24.0, 29.0, 34.0, 20.0, 26.0, 30.0, 38.0],
        "high": [22.0, 26.0, 31.0, 36.0, 24.0, 28.0, 32.0, 42.0],
        "se": [1.0, 2.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0],
        **changed,
    }
    path = tmp_path / "table.csv"
    pd.DataFrame(columns).to_csv(path, index=False)
    links = tmp_path / "links.csv"
    pd.DataFrame({"a": IDS[:-1], "b": IDS[1:]}).to_csv(links, index=False)
    return path, links


def read(tmp_path, uncertain, **changed):
    path, links = table(tmp_path, **changed)
    return read_districts(
        path,
        id="id",
        votes={"party": "votes"},
        valid="valid",
        migrants="share",
        covariates=["income", "persons"],
        units={"share": "percent"},
        edges=links,
        uncertain=uncertain,
    )


def gap(column):
    """The values of `table`, with one cell empty."""
    values = {"share": [10.0, 20.0, None, 40.0, 15.0, 25.0, 35.0, 45.0]}
    values["income"] = [20.0, 25.0, None, 35.0, 22.0, 27.0, 31.0, 40.0]
    return {column: values[column]}


def test_a_gap_without_a_declaration_stays_refused(tmp_path):
    with pytest.raises(DataError, match=r"column 'income' has no value in 1 district \(id 'd2'\)"):
        read(tmp_path, {}, **gap("income"))
    with pytest.raises(DataError, match="column 'income' has no value"):
        read(tmp_path, {"share": {"missing": True}}, **gap("income"))


def test_a_missing_value_is_unknown_and_its_guess_stands_in_the_table(tmp_path):
    districts = read(tmp_path, {"income": {"missing": True, "scale": "log"}}, **gap("income"))
    (row,) = districts.unknown.frame.itertuples(index=False)
    assert (row.column, row.district, row.low, row.high) == ("income", "d2", 0.0, np.inf)
    assert np.isnan(row.value)
    assert 20 < districts.table.loc["d2", "income"] < 40
    assert "'income' is not known exactly in 1 districts" in districts.record.notes[0]


def test_rounded_and_suppressed_counts_are_intervals_of_the_share(tmp_path):
    declared = {"share": Uncertain(rounded=5, suppressed_below=10, denominator="persons")}
    districts = read(tmp_path, declared, **gap("share"))
    frame = districts.unknown.frame.set_index("district")
    # 10 % of 100 persons: 10, rounded from 7.5 to 12.5. Fewer than 10 of 400 persons: below 2.5 %.
    assert frame.loc["d0", ["low", "high"]].tolist() == pytest.approx([7.5, 12.5])
    assert frame.loc["d2", ["low", "high"]].tolist() == pytest.approx([0.0, 2.5])
    assert 0 < districts.table.loc["d2", "share"] < 2.5


def test_an_interval_is_cut_to_what_a_share_can_be(tmp_path):
    districts = read(
        tmp_path,
        {"share": {"rounded": 10}},
        share=[0.0, 20.0, 30.0, 40.0, 10.0, 20.0, 30.0, 100.0],
    )
    frame = districts.unknown.frame.set_index("district")
    assert frame.loc["d0", ["low", "high"]].tolist() == [0.0, 5.0]
    assert frame.loc["d7", ["low", "high"]].tolist() == [95.0, 100.0]


def test_ends_may_be_open_and_equal_ends_are_exact(tmp_path):
    districts = read(
        tmp_path,
        {"income": {"low": "low", "high": "high"}},
        low=[20.0, None, 29.0, 34.0, None, 26.0, 30.0, 38.0],
        high=[20.0, 26.0, None, 36.0, None, 28.0, 32.0, 42.0],
    )
    frame = districts.unknown.frame.set_index("district")
    assert sorted(frame.index) == ["d1", "d2", "d3", "d5", "d6", "d7"]
    assert frame.loc["d1", ["low", "high"]].tolist() == [-np.inf, 26.0]
    assert frame.loc["d2", ["low", "high"]].tolist() == [29.0, np.inf]


def test_a_standard_error_of_zero_is_an_exact_value(tmp_path):
    districts = read(tmp_path, {"income": {"se": "se"}})
    frame = districts.unknown.frame.set_index("district")
    assert "d2" not in frame.index
    assert frame.loc["d1", ["value", "se"]].tolist() == [25.0, 2.0]


MISTAKES = {
    "nothing said": ({"income": {}}, {}, "uncertain 'income': .* nothing is said of how"),
    "unknown key": ({"income": {"mising": True}}, {}, "uncertain 'income' has no 'mising'"),
    "one end": ({"income": {"low": "low"}}, {}, "low is named without high"),
    "se and interval": (
        {"income": {"se": "se", "low": "low", "high": "high"}},
        {},
        "se came together with 'low'",
    ),
    "interval and rounding": (
        {"income": {"low": "low", "high": "high", "rounded": 5}},
        {},
        "low and high came together with 'rounded'",
    ),
    "step": ({"income": {"rounded": 0}}, {}, "rounded must be a number above 0, got 0"),
    "denominator alone": (
        {"share": {"missing": True, "denominator": "persons"}},
        {},
        "denominator 'persons' came without rounded",
    ),
    "denominator of no share": (
        {"income": {"rounded": 5, "denominator": "persons"}},
        {},
        "a denominator of 'income' is for shares",
    ),
    "logit of no share": ({"income": {"missing": True, "scale": "logit"}}, {}, "scale 'logit' of 'income'"),
    "scale": ({"income": {"missing": True, "scale": "sqrt"}}, {}, "scale 'sqrt' is unknown"),
    "se_on": ({"income": {"se": "se", "se_on": "logit"}}, {}, "se_on 'logit' is unknown"),
    "se_on without se": ({"income": {"missing": True, "se_on": "scale"}}, {}, "se_on came without se"),
    "votes": ({"votes": {"missing": True}}, {}, "'votes' is declared as uncertain, and is no covariate"),
    "absent column": ({"income": {"se": "error"}}, {}, "no column 'error'"),
    "swapped ends": (
        {"income": {"low": "high", "high": "low"}},
        {},
        "the interval 'high' and 'low' of 'income' ends before it begins",
    ),
    "outside": (
        {"income": {"low": "low", "high": "high"}},
        {"low": [21.0, *[10.0] * 7], "high": [50.0] * 8},
        r"'income' lies outside its interval 'low' and 'high' in 1 district \(id 'd0'\)",
    ),
    "outside the unit": (
        {"share": {"low": "low", "high": "high"}},
        {"share": [None, *range(24, 31)], "low": [110.0, *[20.0] * 7], "high": [120.0, *[40.0] * 7]},
        "the interval 'low' and 'high' of 'share' lies outside 0 to 100",
    ),
    "no persons": (
        {"share": {"rounded": 5, "denominator": "persons"}},
        {"persons": [0, 200, 400, 50, 100, 200, 400, 50]},
        "denominator 'persons' of 'share' is not above 0",
    ),
    "no multiple": ({"income": {"rounded": 5}}, {}, "'income' is declared as rounded to 5, and no multiple"),
    "negative se": ({"income": {"se": "se"}}, {"se": [-1.0, *[1.0] * 7]}, "standard error 'se' .* negative"),
    "no se": ({"income": {"se": "se"}}, {"se": [None, *[1.0] * 7]}, "column 'se' has no value"),
    "edge of the logit": (
        {"share": {"missing": True}},
        {"share": [0.0, 20.0, None, 40.0, 15.0, 25.0, 35.0, 45.0]},
        "'share' lies at or beyond the ends of what scale 'logit' can hold",
    ),
    "too few": (
        {"income": {"missing": True}},
        {"income": [20.0, 25.0, *[None] * 6]},
        "'income' has a value in 2 districts, too few",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_mistake_has_one_clear_message(tmp_path, mistake):
    uncertain, changed, message = MISTAKES[mistake]
    with pytest.raises(DataError, match=message) as error:
        read(tmp_path, uncertain, **changed)
    assert len(error.value.problems) == 1


def test_the_fingerprint_tells_declarations_apart(tmp_path):
    plain = read(tmp_path, {})
    rounded = read(tmp_path, {"share": {"rounded": 5}})
    coarser = read(tmp_path, {"share": {"rounded": 2.5}})
    assert len({one.fingerprint["data"] for one in (plain, rounded, coarser)}) == 3


def test_declared_later_is_the_same_as_read(tmp_path):
    declared = {"share": Uncertain(rounded=5, suppressed_below=10, denominator="persons")}
    whole = read(tmp_path, {})
    values = whole.table[["share"]].copy()
    values.loc["d2"] = np.nan
    later = declare_uncertain(whole, declared, values)
    at_once = read(tmp_path, declared, **gap("share"))
    pd.testing.assert_frame_equal(later.unknown.frame, at_once.unknown.frame)
    assert later.table["share"].tolist() == pytest.approx(at_once.table["share"].tolist())


def test_declaring_later_finds_the_same_mistakes():
    city = simulate_city(seed=3, n_districts=30).districts
    blank = city.table[["income"]].copy()
    blank.iloc[0] = np.nan
    with pytest.raises(DataError, match="column 'income' has no value"):
        declare_uncertain(city, {"migrant_share": Uncertain(missing=True)}, blank)
    with pytest.raises(DataError, match="there is no column 'error'"):
        declare_uncertain(city, {"income": Uncertain(se="error")})
    with pytest.raises(DataError, match="the columns have no row in 1 district"):
        declare_uncertain(city, {"income": Uncertain(missing=True)}, blank.iloc[1:])


@pytest.mark.parametrize("scale", SCALES)
def test_scales_and_their_inverses(scale):
    x = np.array([1e-6, 0.3, 41.0, 99.9999])
    assert from_line(scale, 100.0, to_line(scale, 100.0, x)) == pytest.approx(x, rel=1e-12)
    assert np.isfinite(from_line("logit", 1.0, np.array([-800.0, 800.0]))).all()
