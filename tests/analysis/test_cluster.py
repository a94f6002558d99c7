"""Jobs on a Dask cluster of two worker processes, one of which is killed on the way."""

import builtins
import os
import signal
import sys
import time

import cloudpickle
import numpy as np
import pytest
from distributed import LocalCluster

from spatialvote.analysis import cluster as module
from spatialvote.analysis.many import run_many
from spatialvote.data.errors import ModelError, Problem, RunError


@pytest.fixture(autouse=True, scope="module")
def _jobs_travel():
    """Other processes cannot import a file of tests: its functions travel with their code."""
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    yield
    cloudpickle.unregister_pickle_by_value(sys.modules[__name__])


@pytest.fixture(scope="module")
def cluster():
    """Two processes of one thread each."""
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0") as started:
        yield started


def mean_of(seed):
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(150, 150))
    time.sleep(0.1)
    return float(np.linalg.inv(matrix @ matrix.T).mean()), os.getpid()


def refuses(number):
    raise ModelError(Problem("no such column", "name one"))


def breaks(number):
    raise ValueError(f"{number} is not allowed")


def dies(number):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_cluster_gives_the_numbers_of_this_machine(cluster):
    here = run_many(mean_of, range(6), cores=1)
    there = run_many(mean_of, range(6), cluster=cluster.scheduler_address)
    assert [value for value, _ in there] == [value for value, _ in here]
    processes = {process for _, process in there}
    assert len(processes) == 2
    assert os.getpid() not in processes


def test_what_a_killed_worker_had_to_do_is_done_by_another(cluster):
    workers = [worker.process.pid for worker in cluster.workers.values()]
    killed = []

    def kill_one(done, total):
        if done == 3 and not killed:
            os.kill(workers[0], signal.SIGKILL)
            killed.append(workers[0])

    here = run_many(mean_of, range(16), cores=1)
    there = run_many(mean_of, range(16), cluster=cluster.scheduler_address, progress=kill_one)
    assert killed
    assert [value for value, _ in there] == [value for value, _ in here]
    assert workers[1] in {process for _, process in there[8:]}


def test_an_error_on_a_cluster_names_its_job(cluster):
    with pytest.raises(ModelError, match=r"^job 1 of 2: no such column: name one$"):
        run_many(refuses, range(2), cluster=cluster.scheduler_address)
    with pytest.raises(ValueError, match="0 is not allowed") as caught:
        run_many(breaks, range(2), cluster=cluster.scheduler_address)
    assert "In job 1 of 2." in caught.value.__notes__


def test_an_address_at_which_nothing_answers_is_told(monkeypatch):
    monkeypatch.setattr(module, "_ANSWER", 0.5)
    with pytest.raises(RunError, match=r"no Dask scheduler answers at 'tcp://127.0.0.1:9' within 0.5 s"):
        run_many(mean_of, range(2), cluster="tcp://127.0.0.1:9")


def test_an_address_that_is_none_is_told(monkeypatch):
    with pytest.raises(RunError, match=r"no Dask scheduler answers at 'carrier://pigeon'.*`dask scheduler`"):
        run_many(mean_of, range(2), cluster="carrier://pigeon")


def test_a_cluster_without_workers_is_told(monkeypatch):
    monkeypatch.setattr(module, "_WORKERS", 0.5)
    with (
        LocalCluster(n_workers=0, dashboard_address=":0") as empty,
        pytest.raises(RunError, match=r"has had no worker for 0.5 seconds: start some with `dask worker"),
    ):
        run_many(mean_of, range(2), cluster=empty.scheduler_address)


def test_workers_of_another_version_are_told(cluster, monkeypatch):
    here = os.getpid()
    monkeypatch.setattr(module, "version", lambda package: "0.0.1" if os.getpid() == here else "0.0.2")
    with pytest.raises(RunError, match=r"workers of cluster 'tcp:.*lack spatialvote 0.0.1 \(tcp:.*: 0.0.2\)"):
        run_many(mean_of, range(2), cluster=cluster.scheduler_address)


def test_without_distributed_the_extra_is_named(monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name == "distributed":
            raise ModuleNotFoundError("No module named 'distributed'")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(RunError, match=r"'distributed', which is not installed.*spatialvote\[cluster\]"):
        run_many(mean_of, range(2), cluster="tcp://127.0.0.1:8786")


def test_a_job_that_kills_every_worker_is_told(cluster):
    with pytest.raises(RunError, match="was lost with each worker that did it"):
        run_many(dies, range(1), cluster=cluster.scheduler_address)
