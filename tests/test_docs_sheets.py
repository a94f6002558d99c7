"""The pages of turnout and policy are true: their study files are valid, and every key stands in them."""

import re
from pathlib import Path

import pytest

from spatialvote.elections_run import load_elections
from spatialvote.elections_schema import (
    ElectionsEffectSection,
    ElectionsEngineSection,
    ElectionsFile,
    ElectionsModelSection,
    ElectionsSection,
)
from spatialvote.policy_run import load_policy
from spatialvote.policy_schema import PolicyFile, ProfileSection, ScoresSection
from spatialvote.turnout_run import load_turnout
from spatialvote.turnout_schema import (
    CellsSection,
    CounterfactualSection,
    GapsSection,
    ModeratorsSection,
    TurnoutFile,
    TurnoutModelSection,
)

DOCS = Path(__file__).resolve().parents[1] / "docs"
SECTIONS = {
    "turnout.md": {
        "cells": CellsSection,
        "model": TurnoutModelSection,
        "moderators": ModeratorsSection,
        "gaps": GapsSection,
        "counterfactual": CounterfactualSection,
    },
    "elections.md": {
        "elections": ElectionsSection,
        "model": ElectionsModelSection,
        "engine": ElectionsEngineSection,
        "effect": ElectionsEffectSection,
    },
    "policy.md": {"scores": ScoresSection, "profile": ProfileSection},
}


@pytest.mark.parametrize(
    ("page", "load"),
    [("elections.md", load_elections), ("turnout.md", load_turnout), ("policy.md", load_policy)],
)
def test_the_study_file_of_a_page_is_valid(page, load, tmp_path):
    block = re.findall(r"^```text\n(.*?)^```$", (DOCS / page).read_text(encoding="utf-8"), re.M | re.S)[0]
    (tmp_path / "study.toml").write_text(block, encoding="utf-8")
    assert load(tmp_path / "study.toml").settings.study.title


@pytest.mark.parametrize("page", SECTIONS)
def test_every_key_stands_in_its_page(page):
    text = (DOCS / page).read_text(encoding="utf-8")
    for path, section in SECTIONS[page].items():
        for key, field in section.model_fields.items():
            assert f"| `{path}.{key}` | {field.description} |" in text


def test_pages_know_every_section():
    assert set(TurnoutFile.model_fields) == {"study", *SECTIONS["turnout.md"]}
    assert set(ElectionsFile.model_fields) == {"study", "graph", *SECTIONS["elections.md"]}
    assert set(PolicyFile.model_fields) == {"study", *SECTIONS["policy.md"]}
