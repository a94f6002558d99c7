"""A fingerprint of the code that makes the draws: results of other code say nothing about this one.

The SHA-256 of the syntax trees of all modules of `models/` and of `data/`, docstrings left out: it changes
with every change of what is computed there, and with none of comments, docstrings and layout. Which changes
alter draws no program can tell; most do not, so a changed print asks for a look, or for new fits.
"""

import ast
import hashlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
#: Characters of a print: enough that no two of a project's states share it.
LENGTH = 12


def code_print(root: Path = ROOT) -> str:
    """The print of the code under a folder, as `LENGTH` hexadecimal digits.

    Examples
    --------
    >>> len(code_print())
    12
    """
    whole = hashlib.sha256()
    for path in sorted(one for part in ("data", "models") for one in (root / part).rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        whole.update(path.relative_to(root).as_posix().encode())
        whole.update(ast.dump(_bare(tree)).encode())
    return whole.hexdigest()[:LENGTH]


def _bare(tree: ast.Module) -> ast.Module:
    """The tree without docstrings and other statements that are a text alone."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [one for one in body if not _is_text(one)]  # pyright: ignore[reportAttributeAccessIssue]
    return tree


def _is_text(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
