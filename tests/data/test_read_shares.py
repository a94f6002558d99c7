"""Districts of which only shares of votes are known, and what can be wrong with them."""

import numpy as np
import pytest

from spatialvote.data.errors import DataError
from spatialvote.data.read import read_districts


@pytest.fixture
def shares(squares):
    """The squares with shares in percent, to one decimal, in place of votes."""
    share = (100 * squares[["right", "left"]].div(squares["valid"], axis=0)).round(1)
    return squares.drop(columns=["valid", "electorate"]).assign(right=share["right"], left=share["left"])


@pytest.fixture
def named(arguments):
    """Arguments for `shares`."""
    kept = {name: value for name, value in arguments.items() if name not in ("valid", "electorate")}
    return {**kept, "units": {**arguments["units"], "right": "percent", "left": "percent"}}


def test_shares_are_read_as_they_stand(shares, named, tmp_path):
    shares.to_file(tmp_path / "map.gpkg")
    districts = read_districts(tmp_path / "map.gpkg", **named)
    assert districts.roles.shares_only
    assert districts.table["right"].dtype == np.float64
    np.testing.assert_allclose(districts.share("Right"), shares["right"] / 100, rtol=1e-15)
    with pytest.raises(KeyError, match="have shares of votes, not votes"):
        districts.votes("Right")
    # A share beyond the first decimal changes what a fit was made of.
    moved = shares.assign(right=shares["right"] + 0.04)
    moved.to_file(tmp_path / "moved.gpkg")
    again = read_districts(tmp_path / "moved.gpkg", **named)
    assert again.fingerprint["data"] != districts.fingerprint["data"]


def test_rounded_shares_may_sum_a_little_above_one_whole(shares, named, tmp_path):
    shares.assign(left=100.2 - shares["right"]).to_file(tmp_path / "map.gpkg")
    districts = read_districts(tmp_path / "map.gpkg", **named)
    assert (districts.share("Right") + districts.share("Left")).max() > 1


#: Name of a case: changed columns, changed arguments, every problem in full.
WRONG = {
    "above one whole": (
        lambda t: {"right": np.r_[110.0, t["right"][1:]]},
        {},
        (
            "share 'right' is above 100 in 1 district (id '0101'), which 'percent' cannot be: declare the "
            "unit it is in ('fraction', 'percent', 'per thousand', 'per ten thousand'), or mend the values",
        ),
    ),
    "negative": (
        lambda t: {"left": np.r_[-1.0, t["left"][1:]]},
        {},
        (
            "share 'left' is negative in 1 district (id '0101'): shares lie between 0 and one whole; a "
            "difference of shares is a covariate without unit",
        ),
    ),
    "parties above one whole": (
        lambda t: {"left": 102.0 - t["right"]},
        {},
        (
            "shares of 'Right', 'Left' together exceed one whole in 12 districts (ids '0101', '0102', '0103' "
            "and 9 more): check that all are shares of the same votes, and that no list is counted under two "
            "parties",
        ),
    ),
    "zero everywhere": (
        lambda t: {"left": 0.0},
        {},
        (
            "column 'left' (votes of 'Left') is zero in every district: leave the party out, or name the "
            "column that holds its votes",
        ),
    ),
    "one unit missing": (
        None,
        {"units": {"migrants": "percent", "right": "percent"}},
        (
            "votes columns 'left' have no unit, and others hold shares: pass units={'left': ...} with one of "
            "'fraction', 'percent', 'per thousand', 'per ten thousand'",
        ),
    ),
    "valid votes too": (
        lambda t: {"all": 500},
        {"valid": "all", "votes": {"Right": "right"}, "units": {"migrants": "percent", "right": "percent"}},
        (
            "votes column 'right' is a share ('percent'), and valid votes are named: leave the unit out "
            "where it holds counts, or leave valid out where it holds shares",
            "column 'right' (votes of 'Right') is fractional in 9 districts (ids '0103', '0104', '0106' and "
            "6 more): give counts as they were counted, not shares or figures carried over from other "
            "boundaries",
        ),
    ),
    "a gap": (
        lambda t: {"right": np.r_[np.nan, t["right"][1:]]},
        {},
        (
            "column 'right' has no value in 1 district (id '0101'): fill them in, leave the column out, or "
            "pass missing='drop' to leave these districts out",
        ),
    ),
}


@pytest.mark.parametrize(("change", "changed", "told"), WRONG.values(), ids=list(WRONG))
def test_wrong_shares(shares, named, tmp_path, change, changed, told):
    table = shares if change is None else shares.assign(**change(shares))
    table.to_file(tmp_path / "map.gpkg")
    with pytest.raises(DataError) as caught:
        read_districts(tmp_path / "map.gpkg", **{**named, **changed})
    assert tuple(str(problem) for problem in caught.value.problems) == told
