"""Many jobs on this machine: in order, with errors named, and without traces of an interrupt."""

import os
import signal
import subprocess
import sys
import time

import cloudpickle
import numpy as np
import pytest

from spatialvote.analysis.many import job_bar, run_many
from spatialvote.data.errors import ModelError, Problem, RunError


@pytest.fixture(autouse=True, scope="module")
def _jobs_travel():
    """Other processes cannot import a file of tests: its functions travel with their code."""
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    yield
    cloudpickle.unregister_pickle_by_value(sys.modules[__name__])


def square(number):
    return number * number


def uneven(number):
    # The first jobs take longest, so that they end last.
    time.sleep(0.3 / (1 + number))
    return number, os.getpid()


def product(seed):
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(200, 200))
    return np.linalg.inv(matrix @ matrix.T)


def fails_at_three(number):
    if number == 3:
        raise ValueError("three is not allowed")
    return number


def refuses_at_three(number):
    if number >= 3:
        raise ModelError([Problem("no such column", "name one"), Problem("no such party", "name another")])
    return number


def dies(number):
    os.kill(os.getpid(), signal.SIGKILL)


class Named:
    def __init__(self, name):
        self.name = name


def refuses_named(job):
    raise ModelError(Problem("no such column", "name one"))


@pytest.mark.parametrize("cores", [1, 2])
def test_results_are_in_the_order_of_the_jobs(cores):
    assert run_many(square, range(7), cores=cores) == [0, 1, 4, 9, 16, 25, 36]
    assert run_many(square, [], cores=cores) == []


def test_two_processes_do_the_work_and_this_one_does_none():
    results = run_many(uneven, range(6), cores=2)
    assert [number for number, _ in results] == list(range(6))
    processes = {process for _, process in results}
    assert len(processes) == 2
    assert os.getpid() not in processes
    assert {process for _, process in run_many(uneven, range(3), cores=1)} == {os.getpid()}


def test_where_a_job_is_done_changes_no_digit():
    here, there = (run_many(product, range(3), cores=cores) for cores in (1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(here, there, strict=True))


@pytest.mark.parametrize("cores", [1, 2])
def test_an_error_names_its_job(cores):
    with pytest.raises(ValueError, match="three is not allowed") as caught:
        run_many(fails_at_three, range(8), cores=cores)
    assert caught.value.__notes__ == ["In job 4 of 8."]


@pytest.mark.parametrize("cores", [1, 2])
def test_what_a_user_can_mend_stays_that_and_names_its_job(cores):
    with pytest.raises(ModelError, match="2 problems:\n  - job 4 of 8: no such column: name one\n") as caught:
        run_many(refuses_at_three, range(8), cores=cores)
    assert [one.advice for one in caught.value.problems] == ["name one", "name another"]
    with pytest.raises(ModelError, match=r"^job 1 of 2 \(no links\): no such column: name one$"):
        run_many(refuses_named, [Named("no links"), Named("queen")], cores=1)


def test_progress_counts_every_job():
    seen = []
    run_many(square, range(3), cores=2, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]
    with job_bar("Working") as watch:
        watch(1, 3)
    assert run_many(square, [5], cores=1, progress=True) == [25]


@pytest.mark.parametrize("cores", [0, -2, 1.5, True, "2"])
def test_cores_are_a_whole_number_above_zero(cores):
    with pytest.raises(RunError, match="cores must be a whole number above zero, got"):
        run_many(square, [1], cores=cores)


def test_a_killed_process_is_told_of():
    with pytest.raises(RunError, match=r"a process of this machine was killed.*use fewer cores"):
        run_many(dies, range(2), cores=2)


#: Neither guarded by __name__ nor in a file; its jobs would take a minute.
SCRIPT = r"""
import os, sys, time
from spatialvote.analysis.many import run_many
def wait(number):
    os.write(1, b"%d\n" % os.getpid())  # in one piece
    time.sleep(30)
run_many(wait, range(4), cores=2)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")
@pytest.mark.parametrize("whole_group", [True, False], ids=["terminal", "process"])
def test_an_interrupt_stops_at_once_and_leaves_no_process(whole_group):
    script = subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    working = [int(script.stdout.readline()) for _ in range(2)]
    start = time.monotonic()
    # A terminal interrupts every process of the command.
    (os.killpg if whole_group else os.kill)(script.pid, signal.SIGINT)
    _, told = script.communicate(timeout=20)
    assert time.monotonic() - start < 15  # jobs would end after 30
    assert told.rstrip().endswith("KeyboardInterrupt")
    assert told.count("Traceback") == 1
    assert [one for one in working if _alive(one)] == []


def _alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
