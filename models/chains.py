"""Markov chains run side by side, each by a sampler of its own, so that each can be stored and gone on with.

With a folder, nutpie writes draws to it as a zarr store, 16 at a time. Several times a second what it still
holds is written too, and then a marker with the number of draws that are now complete in every array: a
process that is killed loses what it drew since the last marker, and no reader meets a half-written draw.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from spatialvote.models.light_nutpie import CompiledPyMCModel, nutpie  # pyright: ignore[reportAttributeAccessIssue]
from spatialvote.models.stored_draws import STATISTICS, Draws, StoredRun

#: Called with (draws done, draws in total, divergences, seconds) over all chains.
Progress = Callable[[int, int, int, float], None]

#: Seconds between two markers, unless writing what is held takes more than a twentieth of that time.
_BETWEEN_MARKERS = 0.2
#: Milliseconds between two looks at how many draws a chain has.
_LOOK = 50
#: Seconds to wait for one chain before looking at the next.
_TURN = 0.01


@dataclass(frozen=True)
class Plan:
    """What one sampler is to do.

    Attributes
    ----------
    model
        The density, and where to start.
    draws, tune
        Draws to keep, after warm-up draws.
    seed
        Seed of the sampler.
    target_accept
        Mean acceptance probability that the step size is tuned to.
    folder
        Where draws are streamed to; None: they stay in memory.
    """

    model: CompiledPyMCModel
    draws: int
    tune: int
    seed: int
    target_accept: float
    folder: Path | None = None


@dataclass
class _Running:
    """A sampler at work."""

    plan: Plan
    sampler: Any
    #: nutpie's progress, handed over by a thread of its own.
    state: list[Any] = field(default_factory=list)
    marked: int = 0
    due: float = 0.0

    @property
    def kept(self) -> int:
        """Draws after warm-up."""
        return max(self.state[-1].finished_draws - self.plan.tune, 0) if self.state else 0

    def mark(self) -> None:
        """Write what is held and vouch for it; at most one part in twenty of the time."""
        start = time.perf_counter()
        kept = self.kept
        if self.plan.folder is None or start < self.due or kept == self.marked:
            return
        # nutpie shows no public way to write what it holds but one that reads the store as well.
        self.sampler._sampler.flush()
        StoredRun(self.plan.folder).mark(kept)
        self.marked = kept
        now = time.perf_counter()
        self.due = now + max(_BETWEEN_MARKERS, 20 * (now - start))

    def finish(self, raw: Any) -> Draws:
        """The draws of a sampler that is done."""
        if self.plan.folder is None:
            return _from_arrow(raw, self.plan.tune)
        stored = StoredRun(self.plan.folder)
        stored.mark(self.plan.draws)
        return stored.read()

    def stop(self) -> None:
        """End the sampler early, keeping on disk what it has drawn."""
        self.sampler.cancel()
        # Cancelling writes everything held; the marker vouches for what was counted last.
        if self.plan.folder is not None and self.kept > self.marked:
            StoredRun(self.plan.folder).mark(self.kept)


def run_chains(plans: Sequence[Plan], cores: int, progress: Progress | None = None) -> list[Draws]:
    """Run samplers, some at a time, and give their draws in the order of the plans.

    Parameters
    ----------
    plans
        One for each chain.
    cores
        How many run at the same time.
    progress
        Called a few times a second with the sums over all chains.
    """
    waiting = list(enumerate(plans))
    running: dict[int, _Running] = {}
    begun: list[_Running] = []
    done: dict[int, Draws] = {}
    start = told = time.perf_counter()
    try:
        while waiting or running:
            while waiting and len(running) < cores:
                position, plan = waiting.pop(0)
                running[position] = _start(plan)
                begun.append(running[position])
            for position, one in list(running.items()):
                try:
                    raw = one.sampler.wait(timeout=_TURN)
                except TimeoutError:
                    one.mark()
                else:
                    done[position] = running.pop(position).finish(raw)
            if progress is not None and time.perf_counter() - told > 0.1:
                told = time.perf_counter()
                _tell(progress, plans, begun, told - start)
    finally:
        # Left early, by an interrupt or an error of one chain: none goes on in the background.
        for one in running.values():
            one.stop()
    if progress is not None:
        _tell(progress, plans, begun, time.perf_counter() - start)
    return [done[position] for position in range(len(plans))]


def _start(plan: Plan) -> _Running:
    store = None
    if plan.folder is not None:
        store = nutpie.zarr_store.LocalStore(str(plan.folder), mkdir=True)
    running = _Running(plan, None)
    running.sampler = nutpie.sample(
        plan.model,
        draws=plan.draws,
        tune=plan.tune,
        chains=1,
        cores=1,
        seed=plan.seed,
        target_accept=plan.target_accept,
        progress_bar=False,
        progress_callback=lambda chains: running.state.__setitem__(slice(None), chains[:1]),
        progress_rate=_LOOK,
        return_raw_trace=True,
        zarr_store=store,
        blocking=False,
    )
    return running


def _tell(progress: Progress, plans: Sequence[Plan], begun: list[_Running], seconds: float) -> None:
    states = [one.state[-1] for one in begun if one.state]
    progress(
        sum(one.finished_draws for one in states),
        sum(plan.draws + plan.tune for plan in plans),
        sum(one.divergences for one in states),
        seconds,
    )


def _from_arrow(raw: Any, tune: int) -> Draws:
    """Draws after warm-up from nutpie's Arrow tables of one chain."""
    (draws,), (statistics,) = raw.get_arrow_trace()
    point = _column(draws, "point")
    return Draws(
        point.reshape(draws.num_rows, -1)[tune:],
        {name: _column(statistics, name)[tune:] for name in STATISTICS},
    )


def _column(table: Any, name: str) -> np.ndarray:
    import pyarrow

    column = pyarrow.array(table.column(name))
    values = column.flatten() if pyarrow.types.is_nested(column.type) else column
    return values.to_numpy(zero_copy_only=False)
