"""The evidence of a report by question: every check is shown once, beside the part that it belongs to."""

import re
from dataclasses import replace

from spatialvote.analysis.report.page import report
from spatialvote.analysis.report.parts import Part
from spatialvote.analysis.report.questions import questions
from spatialvote.analysis.report.review import tally
from spatialvote.analysis.review import Check, Review

ASKED = {"a": "Is it?", "b": "Is it?", "c": "Was it?", "d": "Was it?", "e": "Will it?"}


def reviewed(**verdicts):
    """A review of checks with these names; what is not named passes."""
    checks = [
        Check(name, question, "what", 0.5, "above 1", verdicts.get(name, "pass"), f"Mend {name}.")
        for name, question in ASKED.items()
    ]
    return Review(tuple(checks), "2026-01-01T00:00:00", {})


def laid_out(review, *parts):
    """Question, and under it each part with its checks."""
    return [
        (
            one.heading,
            [(exhibit.part.anchor, "".join(c.name for c in exhibit.checks)) for exhibit in one.exhibits],
        )
        for one in questions(review, parts)
    ]


def test_without_parts_each_question_has_its_checks():
    assert laid_out(reviewed()) == [
        ("Is it?", [("", "ab")]),
        ("Was it?", [("", "cd")]),
        ("Will it?", [("", "e")]),
    ]


def test_parts_take_the_checks_they_name_and_else_those_of_their_question():
    named, asked, alone = (
        Part("n", "Was it then?", checks=("c",)),
        Part("q", "Is it?"),
        Part("l", "Would it?"),
    )
    assert laid_out(reviewed(), alone, named, asked) == [
        ("Is it?", [("q", "ab")]),
        ("Was it?", [("n", "c"), ("", "d")]),
        ("Will it?", [("", "e")]),
        ("Would it?", [("l", "")]),
    ]


def test_parts_of_one_question_keep_their_order_and_the_last_shows_what_is_left():
    first, last = Part("1", "Is it?", checks=("b",)), Part("2", "Is it?")
    assert laid_out(reviewed(), first, last)[0] == ("Is it?", [("1", "b"), ("2", "a")])
    assert laid_out(reviewed(), last, first)[0] == ("Is it?", [("2", "a"), ("1", "b")])


def test_a_part_may_show_checks_of_a_question_before_it():
    assert laid_out(reviewed(), Part("w", "Was it?", checks=("a", "b", "c", "d"))) == [
        ("Was it?", [("w", "abcd")]),
        ("Will it?", [("", "e")]),
    ]


def test_a_question_has_its_worst_verdict_and_stands_at_the_top_if_it_was_judged():
    found = questions(reviewed(a="warn", b="info", c="fail", d="warn", e="info"), [Part("l", "Would it?")])
    assert [(one.verdict, one.at_top) for one in found] == [
        ("warn", True),
        ("fail", True),
        ("info", False),
        ("", False),
    ]
    assert len({one.anchor for one in found}) == 4


def test_checks_are_counted_by_verdict():
    found = tally(reviewed(b="warn", c="fail", d="fail", e="info"))
    assert (found.judged, found.passed, found.failed, found.warned) == (4, 1, ("c", "d"), ("b",))


def test_every_check_of_the_review_is_shown_where_it_is_asked_and_in_the_table(city_review, city_page):
    for check in city_review.checks:
        for text in (check.name, check.question, check.statistic, check.threshold, check.advice):
            assert city_page.text.count(text) >= 2, text
        assert f"check-{check.name}" in city_page.ids
    badges = re.findall(r'class="verdict (\w+)"><span aria-hidden="true">(.)</span> (\w+)<', city_page.source)
    assert len(badges) > 2 * len(city_review.checks)
    assert all(shown == kind for kind, _, shown in badges), "a verdict is never told by colour alone"


def test_the_line_of_verdicts_leads_to_the_questions(city_review, city_page):
    line = city_page.source.split('class="glance"')[1].split("</ul>")[0]
    links = re.findall(r'href="#(ask-[\w-]+)"><span class="asked">(.*?)</span>.*?class="verdict (\w+)"', line)
    assert ("ask-did-the-sampler-converge", "Converged") in [one[:2] for one in links]
    for anchor, _, verdict in links:
        heading = city_page.source.split(f'id="{anchor}">')[1].split("</h3>")[0]
        assert f'class="verdict {verdict}"' in heading
    assert {verdict for *_, verdict in links} <= {"pass", "warn", "fail", "info"}
    assert len(links) == len({one.question for one in city_review.checks if one.verdict != "info"}), (
        "each question that was judged"
    )


def test_a_failed_review_names_its_failures_before_the_answer(
    city, city_fit, city_review, read_page, tmp_path
):
    checks = [
        replace(one, verdict="fail" if one.name in ("ess_bulk", "predictive_low") else "pass")
        for one in city_review.checks
    ]
    failed = replace(city_review, checks=tuple(checks))
    page = read_page(report(city_fit, failed, city.districts, tmp_path / "r.html"))
    assert "the review failed at ess_bulk and predictive_low. What to do is said there." in page.text
    alarm = page.source.split('class="alarm"')[1].split("</p>")[0]
    assert re.findall(r'href="#(.*?)"', alarm) == ["check-ess_bulk", "check-predictive_low"]
    assert page.source.index('class="alarm"') < page.source.index('class="answer"')


def test_warnings_are_named_beside_the_answer(city, city_fit, city_review, read_page, tmp_path):
    checks = [
        replace(one, verdict="warn" if one.name == "predictive_low" else "pass") for one in city_review.checks
    ]
    warned = replace(city_review, checks=tuple(checks))
    page = read_page(report(city_fit, warned, city.districts, tmp_path / "r.html"))
    assert "Read the answer together with the warning of the review: predictive_low." in page.text
    assert 'class="alarm"' not in page.source
