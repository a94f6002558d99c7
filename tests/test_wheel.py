"""The wheel holds what the tree holds: every module, template and study file, and nothing else."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("data", "models", "analysis", "spatialvote")
#: Compiled files that lie in the tree and are made anew on every machine.
MADE = (".pyc", ".nbi", ".nbc", ".so")


def _tree() -> set[str]:
    """Files of the four folders as the paths they have inside the package."""
    files = set()
    for folder in FOLDERS:
        for place, _, names in os.walk(ROOT / folder):
            inside = Path(place).relative_to(ROOT)
            package = inside if folder == "spatialvote" else "spatialvote" / inside
            files |= {(package / name).as_posix() for name in names if not name.endswith(MADE)}
    return files


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built from a copy, so that the tree is left as it is."""
    copy = tmp_path_factory.mktemp("source")
    for folder in FOLDERS:
        shutil.copytree(
            ROOT / folder, copy / folder, symlinks=True, ignore=shutil.ignore_patterns("__pycache__")
        )
    # What lies beside the package in a clone must not get into the wheel.
    shutil.copytree(ROOT / "tests", copy / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--no-deps",
            "--no-build-isolation",
            "--no-index",
            "-w",
            str(out),
            str(copy),
        ],
        check=True,
        capture_output=True,
    )
    (built,) = out.glob("*.whl")
    return built


@pytest.mark.slow
def test_wheel_holds_what_the_tree_holds(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == _tree()
    assert {"spatialvote/py.typed", "spatialvote/default_study.toml"} <= names
    assert any(name.startswith("spatialvote/analysis/report/templates/") for name in names)


@pytest.mark.slow
def test_wheel_works_where_there_is_no_tree(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    script = (
        "import spatialvote, spatialvote.study as study\n"
        "print(spatialvote.__file__, study.load_default_study().settings.model.family)\n"
        "from spatialvote.cli import main; raise SystemExit(main(['--version']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(
        f"{tmp_path / 'site' / 'spatialvote' / '__init__.py'} binomial\nspatialvote "
    )
