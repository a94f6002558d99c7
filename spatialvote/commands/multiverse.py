"""``spatialvote multiverse``: fit every combination of the choices that a study lists."""

import argparse
from pathlib import Path

from spatialvote.commands.parts import Commands, add_command


def add(commands: Commands) -> None:
    """Add the command and its arguments."""
    multiverse = add_command(
        commands,
        "multiverse",
        command,
        "fit every combination of defensible choices",
        "Fits the combinations of the choices in the study's section [multiverse] by the fast engine, and\n"
        "writes multiverse.csv and multiverse.html, with the specification curve of the migrants' effect,\n"
        "to the study's output folder.",
        "spatialvote multiverse study.toml --cores 4",
    )
    multiverse.add_argument("study", metavar="STUDY", type=Path, help="study file with [multiverse]")
    where = multiverse.add_mutually_exclusive_group()
    where.add_argument(
        "--cores", type=int, metavar="N", help="processes on this machine (default: as many as it has cores)"
    )
    where.add_argument(
        "--cluster", metavar="ADDRESS", help="Dask scheduler that does the work, such as tcp://host:8786"
    )


def command(arguments: argparse.Namespace) -> int:
    """Run the multiverse; the exit code is 0 whatever it says, for it judges nothing."""
    from spatialvote.multiverse import run_multiverse_study
    from spatialvote.study import load_study

    run_multiverse_study(load_study(arguments.study), arguments.cores, arguments.cluster)
    return 0
