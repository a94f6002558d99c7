"""Group-level terms: which are read, and which are refused with what words."""

import numpy as np
import pandas as pd
import pytest

from spatialvote.data.errors import ModelError
from spatialvote.models.design import build_design
from spatialvote.models.groups import bind_groups, group_columns


def test_levels_are_sorted_and_every_district_has_one(make_districts):
    districts = make_districts()
    design = build_design("party ~ migrants + (1 | quarter)", districts)
    assert design.names == ("migrants",)
    (group,) = design.groups
    assert (group.name, group.hyperparameter, group.levels) == ("quarter", "sd_quarter", ("new", "old"))
    np.testing.assert_array_equal(group.matrix.sum(axis=1), 1)
    np.testing.assert_array_equal(group.matrix[:, 1] == 1, districts.table["quarter"] == "old")


def test_a_group_alone_leaves_the_intercept(make_districts):
    design = build_design("party ~ (1|quarter)", make_districts())
    assert design.names == ()
    assert [one.name for one in design.groups] == ["quarter"]


def test_groups_keep_the_order_of_the_formula_and_names_with_spaces():
    assert group_columns("a ~ (1 | land) + x + (1|`big city`)") == ("land", "big city")
    assert group_columns("a ~ (1 | land + town)") == ("land", "town")
    assert group_columns("a ~ x + bs(y, df=4)") == ()


def test_evaluating_another_table_leaves_groups_out(make_districts):
    districts = make_districts()
    design = build_design("party ~ migrants + (1 | quarter)", districts)
    table = districts.table.drop(columns="geometry")
    np.testing.assert_allclose(design.evaluate(table), design.matrix)


SUPPORTED = r": write '\(1 \| column\)' for an intercept that varies between the levels of one column of text"


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("party ~ (migrants | quarter)", r"effects that vary between levels, \(migrants \| quarter\)"),
        ("party ~ (0 + migrants | quarter)", r"effects that vary between levels"),
        ("party ~ (1 | quarter / town)", "levels that are no single column, 'quarter:town'"),
        ("party ~ (1 | quarter:town)", "levels that are no single column"),
        ("party ~ (1 | C(quarter))", r"levels that are no single column, 'C\(quarter\)'"),
        ("party ~ 1 | quarter", r"a '\|' outside parentheses"),
        ("party ~ (1 || quarter)", r"a term with '\|' that cannot be read"),
        ("party ~ migrants * (1 | quarter)", r"a term with '\|' that cannot be read"),
        ("party ~ (migrants + 1 | quarter)", r"a term with '\|' that cannot be read"),
    ],
)
def test_other_terms_are_refused_with_what_is_supported(make_districts, formula, message):
    with pytest.raises(ModelError, match=message + ".*" + SUPPORTED):
        build_design(formula, make_districts())


def test_a_column_is_no_covariate_and_group_at_once(make_districts):
    with pytest.raises(ModelError, match="has 'quarter' both as a covariate and as a group: leave one"):
        build_design("party ~ quarter + (1 | quarter)", make_districts())


def test_columns_that_cannot_group_are_told_together(make_districts):
    table = pd.DataFrame(make_districts().table.drop(columns="geometry"))
    table = table.assign(one="all", own=list(map(str, range(len(table)))), gap=table["quarter"])
    table.loc[table.index[:4], "gap"] = None
    with pytest.raises(ModelError) as raised:
        bind_groups("party ~ (1|town) + (1|migrants) + (1|one) + (1|own) + (1|gap)", table)
    told = [str(problem) for problem in raised.value.problems]
    assert "groups by 'town', which is no column of the table: name it in groups when reading" in told[0]
    assert "groups by 'migrants', which holds numbers: name it in groups when reading" in told[1]
    assert "group 'one' has one level, 'all', in all 31 districts: leave the term out" in told[2]
    assert "group 'own' has a level of its own for each of 31 districts: leave the term out" in told[3]
    assert "group 'gap' has no value in 4 districts: give every district a level" in told[4]
