"""The arrows of the package run one way: data -> models -> analysis -> spatialvote."""

import ast
import os
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LAYERS = ("data", "models", "analysis")
#: What the modules of a folder may import of this package.
MAY_IMPORT = {
    "data": {"data"},
    "models": {"data", "models"},
    "analysis": {"data", "models", "analysis"},
}


def _files(folder: Path) -> list[Path]:
    """Python files of a folder; links to the other folders are not followed."""
    return sorted(
        Path(place) / name for place, _, names in os.walk(folder) for name in names if name.endswith(".py")
    )


def _imports(path: Path) -> list[tuple[int, str, int]]:
    """Line, dotted name and level of every import, wherever it stands in a file."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            found += [(node.lineno, one.name, 0) for one in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [(node.lineno, f"{node.module or ''}.{one.name}", node.level) for one in node.names]
    return found


ALL = [path for folder in (*LAYERS, "spatialvote") for path in _files(ROOT / folder)]


def test_every_folder_has_files():
    assert {path.relative_to(ROOT).parts[0] for path in ALL} == {*LAYERS, "spatialvote"}


@pytest.mark.parametrize("layer", LAYERS)
def test_no_arrow_runs_back(layer):
    wrong = []
    for path in _files(ROOT / layer):
        for line, name, _ in _imports(path):
            parts = name.split(".")
            if parts[0] == "spatialvote" and (len(parts) == 1 or parts[1] not in MAY_IMPORT[layer]):
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports {name}")
    assert wrong == []


def test_no_module_needs_itself():
    modules = {"spatialvote." + ".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in ALL}
    modules = {name.replace("spatialvote.spatialvote", "spatialvote"): path for name, path in modules.items()}
    needed: dict[str, set[str]] = {}
    for module, path in modules.items():
        # What a function or a type checker imports is not needed to load a module.
        loaded = [node for node in ast.parse(path.read_text(encoding="utf-8")).body if _is_import(node)]
        named = {node.module for node in loaded}
        named |= {f"{node.module}.{one.name}" for node in loaded for one in node.names}
        needed[module] = named & set(modules) - {module}
    assert sum(map(len, needed.values())) > 300
    TopologicalSorter(needed).prepare()


def _is_import(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and (node.module or "").startswith("spatialvote")


def test_imports_are_absolute_and_by_the_name_of_the_package():
    # A file reached as `data.read` would be another module than `spatialvote.data.read`.
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in ALL
        for line, name, level in _imports(path)
        if level or name.split(".")[0] in LAYERS
    ]
    assert wrong == []


def test_lazy_names_follow_the_arrows_too():
    import spatialvote

    assert {module.split(".")[0] for module in spatialvote._HOME.values()} <= set(LAYERS)


@pytest.mark.parametrize("layer", LAYERS)
def test_the_package_links_to_the_folders(layer):
    link = ROOT / "spatialvote" / layer
    assert link.is_symlink()
    assert os.readlink(link) == f"../{layer}"
    assert link.resolve() == ROOT / layer


def test_every_folder_with_modules_is_a_package():
    without = sorted(
        {str(path.parent.relative_to(ROOT)) for path in ALL if not (path.parent / "__init__.py").is_file()}
    )
    assert without == []
