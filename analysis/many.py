"""`run_many`: the same work for many jobs, on this machine's cores or on a Dask cluster, in the jobs' order.

One function is called for each job, in processes that share nothing. Each process uses one thread of the
linear algebra libraries, wherever it runs, so that two processes use two cores, and the numbers do not depend
on where a job was done (they may in the last digits between processors of another kind).

On this machine joblib starts the processes (its backend loky): they are started afresh, not forked, on every
system, and unlike those of `concurrent.futures` they do not run the caller's script again, so that a script
without ``if __name__ == "__main__"``, a notebook and ``python -c`` work. On a cluster the scheduler of
dask.distributed gives a job whose worker was lost to another worker.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial

from joblib import Parallel, delayed
from joblib.externals.loky.process_executor import TerminatedWorkerError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.progress import TimeRemainingColumn as TimeLeftColumn
from threadpoolctl import threadpool_limits

from spatialvote.data.errors import Problem, RunError, SpatialvoteError

#: Called with how many jobs are done, and how many there are.
type Watch = Callable[[int, int], object]

#: Seconds after which a process without work ends; the next call finds it warm until then.
_IDLE = 60


def run_many[Job, Result](
    function: Callable[[Job], Result],
    jobs: Sequence[Job],
    *,
    cores: int | None = None,
    cluster: str | None = None,
    progress: Watch | bool | None = None,
) -> list[Result]:
    """Call a function once for each job, many at a time, and give the results in the jobs' order.

    Parameters
    ----------
    function
        A function that other processes can import: of a module, not within another function.
    jobs
        Its arguments, one each; they and the results must be picklable. All that a job needs must be in it,
        a seed included.
    cores
        Processes on this machine; None: as many as it has cores; 1: this process, one job after the other.
    cluster
        Address of a Dask scheduler ("tcp://host:8786"), which does the jobs instead of this machine.
    progress
        True for a progress bar on the terminal, or a function that is called with how many jobs are done and
        how many there are.

    Raises
    ------
    RunError
        Where `cores` is no number above zero; the cluster does not answer, has no worker, or has workers
        without this version of spatialvote; or processes were killed.
    SpatialvoteError
        Of a job; its problems name the job by its number, and by its attribute ``name`` if it has one. Any
        other error of a job is raised as it is, with a note that names the job. Jobs that are not yet done
        are given up; on a cluster, those that are being done end without being waited for.

    Examples
    --------
    >>> run_many(abs, [-3, 2, -1], cores=1)
    [3, 2, 1]
    """
    if cores is not None and (not isinstance(cores, int) or isinstance(cores, bool) or cores < 1):
        raise RunError(Problem(f"cores must be a whole number above zero, got {cores!r}", "raise it"))
    if progress is True:
        with job_bar("Working") as watch:
            return run_many(function, jobs, cores=cores, cluster=cluster, progress=watch)
    do = partial(_do, function)
    numbered = [(number, len(jobs), job) for number, job in enumerate(jobs, 1)]
    # More processes than jobs would only take time to start.
    processes = min(cores or os.cpu_count() or 1, max(len(jobs), 1))
    if cluster is not None:
        from spatialvote.analysis.cluster import on_cluster

        doing = on_cluster(do, numbered, cluster)
    elif processes == 1:
        doing = _here(do, numbered)
    else:
        doing = _in_processes(do, numbered, processes)
    return _gather(doing, len(jobs), progress or None)


@contextmanager
def job_bar(title: str) -> Iterator[Watch]:
    """A bar on standard error that counts jobs; where that is no terminal, nothing is drawn.

    Examples
    --------
    >>> with job_bar("Fitting") as watch:
    ...     watch(3, 48)
    """
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("gone,"),
        TimeLeftColumn(),
        TextColumn("left"),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(title, total=None)

        def watch(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield watch


def _gather[Result](doing: Generator[Result], total: int, watch: Watch | None) -> list[Result]:
    """Results in order, counted."""
    results = []
    if watch is not None:
        watch(0, total)
    # Closed at an error or an interrupt, which gives up the jobs that are not done.
    with closing(doing):
        for result in doing:
            results.append(result)
            if watch is not None:
                watch(len(results), total)
    return results


def _do[Job, Result](function: Callable[[Job], Result], numbered: tuple[int, int, Job]) -> Result:
    """Do a job with one thread; an error of it says which job it was."""
    number, total, job = numbered
    name = getattr(job, "name", None)
    which = f"job {number} of {total}" + (f" ({name})" if isinstance(name, str) else "")
    with threadpool_limits(limits=1):
        try:
            return function(job)
        except SpatialvoteError as error:
            problems = [Problem(f"{which}: {one.what}", one.advice) for one in error.problems]
            raise type(error)(problems) from error
        except Exception as error:
            error.add_note(f"In {which}.")
            raise


def _here[Job, Result](function: Callable[[Job], Result], jobs: Sequence[Job]) -> Generator[Result]:
    for job in jobs:
        yield function(job)


def _in_processes[Job, Result](
    function: Callable[[Job], Result], jobs: Sequence[Job], processes: int
) -> Generator[Result]:
    # Jobs that take seconds are handed out one by one: in larger batches one process could end long after
    # the others.
    parallel = Parallel(
        n_jobs=processes,
        backend="loky",
        return_as="generator",
        batch_size=1,
        inner_max_num_threads=1,
        idle_worker_timeout=_IDLE,
    )
    try:
        yield from parallel(delayed(function)(job) for job in jobs)
    except TerminatedWorkerError as error:
        raise RunError(
            Problem(
                "a process of this machine was killed while it did a job",
                "most often memory ran out: use fewer cores",
            )
        ) from error
