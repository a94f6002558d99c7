"""Fixtures that tests of several folders share."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with the real election tables, which are no part of the project."""
    folder = Path(__file__).resolve().parents[1] / ".." / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("real election tables are not at ../shared/data")
    return folder.resolve()
