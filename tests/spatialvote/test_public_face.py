"""The names of the package, and that naming them costs nothing until they are used."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import spatialvote

ROOT = Path(__file__).parents[2]
#: What takes seconds to load, or brings what does.
HEAVY = (
    "numpy",
    "pandas",
    "geopandas",
    "pymc",
    "pytensor",
    "numba",
    "matplotlib",
    "xarray",
    "arviz",
    "pydantic",
)


def _loaded_after(code: str) -> set[str]:
    """Heavy modules that a fresh interpreter holds after some code."""
    script = f"import sys\n{code}\nprint('loaded:', *[one for one in {HEAVY!r} if one in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    last = done.stdout.splitlines()[-1].split()
    assert last[0] == "loaded:"
    return set(last[1:])


@pytest.mark.parametrize(
    "code",
    [
        "import spatialvote; dir(spatialvote); spatialvote.SpatialvoteError; spatialvote.__version__",
        "from spatialvote.cli import main; main(['--help'])",
        "from spatialvote.cli import main; main(['run', '--help'])",
        "from spatialvote.cli import main; main(['--version'])",
        "from spatialvote.cli import main; main(['rum'])",
    ],
)
def test_nothing_heavy_is_loaded_before_it_is_needed(code):
    assert _loaded_after(code) == set()


def test_a_study_file_is_read_without_numbers_libraries(folder):
    loaded = _loaded_after(
        f"from spatialvote.study import load_study; load_study({str(folder / 'study.toml')!r})"
    )
    assert loaded == {"pydantic"}


def test_a_specification_needs_no_pymc():
    assert "pymc" not in _loaded_after("import spatialvote; spatialvote.VoteShareModel('pvv ~ migrants')")


@pytest.mark.parametrize("name", spatialvote.__all__)
def test_every_public_name_is_there(name):
    assert getattr(spatialvote, name) is not None
    assert name in dir(spatialvote)


def test_public_names_come_from_where_they_are_defined():
    from spatialvote.analysis.review import review
    from spatialvote.data.read import read_districts
    from spatialvote.models.vote_share import VoteShareModel

    assert spatialvote.read_districts is read_districts
    assert spatialvote.VoteShareModel is VoteShareModel
    assert spatialvote.review is review


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'spatialvote' has no attribute 'fit_everything'"):
        _ = spatialvote.fit_everything


def test_version_is_that_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert spatialvote.__version__ == project["version"]
