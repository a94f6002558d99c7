"""Group-level terms: which are read, and which are refused with what words."""

import numpy as np
import pandas as pd
import pytest

from spatialvote.data.errors import ModelError
from spatialvote.models.design import build_design
from spatialvote.models.groups import bind_groups, correlation_names, group_effects_of, group_names


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
    assert group_names("a ~ (1 | land) + x + (1|`big city`)") == ("land", "big city")
    assert group_names("a ~ (1 | land + town)") == ("land", "town")
    assert group_names("a ~ x + bs(y, df=4)") == ()


@pytest.mark.parametrize(
    ("term", "names", "blocks"),
    [
        ("(1 + x | g)", ("g", "x|g"), (0, 0)),
        ("(x | g)", ("g", "x|g"), (0, 0)),
        ("(0 + x | g)", ("x|g",), (0,)),
        ("(1 | g) + (0 + x | g)", ("g", "x|g"), (0, 1)),
        ("(1 + x | a / b)", ("a", "x|a", "a:b", "x|a:b"), (0, 0, 1, 1)),
        ("(1 | a:b)", ("a:b",), (0,)),
        ("(1 + x + z | g)", ("g", "x|g", "z|g"), (0, 0, 0)),
        ("(1 + bs(x, df=4) | g)", ("g", "bs(x, df=4)|g"), (0, 0)),
    ],
)
def test_terms_are_read_as_lme4_reads_them(term, names, blocks):
    """Effects in one pair of parentheses are correlated; nested levels stand for two terms."""
    effects = group_effects_of(f"party ~ x + z + {term}")
    assert tuple(one.name for one in effects) == names
    assert tuple(one.block for one in effects) == blocks


def test_correlations_are_named_by_what_they_are_between():
    assert correlation_names(group_effects_of("p ~ (1 + x + z | g)")) == (("x|g",), ("z|g", "x:z|g"))


def test_nested_levels_are_combinations(make_districts):
    districts = make_districts()
    districts.table["half"] = np.where(np.arange(districts.n) < 16, "north", "south")
    design = build_design("party ~ migrants + (1 + migrants | half / quarter)", districts)
    names = [group.name for group in design.groups]
    assert names == ["half", "migrants|half", "half:quarter", "migrants|half:quarter"]
    assert design.groups[2].levels == ("north:new", "north:old", "south:new", "south:old")
    columns = design.group_columns(design.groups[3])
    np.testing.assert_allclose(columns.sum(axis=1), design.standardised[:, 0])
    del districts.table["half"]


def test_evaluating_another_table_leaves_groups_out(make_districts):
    districts = make_districts()
    design = build_design("party ~ migrants + (1 | quarter)", districts)
    table = districts.table.drop(columns="geometry")
    np.testing.assert_allclose(design.evaluate(table), design.matrix)


SUPPORTED = r": write '\(1 \| column\)' for an intercept, or '\(1 \+ covariate \| column\)' for an intercept"


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("party ~ (1 | C(quarter))", r"levels that are no columns, 'C\(quarter\)'"),
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


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("party ~ (migrants | quarter)", "'migrants' is no covariate of numbers in it: enter 'migrants'"),
        ("party ~ migrants + (1 | quarter) + (migrants | quarter)", "has the effects .quarter. twice"),
    ],
)
def test_slopes_without_covariate_and_repeated_effects_are_refused(make_districts, formula, message):
    with pytest.raises(ModelError, match=message):
        build_design(formula, make_districts())


def test_columns_that_cannot_group_are_told_together(make_districts):
    table = pd.DataFrame(make_districts().table.drop(columns="geometry"))
    table = table.assign(one="all", own=list(map(str, range(len(table)))), gap=table["quarter"])
    table.loc[table.index[:4], "gap"] = None
    with pytest.raises(ModelError) as raised:
        bind_groups("party ~ (1|town) + (1|migrants) + (1|gap)", table)
    told = [str(problem) for problem in raised.value.problems]
    assert "groups by 'town', which is no column of the table: name it in groups when reading" in told[0]
    assert "groups by 'migrants', which holds numbers: name it in groups when reading" in told[1]
    assert "group 'gap' has no value in 4 districts: give every district a level" in told[2]
    with pytest.raises(ModelError) as raised:
        bind_groups("party ~ (1|one) + (1|own)", table)
    told = [str(problem) for problem in raised.value.problems]
    assert "group 'one' has one level, 'all', in all 31 districts: leave the term out" in told[0]
    assert "group 'own' has a level of its own for each of 31 districts: leave the term out" in told[1]
