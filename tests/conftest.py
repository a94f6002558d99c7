"""Fixtures that tests of several folders share."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def pytest_configure() -> None:
    """Drop compiled kernels that are older than any kernel's source.

    numba rebuilds a cached function when its own file changes, not when a function that it calls does.
    """
    newest = max(path.stat().st_mtime for path in (ROOT / "models").rglob("*.py"))
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
