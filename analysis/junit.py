"""A review as JUnit XML, which GitLab, GitHub's actions, Jenkins and other runners show as tests.

A question is a test suite, and a check a test case. `pass` is a test that passed, `fail` a failure with the
advice. JUnit knows no warning: `warn` passes with the advice in its output, or is a failure where warnings
are to stop a run. `info` judges nothing, so it is skipped: counted apart, never as passed.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from datetime import datetime

from spatialvote.analysis.checks.check import Check

#: What XML 1.0 cannot hold, not even escaped.
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(
    checks: Sequence[Check], created: str, properties: Mapping[str, str], *, strict: bool = False
) -> str:
    """Write checks as JUnit XML.

    Parameters
    ----------
    checks
        In the order in which they were made; those of one question make a suite.
    created
        When the review was made, ISO 8601.
    properties
        Kept with every suite: what was reviewed, and with which seed.
    strict
        Whether warnings count as failures.
    """
    failing = ("fail", "warn") if strict else ("fail",)
    root = ET.Element("testsuites", {"name": "spatialvote review", **_counts(checks, failing)})
    for question in dict.fromkeys(one.question for one in checks):
        asked = [one for one in checks if one.question == question]
        suite = ET.SubElement(
            root,
            "testsuite",
            {
                "name": _text(question),
                **_counts(asked, failing),
                # The format has no zone; the time is UTC.
                "timestamp": datetime.fromisoformat(created).replace(tzinfo=None).isoformat(),
            },
        )
        kept = ET.SubElement(suite, "properties")
        for name, value in properties.items():
            ET.SubElement(kept, "property", {"name": _text(name), "value": _text(value)})
        for one in asked:
            _case(suite, one, failing)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _case(suite: ET.Element, check: Check, failing: tuple[str, ...]) -> None:
    case = ET.SubElement(
        suite, "testcase", {"name": _text(check.name), "classname": "spatialvote.review", "time": "0"}
    )
    told = _text(f"{check.statistic}: {check.value:.6g} (sound: {check.threshold})\n{check.advice}")
    if check.verdict in failing:
        failure = ET.SubElement(case, "failure", {"message": _text(check.advice), "type": check.verdict})
        failure.text = told
        return
    if check.verdict == "info":
        ET.SubElement(case, "skipped", {"message": _text(f"judges nothing: {check.advice}")})
    ET.SubElement(case, "system-out").text = f"warning: {told}" if check.verdict == "warn" else told


def _counts(checks: Sequence[Check], failing: tuple[str, ...]) -> dict[str, str]:
    return {
        "tests": str(len(checks)),
        "failures": str(sum(one.verdict in failing for one in checks)),
        "errors": "0",
        "skipped": str(sum(one.verdict == "info" for one in checks)),
        "time": "0",
    }


def _text(value: str) -> str:
    return _NO_XML.sub("\ufffd", value)
