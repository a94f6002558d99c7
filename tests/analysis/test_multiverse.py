"""The multiverse: which combinations there are, that each is the fit it says, and what moves estimates."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from spatialvote.analysis.effects.effect import effect
from spatialvote.analysis.loo import loo
from spatialvote.analysis.multiverse.choices import MAIN, Choices
from spatialvote.analysis.multiverse.decomposition import by_choice, decompose
from spatialvote.analysis.multiverse.grid import Grid, Specification, build_grid
from spatialvote.analysis.multiverse.multiverse import Multiverse, run_multiverse, without_shapes
from spatialvote.analysis.terms import columns_of, same_terms, split_terms, with_column
from spatialvote.data.errors import ModelError
from spatialvote.models.priors import PCRho, Priors
from spatialvote.models.vote_share import VoteShareModel

MODEL = VoteShareModel("pvv ~ migrants + income", structure="iid")
SETS = {"none": (), "income": ("income",)}


def choices(model=MODEL, **given):
    return Choices(model.to_dict(), "migrants", **given)


# Terms


def test_terms_are_split_at_the_top_and_name_their_columns():
    right = "bs(migrants, df=4) + migrants:income+(1 | state) + np.log(`mean age`)"
    terms = split_terms(right)
    assert terms == ("bs(migrants, df=4)", "migrants:income", "(1 | state)", "np.log(`mean age`)")
    assert [columns_of(one) for one in terms] == [
        ("migrants",),
        ("migrants", "income"),
        ("state",),
        ("mean age",),
    ]
    assert (
        with_column("migrants : migrants_2021", "migrants", "born abroad") == "`born abroad` : migrants_2021"
    )
    assert same_terms(["a + b", "c"], ["c", "a+b"])
    assert not same_terms(["a"], ["a", "b"])


# Combinations


def test_every_combination_is_a_specification_in_order():
    grid = build_grid(choices(covariates=SETS, structures=("bym2", "iid"), families=("binomial", "gaussian")))
    assert grid.combinations == len(grid.specifications) == 8
    assert grid.left_out == {}
    assert grid.varied == ("covariates", "family", "structure")
    assert [one.number for one in grid.specifications] == list(range(1, 9))
    assert {one.model.formula for one in grid.specifications} == {"pvv ~ migrants", "pvv ~ migrants + income"}
    (main,) = [one for one in grid.specifications if one.main]
    assert main.model == MODEL
    assert main.in_grid


def test_what_a_structure_does_not_use_makes_no_other_specification():
    priors = {"usual": MODEL.to_dict()["priors"]}
    priors["noisy"] = {**priors["usual"], "noise": {"prior": "half_normal", "scale": 1.0}}
    grid = build_grid(
        choices(structures=("bym2", "iid"), graphs=("queen", "near"), priors=priors, graph="queen")
    )
    # Noise is a parameter of neither; iid has no links.
    assert grid.combinations == 8
    assert [one.choices["graph"] for one in grid.specifications] == [("queen",), ("near",), ("queen", "near")]
    assert {one.choices["priors"] for one in grid.specifications} == {("usual", "noisy")}
    assert list(grid.left_out.values()) == [5]


def test_rules_exclude_what_matches_all_of_them():
    rules = ({"structure": ("iid",), "covariates": ("none", "income")}, {"structure": ("sar",)})
    sets = {**SETS, "curve": ("bs(income, df=3)",)}
    grid = build_grid(choices(covariates=sets, structures=("bym2", "iid", "sar"), exclude=rules))
    assert [(one.choices["covariates"][0], one.model.structure) for one in grid.specifications] == [
        ("none", "bym2"),
        ("income", "bym2"),
        ("curve", "bym2"),
        ("curve", "iid"),
        ("income", "iid"),
    ]
    assert grid.left_out == {
        "excluded by rule 1: structure iid and covariates none or income": 2,
        "excluded by rule 2: structure sar": 3,
    }


def test_a_main_model_that_is_excluded_is_fitted_and_not_counted():
    grid = build_grid(choices(structures=("bym2", "leroux"), covariates=SETS))
    last = grid.specifications[-1]
    assert (last.main, last.in_grid, last.number, last.model) == (True, False, 5, MODEL)
    assert sum(one.main for one in grid.specifications) == 1


def test_what_cannot_be_is_left_out_with_its_reason():
    model = VoteShareModel("pvv ~ migrants + income", priors=Priors(rho=PCRho()))
    grid = build_grid(choices(model, structures=("bym2", "leroux"), covariates=SETS))
    assert grid.left_out == {"the PC prior of rho is made for structure 'bym2', not for 'leroux'": 2}
    twice = build_grid(choices(migrants=("migrants", "income"), covariates=SETS))
    assert twice.left_out == {"'income' would be migrant measure and covariate at once": 1}
    assert [one.model.formula for one in twice.specifications] == [
        "pvv ~ migrants",
        "pvv ~ migrants + income",
        "pvv ~ income",
    ]


def test_terms_of_migrants_stay_with_every_set_and_follow_the_measure():
    model = VoteShareModel("pvv ~ bs(migrants, df=3) + income", structure="none")
    grid = build_grid(choices(model, migrants=("migrants", "abroad"), covariates=SETS))
    assert [one.model.formula for one in grid.specifications] == [
        "pvv ~ bs(migrants, df=3)",
        "pvv ~ bs(migrants, df=3) + income",
        "pvv ~ bs(abroad, df=3)",
        "pvv ~ bs(abroad, df=3) + income",
    ]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "there is nothing to choose: give two choices or more"),
        ({"structures": ("iid",)}, "there is nothing to choose"),
        (
            {"structures": ("iid", "bym2"), "exclude": ({"strukture": ("iid",)},)},
            "rule 1 of exclude names 'st",
        ),
        ({"structures": ("iid", "bym2"), "exclude": ({},)}, "rule 1 of exclude names nothing"),
        (
            {"structures": ("iid", "bym2"), "exclude": ({"structure": ("sar",)},)},
            "names structure 'sar', which is no choice: use 'iid', 'bym2'",
        ),
    ],
)
def test_choices_that_are_none_are_refused(given, message):
    with pytest.raises(ModelError, match=message):
        choices(**given)


def test_a_formula_without_the_migrants_is_refused():
    with pytest.raises(ModelError, match="does not name the migrants' column 'migrants'"):
        choices(VoteShareModel("pvv ~ income"), structures=("iid", "bym2"))


def test_excluding_everything_is_refused():
    rules = ({"structure": ("iid", "bym2")},)
    with pytest.raises(ModelError, match="none of 2 combinations is left"):
        build_grid(choices(structures=("iid", "bym2"), exclude=rules))


# Fits


@pytest.fixture(scope="module")
def found(districts):
    """Four specifications, and one whose columns determine each other."""
    sets = {**SETS, "twice": ("income", "I(2 * income)")}
    grid = build_grid(
        choices(
            covariates=sets,
            structures=("iid", "bym2"),
            exclude=({"structure": ("bym2",), "covariates": ("twice",)},),
        )
    )
    return run_multiverse(grid, {MAIN: districts}, seed=5, draws=400, cores=1)


def test_each_row_is_the_fit_that_it_says(found, districts):
    row = found.table.iloc[3]
    assert (row["covariates"], row["structure"]) == ("income", "bym2")
    fit = replace(MODEL, structure="bym2", priors=Priors()).fit(
        districts, "laplace", seed=5, draws=400, cores=1, progress=False
    )
    expected = effect(fit, districts)
    assert row["effect"] == pytest.approx(expected.mean, rel=1e-9)
    assert (row["effect_low"], row["effect_high"]) == pytest.approx((expected.low, expected.high), rel=1e-9)
    assert row["effect_positive"] == expected.probability_positive
    slope = fit.draws("beta")[:, 0] / fit.constant("scale")[0] * 10
    assert (row["coefficient"], row["coefficient_sd"]) == pytest.approx((slope.mean(), slope.std()), rel=1e-9)
    assert row["rho"] == pytest.approx(fit.draws("rho").mean(), rel=1e-9)
    assert row["elpd"] == pytest.approx(loo(fit, fit.model.posterior(districts)[0]).total, rel=1e-9)
    assert row["k_hat"] == pytest.approx(fit.record["laplace"]["k_hat"])
    assert row["districts"] == districts.n


def test_what_cannot_be_fitted_says_why_and_is_not_counted(found):
    (failed,) = found.table[found.table["failure"] != ""].itertuples()
    assert "determine each other" in failed.failure
    assert not failed.reliable
    assert np.isnan(failed.effect)
    assert len(found.fitted) == 4
    assert found.main["formula"] == MODEL.formula


def test_fingerprints_tell_specifications_apart_and_repeat(found, districts):
    assert found.table["fingerprint"].is_unique
    again = run_multiverse(found.grid, {MAIN: districts}, seed=5, draws=400, cores=1)
    changing = ["seconds"]
    pd.testing.assert_frame_equal(again.table.drop(columns=changing), found.table.drop(columns=changing))
    other = run_multiverse(found.grid, {MAIN: districts}, seed=6, draws=400, cores=1)
    assert not set(other.table["fingerprint"]) & set(found.table["fingerprint"])


def test_districts_travel_without_shapes_and_stay_the_same_data(districts):
    bare = without_shapes(districts)
    assert not bare.has_geometry
    assert dict(bare.fingerprint) == dict(districts.fingerprint)


# What moves the estimates


def made(effects, half=0.5, names=("covariates", "structure"), options=(("a", "b"), ("x", "y", "z"))):
    """A multiverse of known estimates, in the order of all combinations of two dimensions."""
    listed = dict(zip(names, options, strict=True))
    combined = [(one, two) for one in options[0] for two in options[1]]
    specifications = tuple(
        Specification(
            number,
            {"party": ("pvv",), names[0]: (one,), names[1]: (two,)},
            MODEL,
            "migrants",
            MAIN,
            number == 1,
        )
        for number, (one, two) in enumerate(combined, 1)
    )
    table = pd.DataFrame({"specification": range(1, len(effects) + 1), "effect": effects})
    table["main"], table["in_grid"], table["failure"], table["reliable"] = (
        table["specification"] == 1,
        True,
        "",
        True,
    )
    table["effect_low"], table["effect_high"] = table["effect"] - half, table["effect"] + half
    return Multiverse(
        Grid(listed, specifications, {}, len(combined)),
        table,
        10.0,
        "districts",
        1,
        1000,
        "percentage points",
        1.0,
    )


def test_variance_is_taken_apart_as_analysis_of_variance_does():
    rng = np.random.default_rng(4)
    values = np.array([0.0, 1.0])[:, None] + np.array([0.0, 0.3, -0.2]) + rng.normal(0, 0.1, (2, 3))
    parts = decompose(made(values.ravel()))
    total = ((values - values.mean()) ** 2).sum()
    rows = 3 * ((values.mean(axis=1) - values.mean()) ** 2).sum() / total
    columns = 2 * ((values.mean(axis=0) - values.mean()) ** 2).sum() / total
    assert list(parts.parts) == ["covariates", "structure"]
    assert list(parts.parts.values()) == pytest.approx([rows, columns])
    assert parts.together == pytest.approx(1 - rows - columns)
    assert parts.shared == pytest.approx(0, abs=1e-12)
    assert parts.spread == pytest.approx(values.std())


def test_estimates_that_are_all_the_same_have_nothing_to_take_apart():
    parts = decompose(made(np.full(6, 0.4)))
    assert set(parts.parts.values()) == {0.0}
    assert parts.spread == 0


def test_signs_are_counted_by_choice():
    multiverse = made([-1.0, -0.2, 0.3, 0.6, 0.7, 0.1])
    assert (multiverse.above, multiverse.clearly_above, multiverse.clearly_below) == pytest.approx(
        (4 / 6, 2 / 6, 1 / 6)
    )
    table = by_choice(multiverse).set_index("choice")
    assert table.loc["a", ["specifications", "least", "greatest"]].tolist() == [3, -1.0, 0.3]
    assert table["above"].to_dict() == pytest.approx({"a": 1 / 3, "b": 1, "x": 0.5, "y": 0.5, "z": 1})
    assert table["clear"].to_dict() == pytest.approx({"a": 1 / 3, "b": 2 / 3, "x": 1, "y": 0.5, "z": 0})
