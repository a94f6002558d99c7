"""What holds of all compiled code."""

import ast
from pathlib import Path

import spatialvote.models

_FOLDER = Path(spatialvote.models.__file__).parent


def test_no_kernel_lets_sums_be_reordered():
    # Numbers of the same seed would depend on whether code was compiled or loaded from its cache.
    allowed = {"contract", "nsz"}
    seen = 0
    for path in _FOLDER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "fastmath":
                seen += 1
                assert isinstance(node.value, ast.Set), f"{path.name}: name the single freedoms"
                assert {ast.literal_eval(one) for one in node.value.elts} <= allowed, path.name
    assert seen, "no kernel names its freedoms: this test looks for nothing"
