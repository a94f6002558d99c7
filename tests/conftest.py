"""Fixtures that tests of several folders share."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def pytest_configure() -> None:
    """Drop compiled kernels that are older than any kernel's source.

    numba rebuilds a cached function when its own file changes, not when a function that it calls does. A
    kernel's source is a file that compiles something, and so names `compiled`.
    """
    kernels = [path for path in (ROOT / "models").rglob("*.py") if "compiled" in path.read_text("utf-8")]
    newest = max(path.stat().st_mtime for path in kernels)
    for cached in (ROOT / "models").rglob("*.nb[ic]"):
        if cached.stat().st_mtime < newest:
            cached.unlink(missing_ok=True)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with the real election tables, which are no part of the project."""
    folder = ROOT / ".." / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("real election tables are not at ../shared/data")
    return folder.resolve()
