"""Fits of every structure, family and engine are reviewed and reported, and their words say what they are."""

import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spatialvote.analysis.checks import approximation
from spatialvote.analysis.checks.case import Case
from spatialvote.analysis.coefficients import coefficients, group_effects, hyperparameters
from spatialvote.analysis.report import parts
from spatialvote.analysis.report.engine import engine_words
from spatialvote.analysis.report.page import report
from spatialvote.analysis.report.weights import short_run_table
from spatialvote.analysis.review import Review, review
from spatialvote.data.districts import Districts
from spatialvote.data.errors import ModelError
from spatialvote.data.simulate import SimulatedCity, simulate_city
from spatialvote.models.fit import Fit
from spatialvote.models.vote_share import VoteShareModel

FORMULA = "national_list ~ migrant_share + higher_education + income"
GROUPED = f"{FORMULA} + (1 | quarter)"
AWAY = [3, 10, 11, 40]
SAMPLED = {"draws": 500, "tune": 300, "chains": 4}
#: Name to which districts, what model, which engine, and what the report must say.
FITS: dict[str, tuple[str, dict[str, Any], dict[str, Any], list[str]]] = {
    "bym2": ("counts", {}, {}, ["shared by neighbouring districts", "chains of 500 draws"]),
    "leroux": ("counts", {"structure": "leroux"}, {}, ["near 1 a district is expected to be as its"]),
    "proper_car": ("counts", {"structure": "proper_car"}, {}, ["at rho times the mean of its neighbours"]),
    "sar": ("counts", {"structure": "sar"}, {}, ["rho times the mean of its neighbours' plus"]),
    "dagar": ("counts", {"structure": "dagar"}, {}, ["about the correlation of the effects of two"]),
    "poisson": ("rates", {"family": "poisson"}, {}, ["The rate of", "% of the rate"]),
    "gaussian": (
        "shares",
        {"family": "gaussian", "structure": "leroux"},
        {},
        ["noise: standard deviation of the log-odds", "numbers of votes not used"],
    ),
    "beta_binomial": (
        "counts",
        {"formula": GROUPED, "family": "beta_binomial", "structure": "leroux"},
        {},
        ["overdispersion: how alike two votes", "standard deviation of the effects of ‘quarter’", "levels"],
    ),
    "absent": (
        "absent",
        {"absent": "zero votes"},
        {},
        ["did not stand in 4 of them", "Hatched: the 4 where", "predicted from their covariates"],
    ),
    "laplace": (
        "counts",
        {"formula": GROUPED},
        {"engine": "laplace", "draws": 1000},
        ["Computed by the Laplace engine", "k-hat says how even they are", "effective draws", "16 levels"],
    ),
}


@pytest.fixture(scope="module")
def city() -> SimulatedCity:
    """Eighty districts in sixteen quarters."""
    return simulate_city(seed=3, n_districts=80)


@pytest.fixture(scope="module")
def kinds(city) -> dict[str, Districts]:
    """The same districts with counts, with rates, with shares alone, and with a party that stood in most."""
    districts = city.districts
    table, roles = districts.table, districts.roles
    votes = table["national_list"].to_numpy().copy()
    votes[AWAY] = 0
    units = {**roles.units, "national_list": "percent"}
    only = {"national_list": "national_list"}
    return {
        "counts": districts,
        "rates": replace(districts, roles=replace(roles, valid=None, electorate=None, exposure="persons")),
        "shares": replace(
            districts,
            table=table.assign(national_list=100 * table["national_list"] / table["valid"]),
            roles=replace(roles, votes=only, valid=None, electorate=None, units=units),
        ),
        "absent": replace(districts, table=table.assign(national_list=votes)),
    }


@pytest.fixture(scope="module")
def fitted(kinds) -> Callable[[str], tuple[Fit, Districts, Review]]:
    """A fit by name with its districts and its review, made when it is first asked for."""
    made: dict[str, tuple[Fit, Districts, Review]] = {}

    def make(name: str) -> tuple[Fit, Districts, Review]:
        if name not in made:
            kind, model, engine, _ = FITS[name]
            districts = kinds[kind]
            settings: dict[str, Any] = engine or SAMPLED
            fit = VoteShareModel(**{"formula": FORMULA, **model}).fit(
                districts, seed=2, progress=False, **settings
            )
            made[name] = fit, districts, review(fit, districts)
        return made[name]

    return make


def text_of(path: Path) -> str:
    """What a reader sees of a page."""
    page = re.sub(r"<style.*?</style>|<wbr>", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).replace("\u00a0", " ").split())


@pytest.mark.parametrize("name", FITS)
def test_a_sound_fit_is_reviewed_and_reported(name, fitted, city, tmp_path, monkeypatch):
    # Nobody looks at these pictures: coarse ones are made faster.
    monkeypatch.setattr(parts, "DPI", 40)
    fit, districts, found = fitted(name)
    failed = {check.name for check in found.checks if check.verdict == "fail"}
    assert failed == set(), found.to_frame().loc[list(failed), ["value", "advice"]].to_dict("index")
    names = {check.name for check in found.checks}
    assert ("r_hat" in names) == (fit.engine == "nuts")
    assert ("k_hat" in names) == (fit.engine == "laplace")
    assert ("predictive_zeros" in names) == (name not in ("gaussian", "absent"))
    truth = city.truth if FITS[name][0] == "counts" else None
    page = text_of(report(fit, found, districts, tmp_path / "report.html", truth=truth))
    for words in FITS[name][3]:
        assert words in page
    assert not re.findall(r"\bnan\b|\bNone\b|[Uu]ndefined|\binf\b", page)
    assert ("rank histograms" in (tmp_path / "report.html").read_text()) == (fit.engine == "nuts")
    assert ("ESS, bulk" in page) == (fit.engine == "nuts")


@pytest.mark.parametrize("name", ["leroux", "beta_binomial", "laplace"])
def test_tables_hold_every_hyperparameter(name, fitted):
    fit, _, _ = fitted(name)
    expected = {
        "leroux": ["sigma", "rho"],
        "beta_binomial": ["sigma", "rho", "overdispersion", "sd_quarter"],
        "laplace": ["sigma", "rho", "sd_quarter"],
    }[name]
    assert list(hyperparameters(fit).index) == expected
    for table in (hyperparameters(fit), coefficients(fit)):
        assert ("r_hat" in table) == (fit.engine == "nuts")
        assert np.isfinite(table.select_dtypes("number").to_numpy()).all()


def test_effects_of_a_group_are_those_of_its_levels(fitted):
    fit, districts, _ = fitted("laplace")
    table = group_effects(fit, "quarter")
    assert table["mean"].is_monotonic_decreasing
    assert table["districts"].to_dict() == districts.table["quarter"].value_counts().to_dict()
    assert table.loc["Centre", "mean"] == pytest.approx(
        fit.tree["posterior"]["effect_quarter"].sel(level_quarter="Centre").mean().item()
    )
    with pytest.raises(ModelError, match="'income' is no group of this fit"):
        group_effects(fit, "income")


@pytest.mark.parametrize("name", ["leroux", "beta_binomial", "laplace"])
def test_draws_that_were_changed_are_found(name, fitted, tampered):
    fit, districts, _ = fitted(name)

    def shift(values: np.ndarray) -> None:
        values[..., 0] += 10 * values[..., 0].std()

    changed = review(tampered(fit, "posterior", "beta", shift), districts)
    assert changed["draws_agree"].verdict == "fail"
    assert "'migrant_share'" in changed["draws_agree"].advice

    if fit.groups:

        def narrow(values: np.ndarray) -> None:
            values *= 0.1

        changed = review(tampered(fit, "posterior", "sd_quarter", narrow), districts)
        assert changed["draws_agree"].verdict == "fail"
        assert "spread of 'quarter'" in changed["draws_agree"].advice


def with_report(fit: Fit, **values: object) -> Fit:
    """The same fit with other words about its weights."""
    return Fit(fit.tree, fit.model, {**fit.record, "laplace": {**fit.record["laplace"], **values}})


def test_an_edited_k_hat_is_found(fitted):
    fit, districts, _ = fitted("laplace")
    found = review(with_report(fit, k_hat=0.01), districts)
    assert found["k_hat_record"].verdict == "fail"
    assert "'k_hat'" in found["k_hat_record"].advice
    assert found["k_hat"].value != 0.01, "it is computed again"


def heavy(values: np.ndarray) -> None:
    """Log weights whose tail has an infinite mean: k is 1.5."""
    values[:] = np.random.default_rng(4).exponential(1.5, values.shape)


def of_heavy_weights(fit: Fit, districts: Districts, tampered: Callable[..., Fit], **more: object) -> Fit:
    """A fit whose weights no approximation deserves, with the record that belongs to them."""
    bad = tampered(fit, "sample_stats", "log_ratio", heavy)
    again = approximation.recompute(Case.of(bad, districts, np.random.default_rng(0)))
    # The fit may have needed a short run of its own: only one that is given counts.
    report = {key: one for key, one in bad.record["laplace"].items() if key != "short_run"}
    bare = Fit(bad.tree, bad.model, {**bad.record, "laplace": report})
    return with_report(bare, **again, **more)


def test_a_bad_k_hat_fails(fitted, tampered):
    fit, districts, _ = fitted("laplace")
    found = review(of_heavy_weights(fit, districts, tampered), districts)
    assert found["k_hat_record"].verdict == "pass"
    assert found["k_hat"].value > 0.7
    assert found["k_hat"].verdict == "fail"
    assert "fit with engine 'nuts'" in found["k_hat"].advice
    assert found["importance_ess"].verdict != "pass"


def test_a_short_run_that_agrees_makes_it_a_warning(fitted, tampered):
    fit, districts, _ = fitted("laplace")
    numbers = {"difference": 0.01, "error": 0.02, "ratio": 1.01}
    compared = {"beta[0]": {**numbers, "sound": True}, "rho": {**numbers, "ratio": 1.6, "sound": False}}
    run = {"draws": 250, "chains": 2, "compared": compared}
    found = review(of_heavy_weights(fit, districts, tampered, short_run=run), districts)
    assert found["k_hat"].verdict == "warn"
    assert "agrees on beta['migrant_share'], and not on rho" in found["k_hat"].advice
    table = short_run_table(found)
    assert table is not None
    assert table.rows == (
        ("beta['migrant_share']", "0.01", "0.02", "1.01", "yes"),
        ("rho", "0.01", "0.02", "1.60", "no"),
    )


def test_weights_that_are_no_numbers_fail(fitted, tampered):
    fit, districts, _ = fitted("laplace")

    def blank(values: np.ndarray) -> None:
        values[:] = np.nan

    found = review(tampered(fit, "sample_stats", "log_ratio", blank), districts)
    assert {found[name].verdict for name in ("k_hat", "importance_ess", "k_hat_record")} == {"fail"}


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (
            {"engine_choice": {"asked": "auto", "chosen": "nuts", "reason": "with 80 districts it is quick"}},
            "The engine was chosen automatically: with 80 districts it is quick.",
        ),
        ({"interrupted": {"drawn": [250, 250, 0, 0]}}, "interrupted after 500 of 2,000 draws (25 %)"),
        ({"resumed": {"kept": [10, 10], "added": [990, 990]}}, "20 draws were kept, and 1,980 added"),
    ],
)
def test_how_a_fit_came_about_is_told(record, words, fitted):
    fit, _, _ = fitted("leroux")
    told = engine_words(Fit(fit.tree, fit.model, {**fit.record, **record}))
    assert words in told[1].replace("\u00a0", " ")
