"""The page that `report` writes: complete, well formed, self-contained, and safe against hostile names."""

import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from spatialvote.analysis.effects import effect
from spatialvote.analysis.report.fields import district_fields
from spatialvote.analysis.report.focus import parameter_names
from spatialvote.analysis.report.numbers import digits_for, fixed, interval
from spatialvote.analysis.report.page import report
from spatialvote.analysis.report.priors import parameter_draws, prior_sd
from spatialvote.analysis.report.record import caveats
from spatialvote.analysis.report.review import review_pictures
from spatialvote.analysis.review import review
from spatialvote.data.districts import About, Districts, ReadRecord
from spatialvote.data.errors import FitError
from spatialvote.data.roles import Roles
from spatialvote.data.simulate import SimulatedCity, simulate_city
from spatialvote.models.priors import BetaRho, HalfNormal, PCSigma, Priors
from spatialvote.models.vote_share import VoteShareModel

HOSTILE = "<script>alert(1)</script>"
HEADINGS = ["answer", "maps", "effects", "model", "priors", "review", "caveats", "record"]
VOID = {"meta", "link", "img", "wbr", "br", "hr", "input"}
CITY_FORMULA = "national_list ~ migrant_share + higher_education + income"


class Page(HTMLParser):
    """What tests ask of a page; tags that do not balance are kept as faults."""

    def __init__(self, path: Path):
        super().__init__()
        self.source = path.read_text(encoding="utf-8")
        self.open, self.faults, self.ids, self.tags = [], [], [], []
        self.text = ""
        self.feed(self.source)
        self.faults += self.open

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append((tag, attributes, tuple(self.open)))
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> at {self.getpos()}")

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data.replace("\u00a0", " ")

    def named(self, tag):
        return [attributes for one, attributes, _ in self.tags if one == tag]


@pytest.fixture(scope="session")
def city() -> SimulatedCity:
    """A simulated city of 60 districts, one of them an island."""
    return simulate_city(seed=4, n_districts=60, islands=1)


@pytest.fixture(scope="session")
def city_fit(city):
    return VoteShareModel(CITY_FORMULA).fit(city.districts, seed=1, draws=300, tune=300, progress=False)


@pytest.fixture(scope="session")
def city_review(city, city_fit):
    return review(city_fit, city.districts)


@pytest.fixture(scope="session")
def city_page(city, city_fit, city_review, tmp_path_factory) -> Page:
    """The full report, with maps and truth."""
    path = tmp_path_factory.mktemp("city") / "new" / "report.html"
    written = report(city_fit, city_review, city.districts, path, truth=city.truth, study_source="[data]\n")
    assert written == path
    return Page(path)


@pytest.fixture(scope="session")
def plain_pages(districts, fits, tmp_path_factory) -> dict[str, Page]:
    """Reports of districts without shapes, by structure."""
    folder = tmp_path_factory.mktemp("plain")
    return {
        structure: Page(
            report(
                fits(structure),
                review(fits(structure), districts),
                districts,
                folder / f"{structure}.html",
            )
        )
        for structure in ("bym2", "iid", "none")
    }


@pytest.fixture(scope="session")
def count_page(counts, tmp_path_factory) -> Page:
    """A report on Poisson counts."""
    fit = VoteShareModel("pvv ~ income + migrants", family="poisson").fit(
        counts, seed=2, draws=300, tune=300, progress=False
    )
    return Page(report(fit, review(fit, counts), counts, tmp_path_factory.mktemp("counts") / "r.html"))


@pytest.fixture(scope="session")
def all_pages(city_page, plain_pages, count_page) -> list[Page]:
    return [city_page, *plain_pages.values(), count_page]


def test_pages_are_well_formed(all_pages):
    for page in all_pages:
        assert page.source.startswith("<!DOCTYPE html>")
        assert page.faults == []
        assert len(page.ids) == len(set(page.ids))
        assert page.named("html")[0]["lang"] == "en"
        links = [one["href"] for one in page.named("a")]
        assert all(link.removeprefix("#") in page.ids for link in links)


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
        assert not any(page.named(tag) for tag in ("script", "iframe", "object", "embed", "base"))
        assert not any(name.startswith("on") for _, one, _ in page.tags for name in one)


def test_pictures_tables_and_headers_are_accessible(all_pages):
    for page in all_pages:
        assert page.named("img")
        assert all(len(one["alt"]) > 20 and one["width"] and one["height"] for one in page.named("img"))
        assert len(page.named("figcaption")) == len(page.named("figure")) == len(page.named("img"))
        assert len(page.named("caption")) == len(page.named("table"))
        assert all(one["scope"] in ("row", "col") for one in page.named("th"))
        assert page.named("a")[0] == {"class": "skip", "href": "#main"}


def test_rows_of_wide_tables_name_their_columns_for_narrow_screens(city_page):
    """Each cell carries the heading of its column, and the roles that CSS takes from a table."""
    tables = re.findall(r'<div class="(scroll[^"]*)"[^>]*>\s*<table(.*?)</table>', city_page.source, re.S)
    wide = 0
    for layout, source in tables:
        headings = re.findall(r'<th scope="col".*?>(.*?)</th>', source)
        labels = re.findall(r'data-label="(.*?)"', source)
        rows = source.count('<th scope="row"')
        assert rows > 0
        if len(headings) > 3:
            wide += 1
            assert "cards" in layout
            assert labels == headings[1:] * rows
            for role, count in (("columnheader", len(headings)), ("row", rows + 1), ("rowheader", rows)):
                assert source.count(f'role="{role}"') == count
        else:
            assert labels == []
            assert "cards" not in layout
    # Truth, effects, coefficients, district effects, priors, checks, and Moran's I.
    assert wide == 7


def test_every_check_of_the_review_is_shown(city_review, city_page):
    for check in city_review.checks:
        for text in (check.name, check.question, check.statistic, check.threshold, check.advice):
            assert text in city_page.text
    badges = re.findall(r'class="verdict (\w+)"><span aria-hidden="true">(.)</span> (\w+)<', city_page.source)
    assert len(badges) == 4 + len(city_review.checks)
    assert all(shown == kind for kind, _, shown in badges), "a verdict is never told by colour alone"


def test_names_take_the_place_of_columns_and_the_column_is_given_beside_its_coefficient(city_page):
    assert "Where the share of migrants (residents with migration background) is ten" in city_page.text
    assert "with higher education and income held fixed" in city_page.text
    assert "the vote share of the National List" in city_page.text
    assert "residents with migration background (column migrant_share)" in city_page.text
    answered = city_page.text.split("Does the fit find")[0].split("The question and the answer")[1]
    assert "_" not in answered


def test_numbers_are_those_of_the_effect(city, city_fit, city_page):
    one = effect(city_fit, city.districts)
    digits = digits_for(one.low, one.high)
    assert f"about {fixed(abs(one.mean), digits)} percentage points" in city_page.text
    assert interval(one.low, one.high, digits_for(one.low, one.high, least=2)) in city_page.text


def test_points_and_weighting_are_those_asked_for(city, city_fit, city_review, tmp_path):
    path = tmp_path / "r.html"
    page = Page(report(city_fit, city_review, city.districts, path, points=5, weighting="voters"))
    one = effect(city_fit, city.districts, points=5, weighting="voters")
    assert "is five percentage points higher" in page.text
    assert f"about {fixed(abs(one.mean), digits_for(one.low, one.high))} percentage points" in page.text
    assert "averaged over voters" in page.text


def test_truth_is_compared(city, city_page, plain_pages):
    true = city.truth.parties["national_list"]
    assert "Simulated data: places, people and votes are invented." in city_page.text
    assert "Does the fit find what was put in?" in city_page.text
    for value in (f"{true.effect_10_points:.2f}", "0.35", "0.70"):
        assert value.replace("-", "−") in city_page.text
    assert "Does the fit find what was put in?" not in plain_pages["bym2"].text


def test_steps_in_the_truth_are_short(city_page):
    table = city_page.text.split("True values and their estimates")[1].split("Maps")[0]
    assert "residents with migration background, +10 points" in table
    assert "income, +1 standard deviation" in table


def test_the_scale_of_the_district_effects_is_named(city_page, count_page):
    assert "What the covariates leave open (log-odds)" in city_page.text
    assert "What the covariates leave open (log rates)" in count_page.text
    assert "predictive p-value of the overall share" in city_page.text
    assert "predictive p-value of the overall rate" in count_page.text


def test_parts_without_a_link_have_no_level_of_their_own():
    """The model has one intercept, and the structured effect sums to zero in each part."""
    districts = simulate_city(seed=4, n_districts=60, second_component=True).districts
    everywhere = np.ones(districts.n, dtype=bool)
    fit = SimpleNamespace(model=VoteShareModel(CITY_FORMULA), size=districts.valid, stood=everywhere)
    space = dict(caveats(fit, districts))["Space"]
    assert "2 parts without a link between them: what differs between the parts' averages is left to" in space
    assert "level of its own" not in space


def test_parameters_have_the_names_of_their_columns(city, city_fit, city_review, city_page):
    assert "beta: " not in city_page.text
    assert "The draws of sigma, rho, intercept, residents with migration background and" in city_page.text
    names = parameter_names(city_fit.coefficients, city.districts)
    assert names["beta: migrant_share"] == "residents with migration background"
    assert parameter_names(["sigma", "x[T.b]"], city.districts) == {
        "beta: sigma": "beta: sigma",
        "beta: x[T.b]": "x[T.b]",
    }


def test_prior_sds_are_exact_where_they_have_a_closed_form(city_fit):
    """Against 200,000 draws of each prior; their sd has a relative error below 0.5 %."""
    rng = np.random.default_rng(8)
    rho, sigma = BetaRho(2.0, 3.0), HalfNormal(0.7)
    sample = {"intercept": np.arange(3.0), "beta: income": np.arange(3.0)}
    sample |= {"sigma": np.arange(3.0), "rho": np.arange(3.0)}
    fit = SimpleNamespace(
        model=VoteShareModel(CITY_FORMULA, priors=Priors(sigma=sigma, rho=rho)),
        coefficients=["income"],
        groups=(),
    )
    found = prior_sd(fit, sample)
    assert (found["intercept"], found["beta: income"]) == (1.5, 1.0)
    assert found["sigma"] == pytest.approx(sigma.draw(rng, 200_000).std(), rel=0.01)
    assert found["rho"] == pytest.approx(rng.beta(2, 3, 200_000).std(), rel=0.01)
    prior = parameter_draws(city_fit, "prior")
    found = prior_sd(city_fit, prior)
    assert found["sigma"] == pytest.approx(PCSigma().draw(rng, 200_000).std(), rel=0.01)
    assert found["rho"] == prior["rho"].std(), "the prior of rho has no closed form"


def test_statistics_that_are_zero_everywhere_are_not_drawn(city, city_fit, city_review):
    def shown(review):
        (one,) = [p for p in review_pictures(city_fit, review, city.districts) if "statistics of" in p.alt]
        return one

    def with_zeros(observed):
        checks = [
            replace(one, details={**one.details, "observed": observed, "replicated": [0.0, 0.0]})
            if one.name == "predictive_zeros"
            else one
            for one in city_review.checks
        ]
        return replace(city_review, checks=tuple(checks))

    none = shown(with_zeros(0.0))
    assert "Histograms of 4 statistics" in none.alt
    assert "Not drawn: share of districts without a vote, zero in the data and in every" in none.caption
    some = shown(with_zeros(0.1))
    assert "Histograms of 5 statistics" in some.alt
    assert "Not drawn" not in some.caption


def test_maps_only_where_there_are_shapes(city_page, plain_pages):
    assert "came without shapes, so there are no maps" in plain_pages["bym2"].text
    assert len(city_page.named("img")) - len(plain_pages["bym2"].named("img")) == 7
    assert "nine colours" in city_page.named("img")[0]["alt"]


def test_structures_are_told_apart(plain_pages):
    assert "intervals are too narrow" in plain_pages["none"].text
    assert "This model has no spatial part" in plain_pages["iid"].text
    assert "are shared by neighbouring districts" in plain_pages["bym2"].text
    symbols = {name: page.source.count("<mi>ρ</mi>") for name, page in plain_pages.items()}
    assert symbols["bym2"] > 0
    assert symbols["iid"] == symbols["none"] == 0


def test_a_failed_review_is_told_before_the_answer(plain_pages):
    for structure, page in plain_pages.items():
        failed = 'class="verdict fail"' in page.source
        assert ("Do not rely on this answer yet" in page.text) == failed, structure
    assert "Do not rely on this answer yet" in plain_pages["none"].text


def test_counts_are_rates(count_page):
    assert "the rate of pvv" in count_page.text
    assert (
        "vote share" not in count_page.text.split("Caveats")[0].split("The review")[0].split("The record")[0]
    )
    assert "Poisson" in count_page.text
    assert "with income held fixed" in count_page.text


def test_model_priors_code_and_study_are_shown(city_page):
    assert "[data]" in city_page.text
    assert (
        "simulate_city(seed=4, n_districts=60, islands=1, second_component=False).districts" in city_page.text
    )
    assert 'model.fit(districts, engine="nuts", seed=1, draws=300, tune=300' in city_page.text
    assert re.search(r"expects of a district a vote share between [\d.]+ % and [\d.]+ %", city_page.text)
    assert len(page_math(city_page)) >= 8


def page_math(page: Page) -> list[dict]:
    return [one for one in page.named("math") if one.get("display") == "block"]


def test_record_holds_what_a_reviewer_needs(city, city_fit, city_page):
    for value in (*city.districts.fingerprint.values(), *city_fit.record["versions"].values()):
        assert value in city_page.text
    assert "queen contiguity" in city_page.text
    assert "1 districts without a neighbour" in city_page.text


def test_a_model_without_migrants_answers_for_its_first_covariate(districts, tmp_path):
    fit = VoteShareModel("pvv ~ income", structure="none").fit(
        districts, seed=1, draws=200, tune=200, progress=False
    )
    page = Page(report(fit, review(fit, districts), districts, tmp_path / "r.html"))
    assert "leaves out the column of migrants (migrants)" in page.text
    assert "where income is higher" in page.text
    assert "migrants who vote" not in page.text


@pytest.fixture(scope="session")
def hostile() -> tuple[Districts, str]:
    """Districts whose every name is markup, and a formula for them."""
    plain = simulate_city(seed=2, n_districts=30).districts
    column = "<img src=x onerror=alert>"
    table = plain.table.rename(columns={"migrant_share": column})
    table["label"] = HOSTILE
    roles = Roles(
        id=HOSTILE,
        votes={HOSTILE: "national_list"},
        valid="valid",
        migrants=column,
        covariates=("income",),
        label="label",
        units={column: "percent", "income": HOSTILE},
    )
    record = ReadRecord(
        files={HOSTILE: HOSTILE},
        dropped={HOSTILE: HOSTILE},
        repaired=(HOSTILE,),
        notes=(HOSTILE,),
        arguments={"table": HOSTILE, "geometry": '"); import os; os.abort() #'},
    )
    about = About(HOSTILE, HOSTILE, 2024, HOSTILE)
    districts = replace(plain, table=table, roles=roles, record=record, about=about)
    return districts, f"{HOSTILE} ~ `{column}` + income"


def test_hostile_names_stay_text(hostile, tmp_path):
    districts, formula = hostile
    fit = VoteShareModel(formula, structure="none").fit(
        districts, seed=1, draws=200, tune=200, progress=False
    )
    reviewed = review(fit, districts)
    path = tmp_path / "r.html"
    page = Page(report(fit, reviewed, districts, path, question=HOSTILE, study_source=HOSTILE))
    assert page.faults == []
    assert not page.named("script")
    assert not any("onerror" in one for _, one, _ in page.tags)
    assert all(one["src"].startswith("data:") for one in page.named("img"))
    assert page.text.count(HOSTILE) > 10
    assert "alert(1)</script>" not in page.source


def test_a_review_of_other_districts_is_refused(city, city_fit, city_review, tmp_path):
    reviewed = replace(city_review, fingerprints={"data": "0", "graph": "0"})
    with pytest.raises(FitError, match="the review is of other districts"):
        report(city_fit, reviewed, city.districts, tmp_path / "r.html")
    assert list(tmp_path.iterdir()) == []


def test_districts_of_another_fit_are_refused(districts, fits, city, tmp_path):
    with pytest.raises(FitError, match="only in the fit"):
        report(fits("none"), review(fits("none"), districts), city.districts, tmp_path / "r.html")


def test_fields_add_up(city, city_fit):
    fields = district_fields(city_fit)
    eta = city_fit.draws("eta")
    effect_size = (city_fit.draws("sigma") * np.sqrt(city_fit.draws("rho")))[:, None] * city_fit.draws("phi")
    share = 1 / (1 + np.exp(-eta))
    moved = 100 * (share - 1 / (1 + np.exp(-(eta - effect_size)))).mean(axis=0)
    given = 100 * (1 / (1 + np.exp(-city_fit.fixed_part()))).mean(axis=0)
    np.testing.assert_allclose(fields.structured, moved, rtol=1e-10)
    np.testing.assert_allclose(fields.left_open, 100 * city.districts.share("national_list") - given)
    low, high = np.quantile(share, [0.025, 0.975], axis=0)
    np.testing.assert_allclose(fields.width, 100 * (high - low), rtol=1e-10)


PROBE = """<script>addEventListener("load", () => {
const wide = [...document.querySelectorAll("body *")].filter(one => {
  const box = one.getBoundingClientRect();
  return box.right > innerWidth + 1 && !one.closest(".scroll") && !one.closest(".skip");
});
const broken = [...document.images].filter(one => !one.complete || !one.naturalWidth);
const loads = performance.getEntriesByType("resource").filter(one => !one.name.startsWith("data:"));
parent.postMessage(["PROBE", innerWidth, document.documentElement.scrollWidth, wide.length,
  broken.length, loads.length, "END"].join(" "), "*");
});</script>"""
#: A window of headless Chromium is at least 500 pixels wide; a frame can be narrower.
FRAME = """<!DOCTYPE html><title>frame</title><link rel="icon" href="data:,">
<script>addEventListener("message", event => { document.body.append(event.data); });</script>
<body><iframe src="probed.html" width="WIDTH" height="900" style="border: 0"></iframe></body>"""


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 400])
def test_a_browser_shows_it_without_errors_or_overflow(city_page, width, tmp_path):
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no chromium or google-chrome on this machine to open the report with")
    probed = tmp_path / "probed.html"
    probed.write_text(city_page.source.replace("</body>", f"{PROBE}</body>"), encoding="utf-8")
    frame = tmp_path / "frame.html"
    frame.write_text(FRAME.replace("WIDTH", str(width)), encoding="utf-8")
    command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars"]
    command += [
        "--enable-logging=stderr",
        f"--user-data-dir={tmp_path / 'profile'}",
        "--window-size=1400,1000",
    ]
    command += ["--virtual-time-budget=8000", "--dump-dom", frame.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    found = re.search(r"PROBE (\d+) (\d+) (\d+) (\d+) (\d+) END", done.stdout)
    assert found, done.stdout[-500:]
    inner, scroll, wide, broken, loads = map(int, found.groups())
    assert inner == width
    assert scroll <= inner
    assert (wide, broken, loads) == (0, 0, 0)
    assert "CONSOLE" not in done.stderr
