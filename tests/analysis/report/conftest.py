"""Reports of a simulated city, of districts without shapes, and of counts, read as a browser would."""

from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from spatialvote.analysis.report.page import report
from spatialvote.analysis.review import review
from spatialvote.data.districts import About, Districts, ReadRecord
from spatialvote.data.origin_groups import OriginGroup
from spatialvote.data.roles import Roles
from spatialvote.data.simulate import SimulatedCity, simulate_city
from spatialvote.models.vote_share import VoteShareModel

HOSTILE = "<script>alert(1)</script>"
VOID = {"meta", "link", "img", "wbr", "br", "hr", "input"}
CITY_FORMULA = "national_list ~ migrant_share + higher_education + income"


class Page(HTMLParser):
    """What tests ask of a page; tags that do not balance are kept as faults."""

    def __init__(self, path: Path):
        super().__init__()
        self.source = path.read_text(encoding="utf-8")
        self.open, self.faults, self.ids, self.tags = [], [], [], []
        self.text = ""
        self.data = []
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
        if self.open and self.open[-1] == "script":
            self.data.append((dict(self.tags[-1][1]), data))
        elif "style" not in self.open:
            self.text += data.replace("\u00a0", " ")

    def named(self, tag):
        return [attributes for one, attributes, _ in self.tags if one == tag]


@pytest.fixture(scope="session")
def read_page():
    """Read a report: ``read_page(path)``."""
    return Page


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
        definitions={column: (OriginGroup(HOSTILE, HOSTILE, HOSTILE, HOSTILE),)},
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
