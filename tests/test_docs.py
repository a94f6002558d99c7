"""The documentation is true: its code runs, its links lead somewhere, its tables name everything there is."""

import doctest
import pkgutil
import re
import shlex
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
from pydantic_core import PydanticUndefined

import spatialvote
from spatialvote.analysis.review import review
from spatialvote.cli import main
from spatialvote.data.files import FORMATS
from spatialvote.data.neighbour_rule import KINDS
from spatialvote.data.simulate import simulate_city
from spatialvote.models.design import FUNCTIONS
from spatialvote.models.vote_share import VoteShareModel
from spatialvote.study import load_study
from spatialvote.study_problems import SECTIONS

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
MODEL = VoteShareModel("national_list ~ migrant_share + higher_education + income")


def blocks(page, language):
    """Fenced blocks of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S)


def named(pages):
    return pytest.mark.parametrize("page", pages, ids=lambda page: str(page.relative_to(ROOT)))


@pytest.fixture(scope="module")
def city():
    return simulate_city(seed=1, n_districts=60, islands=1)


@pytest.fixture(scope="module")
def fit(city):
    return MODEL.fit(city.districts, seed=1, draws=200, progress=False)


@pytest.fixture
def workplace(city, fit, tmp_path, monkeypatch):
    """A folder in which the pages' examples find the files that they name."""
    monkeypatch.chdir(tmp_path)
    city.write("city")
    fit.save("results/fit.nc")
    return tmp_path


@named([page for page in PAGES if blocks(page, "python")])
@pytest.mark.filterwarnings("ignore:Numba will use object mode:UserWarning")  # draws of BYM2 are our Python
def test_python_of_a_page_runs(page, workplace):
    names = {"__name__": page.stem}
    for block in blocks(page, "python"):
        exec(compile(block, str(page), "exec"), names)


@named([page for page in PAGES if blocks(page, "toml")])
def test_study_files_of_a_page_are_valid(page, workplace):
    for number, block in enumerate(blocks(page, "toml")):
        path = workplace / f"study{number}.toml"
        path.write_text(block, encoding="utf-8")
        load_study(path).model()


@named([page for page in PAGES if blocks(page, "sh")])
def test_commands_of_a_page_exist(page, capsys):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    for line in "".join(blocks(page, "sh")).splitlines():
        program, *words = shlex.split(line, comments=True) or [""]
        if program == "make":
            assert set(word for word in words if "=" not in word) <= targets, line
        elif program == "spatialvote":
            assert main([words[0], "--help"]) == 0, line
            told = capsys.readouterr().out
            options = [word for word in words if word.startswith("--")]
            assert [option for option in options if option not in told] == [], line


@named(PAGES)
def test_relative_links_and_images_lead_somewhere(page):
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    targets = [one for one in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in one]
    dead = [one for one in targets if not _leads_somewhere(page, one)]
    assert dead == []


def _leads_somewhere(page, target):
    path, _, anchor = target.partition("#")
    there = page.parent / path if path else page
    return there.is_file() and (not anchor or anchor in _anchors(there))


@cache
def _anchors(page):
    """Headings as a web page of the repository would name them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


def _modules():
    """Importable modules with an example in a docstring."""
    walked = pkgutil.walk_packages(spatialvote.__path__, "spatialvote.")
    for module in walked:
        source = Path(module.module_finder.path, f"{module.name.rpartition('.')[2]}.py")
        if not module.ispkg and ">>> " in source.read_text(encoding="utf-8"):
            yield module.name


@pytest.mark.parametrize("name", sorted(_modules()))
@pytest.mark.filterwarnings("ignore:Numba will use object mode:UserWarning")
def test_examples_in_docstrings_hold(name):
    outcome = doctest.testmod(import_module(name))
    assert outcome.attempted > 0
    assert outcome.failed == 0


def _key_rows():
    """First cells of the row that the page must have for each key of a study file."""
    for path, sections in SECTIONS.items():
        for section in sections.values() if isinstance(sections, dict) else [sections]:
            for key, field in section.model_fields.items():
                if key == "prior":
                    continue  # chooses the section itself; the allowed words of the key above name it
                dotted = ".".join([*path, key])
                yield dotted, f"| `{dotted}` | {field.description} | {_default(field)} |"


def _default(field):
    """A default as TOML would write it; what is made of other defaults is none."""
    if field.is_required():
        return "required"
    if field.default is PydanticUndefined or field.default in (None, {}, ()):
        return ""
    value = field.default
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f'`"{value}"`' if isinstance(value, str) else f"`{value:.4g}`"


@pytest.mark.parametrize(("key", "row"), [pytest.param(*one, id=one[0]) for one in _key_rows()])
def test_study_file_page_tells_every_key(key, row):
    assert row in (ROOT / "docs" / "study-file.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("structure", ["bym2", "none"])
def test_review_page_tells_every_check_with_its_threshold(structure, city, fit):
    if structure == "none":
        model = replace(MODEL, structure="none")
        fit = model.fit(city.districts, seed=1, draws=200, progress=False)
    page = (ROOT / "docs" / "review.md").read_text(encoding="utf-8").splitlines()
    rows = {name: line for line in page for name in re.findall(r"^\| `(\w+)`", line)}
    checks = review(fit, city.districts).checks
    assert [one.name for one in checks if one.name not in rows] == []
    assert [one.name for one in checks if one.threshold not in rows[one.name]] == []


def test_data_page_tells_every_format_and_neighbour_rule():
    page = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
    assert [ending for ending in FORMATS if f"`{ending}`" not in page] == []
    assert [kind for kind in KINDS if f'`"{kind}"`' not in page] == []


def test_model_page_tells_every_function_of_a_formula():
    page = (ROOT / "docs" / "model.md").read_text(encoding="utf-8")
    assert [name for name in FUNCTIONS if f"`{name}`" not in page] == []


def test_using_fits_page_tells_every_group_and_variable(fit):
    page = (ROOT / "docs" / "using-fits.md").read_text(encoding="utf-8")
    groups = [name for name in fit.tree.children if f"`{name}`" not in page]
    variables = [
        f"{group}/{name}"
        for group in fit.tree.children
        if group != "sample_stats"
        for name in fit.tree[group].data_vars
        if f"`{name}`" not in page
    ]
    assert groups == []
    assert variables == []
