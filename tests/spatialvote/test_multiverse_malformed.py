"""Sections [multiverse] that are wrong in one way: exit code 2, and one message that says which key."""

import re

import pytest

RIGHT = """
[multiverse]
parties = ["pvv", "denk"]
migrants = ["migrants"]
families = ["binomial", "gaussian"]
structures = ["bym2", "iid"]
exclude = [{ structure = "iid", covariates = ["none"] }]

[multiverse.covariates]
none = []
education = ["education"]

[multiverse.graphs]
given = { method = "edges" }

[multiverse.priors]
default = {}
wide = { coefficient_sd = 5.0 }
"""
#: What is replaced in the right section, by what, and the whole message that must follow.
MISTAKES = {
    "no choice": (
        RIGHT,
        '\n[multiverse]\nfamilies = ["binomial"]\n',
        r"\[multiverse\] has no dimension with two choices: list some under parties, migrants,",
    ),
    "mistyped key": (
        "parties =",
        "partys =",
        r"multiverse\.partys is not a key of \[multiverse\]: did you mean 'parties'\?",
    ),
    "a text for a list": (
        'structures = ["bym2", "iid"]',
        'structures = "bym2"',
        r"multiverse\.structures is the text 'bym2': it must be a list of 'bym2', 'leroux'",
    ),
    "unknown structure": (
        '"bym2", "iid"',
        '"bym", "iid"',
        r"multiverse\.structures, item 1, is the text 'bym': it must be a list of .*did you mean 'bym2'\?",
    ),
    "unknown family": (
        '"gaussian"]',
        '"normal"]',
        r"multiverse\.families, item 2, is the text 'normal': it must be a list of 'binomial'",
    ),
    "mixed units": (
        '"binomial", "gaussian"',
        '"binomial", "poisson"',
        r"multiverse\.families mixes 'poisson' with others, whose effects have another unit",
    ),
    "party without votes": (
        '"pvv", "denk"',
        '"pvv", "fvd"',
        r"multiverse\.parties has 'fvd', without votes: data\.votes has 'pvv', 'denk'",
    ),
    "twice the same": (
        '"pvv", "denk"',
        '"pvv", "pvv"',
        r"multiverse\.parties lists 'pvv' twice: list each choice once",
    ),
    "measure that is not read": (
        'migrants = ["migrants"]',
        'migrants = ["migrants", "abroad"]',
        r"multiverse\.migrants has 'abroad', which is no column of data\.migrants or data\.covariates",
    ),
    "measure without a unit": (
        'migrants = ["migrants"]',
        'migrants = ["migrants", "education"]',
        r"data\.units lacks the unit of the migrant measure 'education': give one of 'fraction'",
    ),
    "column that is not read": (
        '["education"]',
        '["educaton", "bs(migrants, df=4)"]',
        r"multiverse\.covariates\.education uses 'educaton', which .* not name: .*mean 'education'\?",
    ),
    "terms that are no list": (
        "none = []",
        "none = 3",
        r"multiverse\.covariates\.none is 3: it must be a table of name = terms",
    ),
    "graph without its number": (
        '{ method = "edges" }',
        '{ method = "knn" }',
        r"multiverse\.graphs\.given\.k is missing, which multiverse\.graphs\.given\.method 'knn' needs",
    ),
    "unknown key of a graph": (
        '{ method = "edges" }',
        '{ methode = "edges" }',
        r"multiverse\.graphs\.given\.methode is not a key of \[multiverse\.graphs\.given\]: did you mean 'm",
    ),
    "unknown method of a graph": (
        '{ method = "edges" }',
        '{ method = "quen" }',
        r"multiverse\.graphs\.given\.method is the text 'quen': it must be 'queen'.*did you mean 'queen'\?",
    ),
    "prior that is none": (
        "coefficient_sd = 5.0",
        "coefficient_sd = -1",
        r"multiverse\.priors\.wide\.coefficient_sd is -1: it must be a number above 0",
    ),
    "prior of another kind": (
        "coefficient_sd = 5.0",
        'sigma = { prior = "half", scale = 1.0 }',
        r"multiverse\.priors\.wide\.sigma\.prior is the text 'half': it must be 'pc' or 'half_normal'",
    ),
    "rule of no dimension": (
        'structure = "iid", ',
        'structures = "iid", ',
        r"multiverse\.exclude, item 1, has 'structures', which is no dimension: choose from party, migrants,"
        r".*did you mean 'structure'\?",
    ),
    "rule of no choice": (
        'structure = "iid", ',
        'structure = "sar", ',
        r"multiverse\.exclude, item 1, has structure 'sar': multiverse\.structures has 'bym2', 'iid'",
    ),
    "empty rule": (
        '{ structure = "iid", covariates = ["none"] }',
        "{}",
        r"multiverse\.exclude, item 1, is empty and would exclude everything",
    ),
    "too few draws": (
        "[multiverse]\n",
        "[multiverse]\ndraws = 10\n",
        r"multiverse\.draws is 10: it must be a whole number, 100 or more",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_one_mistake_gives_one_clear_message(name, folder, call):
    old, new, message = MISTAKES[name]
    assert RIGHT.count(old) == 1
    path = folder / "study.toml"
    path.write_text(path.read_text() + RIGHT.replace(old, new))
    called = call("multiverse", path)
    assert called.code == 2
    assert re.match(f"spatialvote: {message}", called.err), called.err
    assert not (folder / "results").exists()


def test_a_study_without_choices_says_where_they_go(folder, call):
    called = call("multiverse", folder / "study.toml")
    assert called.code == 2
    assert "'study.toml' has no section [multiverse]: list the defensible choices in one" in called.err


def test_a_formula_without_the_migrants_has_nothing_to_follow(changed, call):
    path = changed("pvv ~ migrants + education", "pvv ~ education")
    path.write_text(path.read_text() + RIGHT)
    called = call("multiverse", path)
    assert called.code == 2
    assert "follows the effect of data.migrants 'migrants', which model.formula lacks" in called.err


def test_cores_and_cluster_are_either_or(folder, call):
    called = call("multiverse", folder / "study.toml", "--cores", "2", "--cluster", "tcp://127.0.0.1:1")
    assert called.code == 2
    assert "not allowed with argument --cores" in called.err


def test_cores_of_none_are_refused(folder, call):
    path = folder / "study.toml"
    path.write_text(path.read_text() + RIGHT)
    called = call("multiverse", path, "--cores", "0")
    assert called.code == 2
    assert "cores must be a whole number above zero, got 0" in called.err
