"""Methods text of a report: true of the fit that it is of, and with BibTeX of exactly what it cites."""

import re
import unicodedata
from dataclasses import replace

import pytest

from spatialvote.analysis.report.methods import methods
from spatialvote.analysis.report.references import cited_keys, references, with_citations, works
from spatialvote.analysis.review import review
from spatialvote.models.vote_share import VoteShareModel


@pytest.fixture(scope="module")
def of_city(city, city_fit, city_review):
    return methods(city_fit, city_review, city.districts, 10.0, "districts")


def test_numbers_are_those_of_fit_districts_and_review(city, city_fit, city_review, of_city):
    graph = city.districts.graph_report
    for told in (
        f"there are {city.districts.n} of them",
        f"({graph.n_edges} links, {len(graph.component_sizes)} connected components)",
        "The effects of 1 district without a neighbour",
        "4 chains of 300 draws after 300 of warm-up",
        f"spatialvote {city_fit.record['versions']['spatialvote']}, seed 1",
        "residents with migration background, higher education and income as covariates",
        f"R-hat was {city_review['r_hat'].value:.3f}",
        "P(sigma > 1) = 0.01 for the scale of the district effects",
        "ten percentage points higher",
        "averaged over districts, each counting the same",
        "The mean of the intercept's is the logit of the overall share.",
    ):
        assert told in of_city.text, told


def test_what_a_fit_does_not_have_is_not_told(districts):
    """No spatial part, no PC prior, no chains: nothing of BYM2, neighbours, PC priors, NUTS or R-hat."""
    fit = VoteShareModel("pvv ~ migrants", structure="none").fit(
        districts, engine="laplace", seed=1, progress=False
    )
    found = methods(fit, review(fit, districts), districts, 5.0, "voters")
    for word in ("BYM2", "Neighbours", "penalised", "No-U-Turn", "R-hat", "rho", "quadrature"):
        assert word not in found.text, word
    for word in ("no district effects", "Laplace", "k-hat", "five percentage points", "over voters"):
        assert word in found.text, word
    keys = {one.key for one in found.references}
    assert "riebler2016" not in keys
    assert {"rue2009", "vehtari2024"} <= keys


@pytest.mark.parametrize(
    ("structure", "key"),
    [("leroux", "leroux2000"), ("proper_car", "besag1974"), ("sar", "ord1975"), ("dagar", "datta2019")],
)
def test_every_structure_is_cited(city, city_fit, city_review, structure, key):
    fit = replace(city_fit, model=VoteShareModel(city_fit.model.formula, structure=structure))
    found = methods(fit, city_review, city.districts, 10.0, "districts")
    assert key in {one.key for one in found.references}


def test_verdicts_are_told_as_they_are(city, city_fit, city_review):
    def told(**verdicts):
        checks = [replace(one, verdict=verdicts.get(one.name, "pass")) for one in city_review.checks]
        reviewed = replace(city_review, checks=tuple(checks))
        return methods(city_fit, reviewed, city.districts, 10.0, "districts").text

    n = len(city_review.checks)
    assert f"Of {n} checks of the fit, {n} passed." in told()
    assert "draws were compared with the districts" in told()
    text = told(tree_depth="warn", stored_data="fail", predictive_low="fail")
    assert f"Of {n} checks of the fit, {n - 3} passed; tree_depth gave a warning" in text
    assert "stored_data and predictive_low failed" in text
    assert "draws were compared with the districts" not in text
    assert re.search(r"Further findings: .*parts of the stored data, of \d+, that differ .*?\(fail;", text)


def test_bibtex_holds_exactly_what_is_cited(of_city):
    keys = re.findall(r"^@\w+\{([\w-]+),$", of_city.bibtex, re.M)
    assert keys == [one.key for one in of_city.references]
    assert len(keys) == len(set(keys)) > 8
    for key in keys:
        assert with_citations(f"[@{key}]").strip("()").rpartition(" ")[0] in of_city.text
    assert "[@" not in of_city.text
    cited = set(re.findall(r"[(;] ?([^();]*?) (?:19|20)\d\d(?=[;)])", of_city.text))
    assert cited == {with_citations(f"[@{key}]").strip("()").rpartition(" ")[0] for key in keys}
    assert of_city.bibtex.count("{") == of_city.bibtex.count("}")


def test_every_work_is_complete_and_can_be_written():
    for one in references(list(works())):
        work = works()[one.key]
        assert one.key.rstrip("0123456789") == re.sub(r"[^a-z-]", "", _ascii(work["names"][0]))
        assert one.key.endswith(str(work["year"]))
        assert all(", " in name for name in work["names"])
        needed = {"article": "journal", "incollection": "booktitle", "book": "publisher"}
        assert needed.get(work["type"], "howpublished") in work
        assert re.fullmatch(r"\d+--\d+", work.get("pages", "1--2"))
        assert re.fullmatch(r"10\.\d{4,5}/\S+", work.get("doi", "10.1000/x"))
        assert one.told.count(work["title"]) == 1


def _ascii(name):
    plain = unicodedata.normalize("NFKD", name.partition(",")[0].lower().replace("ø", "o"))
    return plain.encode("ascii", "ignore").decode()


def test_special_characters_are_those_of_tex():
    entry = next(one for one in references(["moran1950"]))
    assert "  doi = {10.1093/biomet/37.1-2.17}" in entry.bibtex
    assert "  title = {{Notes on Continuous Stochastic Phenomena}}" in entry.bibtex
    assert cited_keys(["none (here)", "[@moran1950]"]) == ["moran1950"]
    with pytest.raises(KeyError, match="nobody1900"):
        with_citations("[@nobody1900]")


def test_the_page_has_text_and_bibtex_to_copy(city_page, of_city):
    for paragraph in of_city.paragraphs:
        assert paragraph in city_page.text
    assert of_city.bibtex in city_page.text
    copied = {one["data-from"] for one in city_page.named("button") if "data-from" in one}
    assert {"methods-text", "bibtex", "python-code", "study-file"} == copied
    assert copied <= set(city_page.ids)
