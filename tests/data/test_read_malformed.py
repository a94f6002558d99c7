"""Every mistake in a table, its shapes or its links gives exactly the problem that tells of it."""

import numpy as np
import pytest

from spatialvote.data.errors import SpatialvoteError
from spatialvote.data.read import read_districts


def put(column, row, value):
    """A change that writes one cell."""

    def change(frame):
        frame[column] = frame[column].astype(object)
        frame.loc[row, column] = value
        return frame

    return change


def every(column, values):
    """A change that writes a whole column."""

    def change(frame):
        frame[column] = values(frame) if callable(values) else values
        return frame

    return change


#: Name of a case: change of the table, changed arguments, every problem in full.
TABLE = {
    "column missing": (
        lambda f: f.drop(columns="income"),
        {},
        (
            (
                "file 'votes.csv' has no column 'income' (named as covariates): it has 'code', "
                "'name', 'city', 'right', 'left', 'valid', 'electorate', 'migrants' and 1 more"
            ),
        ),
    ),
    "column misspelt": (
        None,
        {"migrants": "migrant", "units": {"migrant": "percent"}},
        (("file 'votes.csv' has no column 'migrant' (named as migrants): did you mean 'migrants'?"),),
    ),
    "id missing": (
        put("code", 3, ""),
        {},
        (("id column 'code' of 'votes.csv' is empty in rows '4': give every row an id, or delete the row"),),
    ),
    "id twice": (
        put("code", 3, "0101"),
        {},
        (
            (
                "id column 'code' of 'votes.csv' repeats ids ('0101'): give one row per district: "
                "sum what belongs together"
            ),
        ),
    ),
    "text in numbers": (
        put("income", 2, "27,3"),
        {},
        (
            (
                "column 'income' holds text that is no number in 1 district (id '0103'), first "
                "'27,3': write numbers with a decimal point and no thousands separator, and leave "
                "cells without a value empty"
            ),
        ),
    ),
    "text in votes": (
        put("right", 5, "ninety"),
        {},
        (
            (
                "column 'right' holds text that is no number in 1 district (id '0106'), first "
                "'ninety': write numbers with a decimal point and no thousands separator, and leave "
                "cells without a value empty"
            ),
        ),
    ),
    "votes negative": (
        put("right", 1, -3),
        {},
        (("column 'right' (votes of 'Right') is negative in 1 district (id '0102'): counts start at 0"),),
    ),
    "votes fractional": (
        put("right", 1, 90.5),
        {},
        (
            (
                "column 'right' (votes of 'Right') is fractional in 1 district (id '0102'): give "
                "counts as they were counted, not shares or figures carried over from other "
                "boundaries"
            ),
        ),
    ),
    "votes above valid": (
        put("right", 1, 411),
        {},
        (
            (
                "column 'right' (votes of 'Right') exceeds valid votes in 1 district (id '0102'): "
                "check that 'valid' is the number of valid ballots, not of stations or percent"
            ),
        ),
    ),
    "parties above valid": (
        lambda f: put("left", 2, 200)(put("right", 2, 200)(f)),
        {},
        (
            (
                "votes of 'Right', 'Left' together exceed valid votes in 1 district (id '0103'): "
                "check that no list is counted under two parties"
            ),
        ),
    ),
    "party without votes": (
        every("left", 0),
        {},
        (
            (
                "column 'left' (votes of 'Left') is zero in every district: leave the party out, or "
                "name the column that holds its votes"
            ),
        ),
    ),
    "no valid votes": (
        lambda f: put("valid", 7, 0)(put("right", 7, 0)(put("left", 7, 0)(f))),
        {},
        (
            (
                "column 'valid' (valid votes) is zero in 1 district (id '0108'): merge them with a "
                "neighbour, or pass missing='drop' to leave them out"
            ),
        ),
    ),
    "valid fractional": (
        put("valid", 0, 400.25),
        {},
        (
            (
                "column 'valid' (valid votes) is fractional in 1 district (id '0101'): give counts "
                "as they were counted, not shares or figures carried over from other boundaries"
            ),
        ),
    ),
    "electorate below valid": (
        put("electorate", 8, 509),
        {},
        (
            (
                "column 'electorate' (electorate) is below valid votes in 1 district (id '0109'): "
                "leave the electorate out where people may vote outside the district they are "
                "registered in, or leave out these districts (missing='drop')"
            ),
        ),
    ),
    "electorate fractional": (
        put("electorate", 8, 720.5),
        {},
        (
            (
                "column 'electorate' (electorate) is fractional in 1 district (id '0109'): give "
                "counts as they were counted, not shares or figures carried over from other "
                "boundaries"
            ),
        ),
    ),
    "infinite value": (
        put("income", 4, "inf"),
        {},
        (
            (
                "column 'income' is infinite in 1 district (id '0105'): look for a division by zero "
                "where it was computed"
            ),
        ),
    ),
    "value missing": (
        put("income", 4, ""),
        {},
        (
            (
                "column 'income' has no value in 1 district (id '0105'): fill them in, leave the "
                "column out, or pass missing='drop' to leave these districts out"
            ),
        ),
    ),
    "votes missing": (
        put("right", 4, "NA"),
        {},
        (
            (
                "column 'right' has no value in 1 district (id '0105'): fill them in, leave the "
                "column out, or pass missing='drop' to leave these districts out"
            ),
        ),
    ),
    "group missing": (
        put("city", 4, ""),
        {},
        (
            (
                "column 'city' has no value in 1 district (id '0105'): fill them in, leave the "
                "column out, or pass missing='drop' to leave these districts out"
            ),
        ),
    ),
    "migrants without unit": (
        None,
        {"units": {}},
        (
            (
                "the unit of migrants column 'migrants' must be told, and no unit was given: pass "
                "units={'migrants': ...} with one of 'fraction', 'percent', 'per thousand', 'per ten "
                "thousand'"
            ),
        ),
    ),
    "migrants in a useless unit": (
        None,
        {"units": {"migrants": "%"}},
        (
            (
                "the unit of migrants column 'migrants' must be told, and '%' was given: pass "
                "units={'migrants': ...} with one of 'fraction', 'percent', 'per thousand', 'per ten "
                "thousand'"
            ),
        ),
    ),
    "unit of no column": (
        None,
        {"units": {"migrants": "percent", "city": "percent"}},
        (
            (
                "units are given for 'city', which has no role that holds numbers: give units for "
                "columns named as migrants, covariates or counts only"
            ),
        ),
    ),
    "names of no column, and no words": (
        None,
        {"names": {"city": "town", "turnout": "turnout", "income": " "}},
        (
            "names are given for 'turnout', which has no role: give names for columns that have a role only",
            "the names of 'income' are empty: give words, or leave these columns out",
        ),
    ),
    "fraction above one": (
        None,
        {"units": {"migrants": "fraction"}},
        (
            (
                "share 'migrants' is above 1 in 12 districts (ids '0101', '0102', '0103' and 9 "
                "more), which 'fraction' cannot be: declare the unit it is in ('fraction', "
                "'percent', 'per thousand', 'per ten thousand'), or mend the values"
            ),
        ),
    ),
    "percent above hundred": (
        put("migrants", 3, 101),
        {},
        (
            (
                "share 'migrants' is above 100 in 1 district (id '0104'), which 'percent' cannot be: "
                "declare the unit it is in ('fraction', 'percent', 'per thousand', 'per ten "
                "thousand'), or mend the values"
            ),
        ),
    ),
    "share negative": (
        put("education", 3, -1),
        {},
        (
            (
                "share 'education' is negative in 1 district (id '0104'): shares lie between 0 and "
                "one whole; a difference of shares is a covariate without unit"
            ),
        ),
    ),
    "covariate constant": (
        every("income", 25),
        {},
        (("covariate 'income' is 25 in every district: leave it out: what does not vary cannot explain"),),
    ),
    "covariates collinear": (
        every("income", lambda f: 3 - 2 * f["education"] + f["migrants"]),
        {},
        (
            (
                "covariate 'income' is an exact combination of 'migrants', 'education': leave one of "
                "them out: their effects cannot be told apart"
            ),
        ),
    ),
    "covariate twice in other units": (
        every("income", lambda f: f["education"] / 100),
        {},
        (
            (
                "covariate 'income' is an exact combination of 'education': leave one of them out: "
                "their effects cannot be told apart"
            ),
        ),
    ),
    "more covariates than districts": (
        lambda f: f.head(3),
        {},
        ("3 covariates are too many for 3 districts: name fewer covariates than districts",),
    ),
    "votes column is valid": (
        None,
        {"votes": {"Right": "valid"}},
        (
            (
                "column 'valid' is named both as votes of 'Right' and as valid: name each column "
                "once, for what it holds"
            ),
        ),
    ),
    "one column for two parties": (
        None,
        {"votes": {"Right": "right", "Left": "right"}},
        (
            (
                "column 'right' is named both as votes of 'Right' and as votes of 'Left': name each "
                "column once, for what it holds"
            ),
        ),
    ),
    "party as covariate": (
        None,
        {"covariates": ("left",)},
        (
            (
                "column 'left' is named both as votes of 'Left' and as covariates: name each column "
                "once, for what it holds"
            ),
            (
                "units are given for 'education', 'income', which has no role that holds numbers: "
                "give units for columns named as migrants, covariates or counts only"
            ),
        ),
    ),
    "no party": (None, {"votes": {}}, ("no column with votes is named: pass votes={'party': 'column'}",)),
    "no denominator": (
        None,
        {"valid": None, "electorate": None},
        (
            (
                "neither valid votes nor an exposure is named: pass valid= for shares of votes, or "
                "exposure= for Poisson counts; where columns of votes hold shares and no counts are known, "
                "pass units={'right': ...} with one of 'fraction', 'percent', 'per thousand', "
                "'per ten thousand'"
            ),
        ),
    ),
    "exposure zero": (
        put("income", 3, 0),
        {"exposure": "income", "covariates": ()},
        (
            (
                "units are given for 'education', which has no role that holds numbers: give units "
                "for columns named as migrants, covariates or counts only"
            ),
            (
                "column 'income' (exposure) is zero in 1 district (id '0104'): merge them with a "
                "neighbour, or pass missing='drop' to leave them out"
            ),
        ),
    ),
    "exposure negative": (
        put("income", 3, -2),
        {"exposure": "income", "covariates": ()},
        (
            (
                "units are given for 'education', which has no role that holds numbers: give units "
                "for columns named as migrants, covariates or counts only"
            ),
            (
                "column 'income' (exposure) is negative in 1 district (id '0104'): give expected "
                "counts or the population at risk, above zero"
            ),
        ),
    ),
    "policy unknown": (
        None,
        {"missing": "ignore"},
        ("missing='ignore' is not known: choose from refuse, drop",),
    ),
    "too few districts": (
        lambda f: f.head(2),
        {"covariates": ()},
        (
            (
                "units are given for 'education', 'income', which has no role that holds numbers: "
                "give units for columns named as migrants, covariates or counts only"
            ),
            "'votes.csv' has 2 districts, too few: give at least 3",
        ),
    ),
    "empty table": (
        lambda f: f.head(0),
        {},
        (
            "'votes.csv' has 0 districts, too few: give at least 3",
            "edge list 'links.csv' holds no links: give at least one link",
        ),
    ),
    "drop leaves too few": (
        every("income", [25.0, 26.0] + [np.nan] * 10),
        {"missing": "drop"},
        (
            (
                "missing='drop' leaves 2 of 12 districts, and at least 3 are needed: look at what is "
                "missing: no value in 'income' (10 districts)"
            ),
        ),
    ),
}


def told_by(path, arguments) -> tuple[str, ...]:
    with pytest.raises(SpatialvoteError) as caught:
        read_districts(path, **arguments)
    for problem in caught.value.problems:
        assert str(problem) in str(caught.value)
    return tuple(str(problem) for problem in caught.value.problems)


@pytest.mark.parametrize(("change", "changed", "told"), TABLE.values(), ids=list(TABLE))
def test_table(squares, arguments, tmp_path, change, changed, told):
    table = squares.drop(columns="geometry")
    if change is not None:
        table = change(table)
    table.to_csv(tmp_path / "votes.csv", index=False)
    chain = zip(table["code"][:-1], table["code"][1:], strict=True)
    links = [f"{a},{b}" for a, b in chain if a and b and a != b]
    (tmp_path / "links.csv").write_text("\n".join(["a,b", *links]))
    told_now = told_by(tmp_path / "votes.csv", {**arguments, **changed, "edges": tmp_path / "links.csv"})
    assert told_now == told
