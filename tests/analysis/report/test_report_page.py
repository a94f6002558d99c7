"""The page that `report` writes: complete, well formed, self-contained, and of the districts given."""

import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest

from spatialvote.analysis.report.page import report
from spatialvote.analysis.review import review
from spatialvote.data.errors import FitError

HEADINGS = ["answer", "maps", "effects", "review", "priors", "model", "caveats", "methods", "record", "annex"]


def test_pages_are_well_formed(all_pages):
    for page in all_pages:
        assert page.source.startswith("<!DOCTYPE html>")
        assert page.faults == []
        assert len(page.ids) == len(set(page.ids))
        assert page.named("html")[0]["lang"] == "en"
        links = [one["href"] for one in page.named("a") if "download" not in one]
        inside = [one for one in links if not one.startswith("https://doi.org/")]
        assert len(inside) > 20
        assert [one for one in inside if one.removeprefix("#") not in page.ids] == []


def test_sections_come_in_order(all_pages):
    for page in all_pages:
        assert [one["id"] for one in page.named("h2")] == HEADINGS
        levels = [int(tag[1]) for tag, _, _ in page.tags if re.fullmatch(r"h\d", tag)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert max(np.diff(levels)) <= 1, "no level of heading is skipped"


def test_nothing_is_loaded_from_elsewhere(all_pages):
    for page in all_pages:
        loads = [
            one[name]
            for _, one, _ in page.tags
            for name in ("src", "srcset", "data", "poster")
            if name in one
        ]
        loads += [one["href"] for one in page.named("link")]
        assert loads
        assert all(load.startswith("data:") for load in loads)
        style = page.source.split("<style>")[1].split("</style>")[0]
        assert "url(" not in style
        assert "@import" not in style
        assert not any(page.named(tag) for tag in ("iframe", "object", "embed", "base"))
        assert not any(name.startswith("on") for _, one, _ in page.tags for name in one)


def test_only_its_own_script_and_style_may_run(all_pages):
    """The policy names both by their hash; data stand in scripts of another type, which never run."""
    for page in all_pages:
        (policy,) = [one["content"] for one in page.named("meta") if "http-equiv" in one]
        rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
        assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
        assert rules["img-src"] == "data:"
        style = page.source.split("<style>")[1].split("</style>")[0]
        (script,) = [source for attributes, source in page.data if not attributes]
        for rule, source in (("style-src", style), ("script-src", script)):
            assert rules[rule] == f"'sha256-{b64encode(sha256(source.encode()).digest()).decode()}'"
        assert {one.get("type") for one in page.named("script")} <= {None, "application/json"}
        assert not any(
            word in script for word in ("eval(", "innerHTML", "Function(", "fetch(", "XMLHttp", "import(")
        )
        assert not any("style" in one for _, one, _ in page.tags), "the policy would not apply it"


def test_pictures_tables_and_headers_are_accessible(all_pages):
    for page in all_pages:
        assert page.named("img")
        assert all(len(one["alt"]) > 20 and one["width"] and one["height"] for one in page.named("img"))
        assert len(page.named("figcaption")) == len(page.named("figure")) == len(page.named("img"))
        assert len(page.named("caption")) == len(page.named("table"))
        assert all(one["scope"] in ("row", "col") for one in page.named("th"))
        assert page.named("a")[0] == {"class": "skip", "href": "#main"}


def test_maps_only_where_there_are_shapes(city_page, plain_pages):
    assert "came without shapes, so there are no maps" in plain_pages["bym2"].text
    maps = [one for one in city_page.named("figure") if one.get("class") == "map"]
    assert len(maps) >= 6
    assert not any(one.get("class") == "map" for one in plain_pages["bym2"].named("figure"))
    assert "nine colours" in city_page.named("img")[0]["alt"]


def test_record_holds_what_a_reviewer_needs(city, city_fit, city_page):
    for value in (*city.districts.fingerprint.values(), *city_fit.record["versions"].values()):
        assert value in city_page.text
    assert "queen contiguity" in city_page.text
    assert "1 districts without a neighbour" in city_page.text


def test_model_priors_code_and_study_are_shown(city_page):
    assert "[data]" in city_page.text
    assert (
        "simulate_city(seed=4, n_districts=60, islands=1, second_component=False).districts" in city_page.text
    )
    assert 'model.fit(districts, engine="nuts", seed=1, draws=300, tune=300' in city_page.text
    assert re.search(r"expects of a district a vote share between [\d.]+ % and [\d.]+ %", city_page.text)
    assert len(page_math(city_page)) >= 8


def page_math(page):
    return [one for one in page.named("math") if one.get("display") == "block"]


def test_a_review_of_other_districts_is_refused(city, city_fit, city_review, tmp_path):
    reviewed = replace(city_review, fingerprints={"data": "0", "graph": "0"})
    with pytest.raises(FitError, match="the review is of other districts"):
        report(city_fit, reviewed, city.districts, tmp_path / "r.html")
    assert list(tmp_path.iterdir()) == []


def test_districts_of_another_fit_are_refused(districts, fits, city, tmp_path):
    with pytest.raises(FitError, match="only in the fit"):
        report(fits("none"), review(fits("none"), districts), city.districts, tmp_path / "r.html")
