"""Tables of a report: cards on narrow screens, and a copy of each as CSV."""

import csv
import re
from base64 import b64decode

import pytest

from spatialvote.analysis.report.csv_text import csv_text
from spatialvote.analysis.report.parts import table


def read_csv(text):
    return list(csv.reader(text.splitlines()))


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
    # Truth, effects, coefficients, district effects, priors and checks at least.
    assert wide >= 6


def test_every_table_can_be_had_as_csv(all_pages):
    """By a link that needs no script, with as many rows as the table; the script shows a button, too."""
    for page in all_pages:
        links = [one for one in page.named("a") if "download" in one]
        buttons = [
            one for one in page.named("button") if "data-from" not in one and one.get("class") == "copy"
        ]
        captions = re.findall(r"<caption[^>]*><span>(.*?)</span>", page.source)
        tables = re.findall(r"<table.*?</table>", page.source, re.S)
        assert len(links) == len(buttons) == len(tables) > 3
        assert all("hidden" in one and one["type"] == "button" for one in buttons)
        for link, source, caption in zip(links, tables, captions, strict=True):
            assert re.fullmatch(r"[a-z0-9-]+\.csv", link["download"])
            head, body = link["href"].split(",")
            assert head == "data:text/csv;charset=utf-8;base64"
            read = read_csv(b64decode(body).decode("utf-8-sig"))
            assert len(read) == 1 + source.count('<th scope="row"'), caption
            assert len({len(row) for row in read}) == 1


def test_long_tables_are_folded_and_short_ones_are_not(city_page):
    for source in re.split(r"<div class=\"scroll", city_page.source)[1:]:
        source, before = source.split("</div>")[0], city_page.source.split(source)[0].rstrip()
        if "<table" in source:
            assert before.removesuffix('<div class="scroll').rstrip().endswith("</summary>") == (
                source.count('<th scope="row"') > 12
            )


def test_numbers_of_a_csv_can_be_read_by_a_program():
    columns = [("what", "text"), ("a", "number"), ("range", "number"), ("mixed", "number")]
    rows = [
        ("x", "−1,234.5", "−3.8 to −2.6", "1.0"),
        ("y", "12", "–", "1 to 2"),
        ("z", "2.00e-07", "1,000 to 2,000", "less than 0.1\u00a0%"),
    ]
    assert read_csv(csv_text(table("", columns, rows))) == [
        ["what", "a", "range, low", "range, high", "mixed"],
        ["x", "-1234.5", "-3.8", "-2.6", "1.0"],
        ["y", "12", "", "", "1 to 2"],
        ["z", "2.00e-07", "1000", "2000", "less than 0.1 %"],
    ]


@pytest.mark.parametrize(
    ("cell", "safe"),
    [
        ("=1+1", "'=1+1"),
        ("+31 6", "'+31 6"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-2+3", "'-2+3"),
        ("-cmd|' /C calc'!A0", "'-cmd|' /C calc'!A0"),
        ("  =1+1", "'  =1+1"),
        ("\t=1+1", "'\t=1+1"),
        ("＝1+1", "'＝1+1"),
        ("-5", "-5"),
        ("−5.25", "−5.25"),
        ("007", "007"),
        ("1,234 Main Street", "1,234 Main Street"),
        ('say "a", b', 'say "a", b'),
        ("two\nlines", "two\nlines"),
    ],
)
def test_no_text_of_a_csv_is_run_as_a_formula_and_all_of_it_comes_back(cell, safe):
    text = csv_text(table("", [("name", "text"), ("b", "text")], [(cell, cell)]))
    assert list(csv.reader(text.splitlines(keepends=True)))[1] == [safe, safe]


def test_headings_of_a_csv_are_no_formulas_either():
    assert csv_text(table("", [("=a", "text"), ("+b", "number")], [("x", "1")])) == "'=a,'+b\nx,1\n"
