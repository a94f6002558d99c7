"""Study files that are right: what becomes of their keys."""

import dataclasses
import typing
from pathlib import Path

import pytest

from spatialvote import study_checks, study_schema
from spatialvote.data.errors import StudyError
from spatialvote.data.neighbour_rule import KINDS
from spatialvote.data.read import POLICIES, read_districts
from spatialvote.data.simulate import LARGEST, SMALLEST, simulate_city
from spatialvote.models.centring import PARAMETRISATIONS
from spatialvote.models.families import FAMILIES
from spatialvote.models.nuts import NutsSettings
from spatialvote.models.outcome import ABSENT
from spatialvote.models.priors import BetaRho, HalfNormal, PCOverdispersion, PCRho, PCSigma, Priors
from spatialvote.models.structures import STRUCTURES
from spatialvote.models.vote_share import VoteShareModel
from spatialvote.study import load_default_study, load_study
from spatialvote.study_problems import SECTIONS


def _allowed(section: type[study_schema.Section], key: str) -> set[str]:
    """Texts among a field's literals."""
    annotation = section.model_fields[key].annotation
    literals = [one for one in (annotation, *typing.get_args(annotation)) if typing.get_origin(one)]
    return {value for one in literals for value in typing.get_args(one) if isinstance(value, str)}


def test_allowed_values_are_those_of_the_modules_that_implement_them():
    assert _allowed(study_schema.ModelSection, "family") == set(FAMILIES)
    assert _allowed(study_schema.ModelSection, "structure") == set(STRUCTURES)
    assert _allowed(study_schema.ModelSection, "absent") == set(ABSENT)
    assert _allowed(study_schema.EngineSection, "parametrisation") == set(PARAMETRISATIONS)
    assert _allowed(study_schema.GraphSection, "method") == set(KINDS)
    assert _allowed(study_schema.TableData, "missing") == set(POLICIES)
    assert {kind: need for kind, need in KINDS.items() if need} == study_checks._NEEDED
    words = study_schema.Simulation.model_fields["n_districts"].description
    assert words == f"a whole number from {SMALLEST} to {LARGEST}"


def test_parties_of_the_simulated_city_are_known():
    city = simulate_city(seed=1, n_districts=SMALLEST)
    assert tuple(city.districts.roles.votes) == study_checks.SIMULATED_PARTIES


def test_what_is_left_out_is_the_default_of_the_library(tmp_path):
    path = tmp_path / "short.toml"
    path.write_text(
        '[study]\ntitle = "t"\nseed = 1\noutput = "o"\n[data]\nsimulate = true\n'
        '[model]\nformula = "national_list ~ income"\n'
    )
    study = load_study(path)
    assert study.model() == VoteShareModel("national_list ~ income")
    assert study.settings.engine.model_dump(exclude_none=True) == {"name": "nuts"}
    assert study.settings.data.simulate.model_dump() == {
        "n_districts": 400,
        "islands": 0,
        "second_component": False,
        "seed": 2026,
    }


def test_the_engine_knows_every_key_of_its_section():
    keys = set(study_schema.EngineSection.model_fields) - {"name"}
    assert keys == {one.name for one in dataclasses.fields(NutsSettings)}


def test_every_section_describes_every_field():
    sections = [study_schema.StudyFile]
    for there in SECTIONS.values():
        sections += there.values() if isinstance(there, dict) else [there]
    undescribed = [
        f"{section.__name__}.{name}"
        for section in sections
        for name, field in section.model_fields.items()
        if not field.description and name != "prior"
    ]
    assert undescribed == []
    every = {one for one in vars(study_schema).values() if isinstance(one, type)}
    known = {one for one in every if issubclass(one, study_schema.Section)} - {study_schema.Section}
    assert known == set(sections)


def test_paths_start_at_the_folder_of_the_study_file(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    study = load_study(Path(folder.name) / "study.toml")
    assert study.output == folder / "results"
    assert study.settings.data.table == folder / "districts.csv"
    districts = read_districts(**study.read_arguments())
    assert districts.graph_report.n_edges == 5
    assert districts.roles.votes == {"pvv": "pvv", "denk": "denk"}
    assert districts.roles.covariates == ("education",)
    assert districts.roles.units == {"migrants": "percent"}


def test_absolute_paths_stay(folder, changed, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    study = load_study(changed('output = "results"', f'output = "{elsewhere.as_posix()}"'))
    assert study.output == elsewhere


def test_priors_reach_the_model(changed):
    assert load_study(changed("coefficient_sd = 1.0", "coefficient_sd = 0.5")).model().priors == Priors(
        coefficient_sd=0.5, sigma=PCSigma(1.0, 0.01), rho=BetaRho(1.0, 1.0)
    )
    sigma = '{ prior = "pc", upper = 1.0, tail = 0.01 }'
    model = load_study(changed(sigma, '{ prior = "half_normal", scale = 2 }')).model()
    assert model.priors.sigma == HalfNormal(2.0)
    rho = '{ prior = "beta", a = 1.0, b = 1.0 }'
    assert load_study(changed(rho, '{ prior = "pc", mass = 0.9 }')).model().priors.rho == PCRho(0.5, 0.9)
    others = (
        'overdispersion = { prior = "pc", tail = 0.05 }\nnoise = { prior = "half_normal", scale = 0.2 }\n'
        'group = { prior = "pc", upper = 0.5 }'
    )
    priors = load_study(changed("coefficient_sd = 1.0", others)).model().priors
    assert priors.overdispersion == PCOverdispersion(0.1, 0.05)
    assert (priors.noise, priors.group) == (HalfNormal(0.2), PCSigma(0.5, 0.01))
    # A prior that is named without its numbers has those of the library.
    bare = load_study(changed("coefficient_sd = 1.0", 'noise = { prior = "pc" }')).model().priors
    assert bare.noise == Priors().noise


def test_family_and_absence_reach_the_model(changed):
    chosen = 'family = "beta_binomial"\nabsent = "zero votes"'
    model = load_study(changed('family = "binomial"', chosen)).model()
    assert (model.family, model.absent) == ("beta_binomial", "zero votes")


def test_votes_may_be_a_list(changed):
    path = changed('[data.votes]\npvv = "pvv"\ndenk = "denk"\n', "")
    path.write_text(path.read_text().replace('label = "name"', 'votes = ["pvv", "denk"]'))
    assert load_study(path).settings.data.votes == {"pvv": "pvv", "denk": "denk"}


def test_a_study_is_frozen(folder):
    study = load_study(folder / "study.toml")
    with pytest.raises(ValueError, match="frozen"):
        study.settings.study.seed = 8


def test_a_byte_order_mark_is_no_part_of_the_text(folder):
    path = folder / "study.toml"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert load_study(path).source.startswith("[study]")


def test_the_default_study_is_right_and_writes_below_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study = load_default_study()
    assert study.output == tmp_path / "studies" / "simulated-city"
    assert study.model().party == "national_list"
    assert isinstance(study.settings.data, study_schema.SimulatedData)
    with pytest.raises(TypeError, match="are simulated, not read"):
        study.read_arguments()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere.toml", "does not exist"),
        ("", "is a folder"),
        ("districts.csv", "does not end in .toml"),
    ],
)
def test_what_is_no_study_file_is_refused(name, message, folder):
    with pytest.raises(StudyError, match=message):
        load_study(folder / name)


def test_names_reach_the_districts(changed):
    path = changed("[data.about]", '[data.names]\nmigrants = "residents born abroad"\n\n[data.about]')
    study = load_study(path)
    assert read_districts(**study.read_arguments()).roles.called("migrants") == "residents born abroad"
