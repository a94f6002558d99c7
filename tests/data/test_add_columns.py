"""Further columns for districts."""

import numpy as np
import pandas as pd
import pytest

from spatialvote.data.add_columns import add_columns
from spatialvote.data.errors import DataError
from spatialvote.data.simulate import simulate_city


@pytest.fixture(scope="module")
def districts():
    return simulate_city(seed=1, n_districts=20).districts


def column(districts, **changes):
    values = pd.DataFrame({"halo": np.arange(districts.n, dtype=float)}, index=districts.ids)
    return values.assign(**changes)


def test_rows_are_matched_by_id(districts):
    shuffled = column(districts).sample(frac=1, random_state=3)
    added = add_columns(districts, shuffled, units={"halo": "percentage points"}, note="from a grid")
    assert added.table["halo"].tolist() == list(range(20))
    assert added.roles.covariates[-1] == "halo"
    assert added.roles.units["halo"] == "percentage points"
    assert added.record.notes[-1] == "from a grid"
    assert added.fingerprint["data"] != districts.fingerprint["data"]
    assert added.fingerprint["graph"] == districts.fingerprint["graph"]


def test_a_new_column_can_be_the_migrants(districts):
    added = add_columns(districts, column(districts), units={"halo": "percent"}, migrants="halo")
    assert added.roles.migrants == "halo"
    assert "migrant_share" in added.roles.covariates
    assert "halo" not in added.roles.covariates


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        (lambda one: one.iloc[1:], {}, r"have no row in 1 district \(id 'D01'\)|have no row in 1 "),
        (lambda one: pd.concat([one, one.iloc[:1]]), {}, "repeat ids .'D01'"),
        (lambda one: one.rename(columns={"halo": "income"}), {}, "columns 'income' are there already"),
        (lambda one: one.where(one["halo"] != 3), {}, "'halo' has no finite value"),
        (lambda one: one, {"migrants": "share"}, "'share' is none of the new columns"),
    ],
)
def test_columns_that_do_not_fit(districts, change, arguments, message):
    with pytest.raises(DataError, match=message):
        add_columns(districts, change(column(districts)), **arguments)
