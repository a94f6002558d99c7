"""`spatialvote multiverse`: what it writes, and that a cluster which loses a worker writes the same."""

import os
import re
import signal
from threading import Timer

import pandas as pd
import pytest
from distributed import LocalCluster

from spatialvote.data.simulate import simulate_city
from spatialvote.multiverse import run_multiverse_study
from spatialvote.study import load_study

STUDY = """
[study]
title = "A <small> multiverse"
seed = 3
output = "results"

[data]
table = "city/districts.gpkg"
id = "district"
valid = "valid"
migrants = "migrant_share"
covariates = ["higher_education", "income"]

[data.votes]
national = "national_list"

[data.units]
migrant_share = "percent"
higher_education = "percent"

[data.names]
national_list = "National & Co"

[data.definitions]
migrant_share = { definition = "residents whose origin is another country", source = "spatialvote simulate" }

[data.about]
name = "Simulated city"
unit = "polling district"
year = 2026

[model]
formula = "national ~ migrant_share + income"

[multiverse]
structures = ["bym2", "iid"]
draws = 200

[multiverse.covariates]
income = ["income"]
education = ["higher_education"]

[multiverse.graphs]
touching = { method = "queen" }
near = { method = "knn", k = 4 }
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A folder with a study of 60 districts whose multiverse was run in this process."""
    folder = tmp_path_factory.mktemp("multiverse")
    simulate_city(seed=1, n_districts=60).write(folder / "city")
    (folder / "study.toml").write_text(STUDY)
    run_multiverse_study(load_study(folder / "study.toml"), cores=1)
    return folder / "results"


def test_the_table_has_every_specification_once(written):
    table = pd.read_csv(written / "multiverse.csv", keep_default_na=False)
    assert list(zip(table["covariates"], table["structure"], table["graph"], strict=True)) == [
        ("income", "bym2", "touching"),
        ("income", "bym2", "near"),
        ("income", "iid", "touching | near"),
        ("education", "bym2", "touching"),
        ("education", "bym2", "near"),
        ("education", "iid", "touching | near"),
    ]
    assert table.loc[table["main"], "specification"].tolist() == [1]
    assert (table["failure"] == "").all()
    assert table["fingerprint"].is_unique
    assert table["effect"].nunique() == 6


def test_the_page_says_what_it_is_and_is_not(written):
    page = (written / "multiverse.html").read_text(encoding="utf-8")
    for words in (
        "6 ways to ask about migrants",
        "polling district",
        "Simulated city, 2026",
        "is not a probability",
        "compares districts, not persons",
        "All specifications are fitted to the votes of 60 districts, the same in all.",
        "Of 6 specifications,",
        "in which a choice makes no difference",
        "same seed, 3",
    ):
        assert words in page, words
    assert "<small>" not in page
    assert "National &amp; Co" in page
    assert re.findall(r'(?:src|href)="(?!data:|#|https://doi)', page) == []
    assert {one.name for one in written.iterdir()} == {"multiverse.csv", "multiverse.html"}


@pytest.mark.slow
def test_a_cluster_that_loses_a_worker_gives_the_same_numbers(written):
    study = load_study(written.parent / "study.toml")
    here = pd.read_csv(written / "multiverse.csv")
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0") as cluster:
        address = cluster.scheduler_address
        first = next(iter(cluster.workers.values())).process.pid
        Timer(4.0, os.kill, (first, signal.SIGKILL)).start()
        run_multiverse_study(study, cluster=address)
        workers = [one.process.pid for one in cluster.workers.values() if one.process]
    there = pd.read_csv(written / "multiverse.csv")
    assert first not in workers
    pd.testing.assert_frame_equal(
        there.drop(columns="seconds"), here.drop(columns="seconds"), check_exact=True
    )
