"""Predictions, comparisons and slopes against the same arithmetic written out by hand."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from spatialvote.analysis.effects.comparisons import comparisons
from spatialvote.analysis.effects.effect import effect
from spatialvote.analysis.effects.grid import NO_DISTRICT, datagrid
from spatialvote.analysis.effects.predictions import predictions
from spatialvote.analysis.effects.slopes import slopes
from spatialvote.data.errors import FitError, ModelError
from spatialvote.models.fit import Fit
from spatialvote.models.vote_share import VoteShareModel

QUICK = {"engine": "laplace", "seed": 2, "draws": 200, "progress": False}


@pytest.fixture(scope="module")
def grouped(districts):
    """Districts in three regions, of two kinds, with residents; and a fit with a curve and an interaction."""
    rng = np.random.default_rng(8)
    table = districts.table.assign(
        region=rng.choice(["east", "north", "west"], districts.n),
        kind=rng.choice(["rural", "urban"], districts.n),
        residents=rng.integers(0, 5000, districts.n),
    )
    here = replace(districts, table=table, roles=replace(districts.roles, groups=("region",)))
    model = VoteShareModel("pvv ~ migrants + migrants:income + kind + (1 | region)", structure="leroux")
    return model.fit(here, **QUICK), here


def by_hand(fit, districts, **values):
    """Linear predictor of every district with some columns at other values, (samples, n)."""
    old, new = districts.table, districts.table.assign(**values)
    slope = dict(zip(fit.coefficients, (fit.draws("beta") / fit.constant("scale")).T, strict=True))
    eta = fit.draws("eta")
    for name, b in slope.items():
        before, after = (
            {
                "migrants": one["migrants"],
                "migrants:income": one["migrants"] * one["income"],
                "kind[urban]": one["kind"] == "urban",
            }[name].to_numpy(np.float64)
            for one in (old, new)
        )
        eta = eta + b[:, None] * (after - before)
    levels = {name: k for k, name in enumerate(("east", "north", "west"))}
    effects = fit.draws("effect_region")
    before, after = (one["region"].map(levels).to_numpy() for one in (old, new))
    return eta + effects[:, after] - effects[:, before]


def test_the_vote_of_every_district(grouped):
    fit, districts = grouped
    found = predictions(fit, districts, by="rows", level=0.8, null=25)
    share = 100 * expit(fit.draws("eta"))
    np.testing.assert_allclose(found.draws, share, rtol=1e-9)
    table = found.table
    assert list(table["district"]) == list(districts.ids)
    np.testing.assert_allclose(table[["low", "high"]].T, np.quantile(share, [0.1, 0.9], axis=0), rtol=1e-9)
    np.testing.assert_allclose(table["probability_above"], (share > 25).mean(axis=0))
    np.testing.assert_allclose(
        table["probability_of_direction"], np.maximum((share > 25).mean(axis=0), (share < 25).mean(axis=0))
    )


def test_the_direction_of_a_prediction_is_from_what_all_voted(grouped):
    fit, districts = grouped
    found = predictions(fit, districts)
    assert found.null == pytest.approx(100 * districts.votes("pvv").sum() / districts.valid.sum())
    assert (found.unit, found.level) == ("percent of the vote", 0.95)


@pytest.mark.parametrize("weighting", ["districts", "voters", "residents"])
def test_averages_of_counterfactual_copies(grouped, weighting):
    fit, districts = grouped
    found = predictions(
        fit, districts, {"migrants": [5, 20], "region": ["west"]}, by="kind", weighting=weighting
    )
    weight = {
        "districts": np.ones(districts.n),
        "voters": districts.valid,
        "residents": districts.table["residents"].to_numpy(),
    }[weighting]
    assert list(found.labels.columns) == ["migrants", "region", "kind"]
    assert len(found.labels) == 4
    for k, label in found.labels.iterrows():
        share = 100 * expit(by_hand(fit, districts, migrants=label["migrants"], region="west"))
        here = (districts.table["kind"] == label["kind"]).to_numpy()
        np.testing.assert_allclose(
            found.draws[:, k], share[:, here] @ weight[here] / weight[here].sum(), rtol=1e-6
        )
    assert {"districts": "each counting the same", "voters": "voters", "residents": "‘residents’"}[
        weighting
    ] in found.averaged


def test_a_district_that_is_typical_has_no_effect_of_its_own(grouped):
    fit, districts = grouped
    grid = datagrid(fit, districts, "mean", {"kind": ["rural", "urban"], "region": "north"})
    assert (grid.district == NO_DISTRICT).all()
    found = predictions(fit, districts, grid=grid)
    mean = districts.table[["migrants", "income"]].mean()
    slope = fit.draws("beta") / fit.constant("scale")
    for k, kind in enumerate(["rural", "urban"]):
        row = {
            "migrants": mean["migrants"],
            "migrants:income": mean["migrants"] * mean["income"],
            "kind[urban]": kind == "urban",
        }
        x = np.array([row[name] for name in fit.coefficients], dtype=float)
        eta = fit.draws("intercept") + slope @ (x - fit.constant("center")) + fit.draws("effect_region")[:, 1]
        np.testing.assert_allclose(found.draws[:, k], 100 * expit(eta), rtol=1e-9)
    without = predictions(fit, districts, {"kind": "rural"}, grid="mean")
    bare = found.draws[:, 0] / 100
    np.testing.assert_allclose(
        without.draws[:, 0],
        100 * expit(np.log(bare / (1 - bare)) - fit.draws("effect_region")[:, 1]),
        rtol=1e-9,
    )


def test_a_balanced_grid_has_every_category(grouped):
    fit, districts = grouped
    grid = datagrid(fit, districts, "balanced", {"migrants": [5, 20]})
    assert len(grid.table) == 4
    assert set(map(tuple, grid.table[["kind", "migrants"]].to_numpy())) == {
        (kind, share) for kind in ("rural", "urban") for share in (5, 20)
    }
    assert (grid.table["income"] == districts.table["income"].mean()).all()
    assert "region" not in grid.table


def test_comparisons_are_effects(grouped):
    fit, districts = grouped
    for weighting in ("districts", "voters"):
        found = comparisons(fit, districts, {"migrants": 7.5}, weighting=weighting)
        known = effect(fit, districts, "migrants", points=7.5, weighting=weighting)
        np.testing.assert_allclose(found.draws[:, 0], known.draws, rtol=1e-6, atol=1e-9)
    each = comparisons(fit, districts, {"migrants": 7.5}, by="rows").table
    np.testing.assert_allclose(each["estimate"], known.by_district["mean"], rtol=1e-6, atol=1e-9)
    sd = comparisons(fit, districts, {"income": "sd"})
    np.testing.assert_allclose(
        sd.draws[:, 0], effect(fit, districts, "income", points=None).draws, rtol=1e-6, atol=1e-9
    )
    assert sd.labels["contrast"][0] == f"+1 sd ({districts.table['income'].std(ddof=0):.4g})"


@pytest.mark.parametrize("comparison", ["difference", "ratio", "lift"])
def test_categories_and_groups_are_compared(grouped, comparison):
    fit, districts = grouped
    found = comparisons(fit, districts, {"kind": None, "region": "pairwise"}, comparison=comparison)
    assert list(found.labels["contrast"]) == [
        "rural to urban",
        "east to north",
        "east to west",
        "north to west",
    ]
    pairs = [("kind", "rural", "urban"), ("region", "east", "north")]
    for k, (column, low, high) in enumerate(pairs):
        a, b = (expit(by_hand(fit, districts, **{column: one})).mean(axis=1) for one in (low, high))
        expected = {"difference": 100 * (b - a), "ratio": b / a, "lift": 100 * (b / a - 1)}[comparison]
        np.testing.assert_allclose(found.draws[:, k], expected, rtol=1e-5, atol=1e-9)
    assert found.null == (comparison == "ratio")


def test_slopes_are_small_comparisons(grouped):
    fit, districts = grouped
    found = slopes(fit, districts, by="region", weighting="residents")
    assert list(found.labels["per"]) == ["percentage point"] * 3 + ["1000 EUR"] * 3
    share, weight = expit(fit.draws("eta")), districts.table["residents"].to_numpy()
    slope = dict(zip(fit.coefficients, (fit.draws("beta") / fit.constant("scale")).T, strict=True))
    crossed, income = slope["migrants:income"], districts.table["income"].to_numpy()
    by_migrants = 100 * share * (1 - share) * (slope["migrants"][:, None] + crossed[:, None] * income)
    by_income = 100 * share * (1 - share) * crossed[:, None] * districts.table["migrants"].to_numpy()
    for k, label in found.labels.iterrows():
        here = (districts.table["region"] == label["region"]).to_numpy()
        each = by_migrants if label["variable"] == "migrants" else by_income
        np.testing.assert_allclose(
            found.draws[:, k], each[:, here] @ weight[here] / weight[here].sum(), rtol=1e-5, atol=1e-8
        )


def test_counts_are_rates(counts):
    fit = VoteShareModel("pvv ~ migrants", family="poisson", structure="iid").fit(counts, **QUICK)
    rate = np.exp(fit.draws("eta"))
    np.testing.assert_allclose(predictions(fit, counts).draws[:, 0], rate.mean(axis=1), rtol=1e-9)
    # The rate of every district changes by the same factor.
    lift = comparisons(fit, counts, {"migrants": 10}, comparison="lift")
    np.testing.assert_allclose(lift.draws[:, 0], effect(fit, counts).draws, rtol=1e-6)
    slope = fit.draws("beta") / fit.constant("scale")
    np.testing.assert_allclose(slopes(fit, counts).draws, rate.mean(axis=1)[:, None] * slope, rtol=1e-6)


def test_blocks_of_rows_make_no_difference(grouped, monkeypatch):
    fit, districts = grouped
    whole = predictions(fit, districts, by="region").draws
    monkeypatch.setattr("spatialvote.analysis.effects.average._BLOCK", 7)
    np.testing.assert_allclose(predictions(fit, districts, by="region").draws, whole, rtol=1e-12)


def test_what_lies_beyond_the_observed_is_told(grouped):
    fit, districts = grouped
    assert "146 of 146 rows lie beyond" in comparisons(fit, districts, {"migrants": (0, 90)}).note
    note = comparisons(fit, districts, {"migrants": -10}).note
    assert f"{(districts.table['migrants'] < 10).sum()} of 146 rows would leave 0 to 100 %" in note
    assert comparisons(fit, districts, {"migrants": 1, "kind": None}).note == ""


@pytest.mark.parametrize(
    ("ask", "arguments", "message"),
    [
        (predictions, {"level": 1}, r"level must lie between 0 and 1, got 1"),
        (predictions, {"grid": "median"}, r"grid 'median' is unknown: use one of 'counterfactual'"),
        (predictions, {"variables": {"education": 1}}, r"the formula has no column 'education': it has 'mi"),
        (predictions, {"variables": {"migrants": "many"}}, r"'migrants' is given 'many', no finite number"),
        (predictions, {"variables": {"migrants": []}}, r"'migrants' is given no value"),
        (predictions, {"variables": {"kind": "suburban"}}, r"no district has 'suburban' in column 'kind'"),
        (predictions, {"by": "province"}, r"by 'province': no such column: use 'all', 'rows' or one of"),
        (
            predictions,
            {"grid": "mean", "weighting": "voters"},
            r"'voters' needs districts, and a 'mean' grid",
        ),
        (predictions, {"weighting": "area"}, r"weighting 'area' is unknown"),
        (comparisons, {"variables": "valid"}, r"the formula has no column 'valid'"),
        (comparisons, {"variables": {"migrants": 0}}, r"'migrants' cannot be moved by 0"),
        (comparisons, {"variables": {"migrants": (4, 4)}}, r"'migrants' cannot be moved by \(4, 4\)"),
        (comparisons, {"variables": {"kind": 2, "income": "mad"}}, r"2 problems"),
        (comparisons, {"comparison": "odds", "level": 2}, r"2 problems"),
        (comparisons, {"variables": "region", "grid": "mean"}, r"a 'mean' grid have no 'region'"),
        (slopes, {"variables": ["migrants", "kind"]}, r"'kind' has no slope: name columns of numbers"),
    ],
)
def test_what_cannot_be_asked(grouped, ask, arguments, message):
    with pytest.raises(ModelError, match=message):
        ask(*grouped, **arguments)


def test_unknown_values_are_moved_and_not_replaced(grouped):
    """How far a district is from a given value is not known where its own is not."""
    fit, districts = grouped
    tree = fit.tree.copy()
    tree["posterior"] = (
        tree["posterior"]
        .to_dataset()
        .assign(unknown=(("chain", "draw", "unknown_value"), fit.draws("intercept")[None, :, None]))
        .assign_coords(unknown_value=["migrants[D001]"])
    )
    uncertain = Fit(tree, fit.model, fit.record)
    assert uncertain.unknown == ("migrants[D001]",)
    for ask, values in ((predictions, {"migrants": 5}), (comparisons, {"migrants": (5, 20)})):
        with pytest.raises(ModelError, match="'migrants' are unknowns of the fit: move the column by a"):
            ask(uncertain, districts, values)
    np.testing.assert_array_equal(
        comparisons(uncertain, districts, {"migrants": 10}).draws,
        comparisons(fit, districts, {"migrants": 10}).draws,
    )
    assert len(predictions(uncertain, districts, {"migrants": 5}, grid="mean").labels) == 1


def test_values_come_once(grouped):
    grid = datagrid(*grouped, "mean", {"migrants": 5})
    with pytest.raises(ModelError, match="values come with the grid and beside it"):
        predictions(*grouped, {"migrants": 5}, grid=grid)
    with pytest.raises(ModelError, match=r"the grid has 12,000 rows: give fewer values"):
        datagrid(*grouped, "mean", {"migrants": np.arange(120), "income": np.arange(100)})


def test_a_term_without_a_value(districts):
    fit = VoteShareModel("pvv ~ np.log(migrants)", structure="none").fit(districts, **QUICK)
    with pytest.raises(ModelError, match=r"has no value in 146 rows of the grid"):
        predictions(fit, districts, {"migrants": -1})


def test_other_districts_than_the_fits(grouped, counts):
    with pytest.raises(FitError, match="ids are only in the fit"):
        predictions(grouped[0], counts)


def test_printed(grouped):
    text = str(comparisons(*grouped, {"migrants": 10}))
    assert text.startswith("comparisons (percentage points), 95 % intervals; averaged over districts, each")
    assert "+10 points" in text
