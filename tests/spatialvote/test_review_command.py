"""``spatialvote review``: JUnit XML for a runner of tests, and warnings that count as failures on request."""

import json
import xml.etree.ElementTree as ET

import pytest

from spatialvote.commands.parts import code_of


@pytest.mark.parametrize(
    ("verdict", "code", "strict"),
    [("pass", 0, 0), ("warn", 0, 1), ("fail", 1, 1)],
    ids=["pass", "warn", "fail"],
)
def test_exit_codes(verdict, code, strict):
    assert code_of(verdict) == code
    assert code_of(verdict, strict=True) == strict


def test_a_review_is_written_as_junit_too(folder, call):
    call("fit", folder / "study.toml")
    results = folder / "results"
    arguments = ("review", results / "fit.nc", "--data", folder / "study.toml")
    for strict, failing in (((), ("fail",)), (("--strict",), ("fail", "warn"))):
        written = folder / f"junit{len(strict)}.xml"
        called = call(*arguments, "--junit", written, *strict)
        kept = json.loads((results / "review.json").read_text(encoding="utf-8"))
        assert called.code == (kept["verdict"] in failing)
        assert f"JUnit: {written}" in called.out
        cases = {one.get("name"): one for one in ET.parse(written).iter("testcase")}
        failed = {one["name"] for one in kept["checks"] if one["verdict"] in failing}
        assert list(cases) != []
        assert {name for name, one in cases.items() if one.find("failure") is not None} == failed
    assert not list(folder.glob("*.part"))
