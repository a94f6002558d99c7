"""A review as JUnit XML: the structure that runners read, and verdicts as the exit code has them."""

import xml.etree.ElementTree as ET

import pytest

from spatialvote.analysis.review import Check, Review

#: Of the common JUnit schema (that of Jenkins): attributes that an element must and may have, and children.
SCHEMA = {
    "testsuites": ({"name"}, {"tests", "failures", "errors", "skipped", "time"}, ["testsuite"]),
    "testsuite": (
        {"name", "tests", "failures", "errors", "skipped", "timestamp", "time"},
        set(),
        ["properties", "testcase"],
    ),
    "properties": (set(), set(), ["property"]),
    "property": ({"name", "value"}, set(), []),
    "testcase": ({"name", "classname", "time"}, set(), ["skipped", "failure", "system-out"]),
    "failure": ({"message", "type"}, set(), []),
    "skipped": (set(), {"message"}, []),
    "system-out": (set(), set(), []),
}
VERDICTS = {"a": "pass", "b": "warn", "c": "fail", "d": "info"}


@pytest.fixture
def review():
    checks = [
        Check(name, question, f"size of {name}", 0.25, "above 1", VERDICTS[name], f"Mend {name}.")
        for name, question in (("a", "One?"), ("b", "One?"), ("c", "Two?"), ("d", "Two?"))
    ]
    return Review(tuple(checks), "2026-01-02T03:04:05+00:00", {"data": "12", "graph": "34"}, seed=5)


def conform(element):
    """Check an element and all within it against the schema."""
    needed, allowed, children = SCHEMA[element.tag]
    assert needed <= set(element.attrib) <= needed | allowed, element.tag
    order = [children.index(child.tag) for child in element]
    assert order == sorted(order), f"children of {element.tag} are in the order of the schema"
    for child in element:
        conform(child)


@pytest.mark.parametrize("strict", [False, True])
def test_it_has_the_structure_of_junit(review, strict):
    root = ET.fromstring(review.to_junit(strict=strict))
    conform(root)
    assert root.tag == "testsuites"
    assert [one.get("name") for one in root] == ["One?", "Two?"]
    assert {one.get("timestamp") for one in root} == {"2026-01-02T03:04:05"}
    for suite in [root, *root]:
        cases = list(suite.iter("testcase"))
        assert int(suite.get("tests")) == len(cases)
        assert int(suite.get("failures")) == sum(one.find("failure") is not None for one in cases)
        assert int(suite.get("skipped")) == sum(one.find("skipped") is not None for one in cases)
        assert suite.get("errors") == "0"


def outcome(case):
    ends = [child.tag for child in case if child.tag != "system-out"]
    return ends[0] if ends else "passed"


def test_a_failure_fails_and_a_warning_fails_where_strict(review):
    def outcomes(strict):
        cases = ET.fromstring(review.to_junit(strict=strict)).iter("testcase")
        return {one.get("name"): outcome(one) for one in cases}

    assert outcomes(False) == {"a": "passed", "b": "passed", "c": "failure", "d": "skipped"}
    assert outcomes(True) == {"a": "passed", "b": "failure", "c": "failure", "d": "skipped"}


def test_every_case_tells_statistic_threshold_and_advice(review):
    root = ET.fromstring(review.to_junit())
    cases = {one.get("name"): one for one in root.iter("testcase")}
    for name, case in cases.items():
        told = "".join(child.text or "" for child in case)
        for text in (f"size of {name}: 0.25", "sound: above 1", f"Mend {name}."):
            assert text in told
    assert cases["b"].find("system-out").text.startswith("warning: ")
    assert cases["c"].find("failure").get("message") == "Mend c."
    kept = {one.get("name"): one.get("value") for one in root[0].iter("property")}
    assert kept == {
        "seed": "5",
        "refits": "false",
        "fingerprint of the data": "12",
        "fingerprint of the graph": "34",
    }


def test_names_that_xml_cannot_hold_are_replaced_and_markup_is_escaped():
    check = Check("a", "Is <it> & \x00?", "\x1b[1m]]>", float("nan"), "<1", "fail", 'say "no"')
    root = ET.fromstring(Review((check,), "2026-01-02T03:04:05+00:00", {}).to_junit())
    assert root[0].get("name") == "Is <it> & \ufffd?"
    assert "\ufffd[1m]]>: nan (sound: <1)" in root.find(".//failure").text
