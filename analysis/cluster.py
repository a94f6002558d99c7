"""Jobs on a Dask cluster: dask.distributed (extra ``cluster``) does them, again where a worker was lost."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, cast

import cloudpickle

from spatialvote.data.errors import Problem, RunError

if TYPE_CHECKING:
    from distributed import Client

#: Seconds within which a scheduler must answer, and within which a first worker must be there.
_ANSWER, _WORKERS = 10, 120


def on_cluster[Job, Result](
    function: Callable[[Job], Result], jobs: Sequence[Job], address: str
) -> Generator[Result]:
    """Results in the jobs' order, each as soon as it and those before it are there.

    Parameters
    ----------
    function
        A function that the workers can import; errors that it raises are raised here.
    jobs
        Its arguments, one each.
    address
        Of the scheduler.

    Raises
    ------
    RunError
        Where distributed is not installed, the scheduler does not answer or has no worker, a worker has
        another version of spatialvote or none, or one job was lost with several workers.
    """
    try:
        from distributed import KilledWorker
    except ImportError as error:
        raise RunError(
            Problem(
                "a cluster needs the package 'distributed', which is not installed",
                "install it with pip install 'spatialvote[cluster]', or leave the cluster out",
            )
        ) from error
    with _client(address) as client:
        _require_workers(client, address)
        # Not pure: equal jobs of another run are not this run's.
        futures = [client.submit(_call, cloudpickle.dumps((function, job)), pure=False) for job in jobs]
        try:
            for future in futures:
                yield cast("Result", future.result())
                # The scheduler need not keep what is here.
                future.release()
        except KilledWorker as error:
            raise RunError(
                Problem(
                    f"a job on cluster '{address}' was lost with each worker that did it",
                    "most often memory ran out: use fewer processes for each machine",
                )
            ) from error
        finally:
            client.cancel([one for one in futures if not one.done()])


def _call(packed: bytes) -> object:
    """Unpack a function and its argument, and call it.

    They are packed because a worker that cannot import a function given as such loses its connection,
    without an error that anybody sees.
    """
    function, job = cloudpickle.loads(packed)
    return function(job)


@contextmanager
def _client(address: str) -> Iterator[Client]:
    from distributed import Client

    try:
        client = Client(address, timeout=_ANSWER, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise RunError(
            Problem(
                f"no Dask scheduler answers at '{address}' within {_ANSWER} seconds ({error})",
                "start one with `dask scheduler`, and give the address that it prints",
            )
        ) from error
    with client:
        yield client


def _require_workers(client: Client, address: str) -> None:
    """Wait for a worker, and see that each has this version of spatialvote."""
    ours = version("spatialvote")
    # A first job, so that a cluster that grows with its work starts workers.
    first = client.submit(sum, (), pure=False)
    try:
        client.wait_for_workers(1, timeout=_WORKERS)
    except TimeoutError as error:
        raise RunError(
            Problem(
                f"the Dask scheduler at '{address}' has had no worker for {_WORKERS} seconds",
                "start some with `dask worker ADDRESS --nworkers 2 --nthreads 1`",
            )
        ) from error
    first.cancel()
    theirs = cast("dict[str, object]", client.run(version, "spatialvote", on_error="return"))
    wrong = {where: found for where, found in theirs.items() if found != ours}
    if wrong:
        where, found = next(iter(wrong.items()))
        came = "none" if isinstance(found, Exception) else found
        raise RunError(
            Problem(
                f"{len(wrong)} of {len(theirs)} workers of cluster '{address}' lack spatialvote {ours} "
                f"({where}: {came})",
                "install the same version, and that of its dependencies, where every worker runs",
            )
        )
