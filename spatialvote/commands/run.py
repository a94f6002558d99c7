"""``spatialvote run``: fit, review and report a study."""

import argparse
from pathlib import Path

from spatialvote.commands.parts import Commands, add_command, add_interrupted, code_of, discard_draws


def add(commands: Commands) -> None:
    """Add the command and its arguments."""
    run = add_command(
        commands,
        "run",
        command,
        "fit, review and report a study",
        "Writes fit.nc, review.json and report.html (and truth.json for a simulated city) to the output\n"
        "folder that the study file names, relative to the study file's own folder.",
        "spatialvote run study.toml",
    )
    run.add_argument(
        "study", metavar="STUDY", type=Path, nargs="?", help="study file; left out: the simulated city"
    )
    add_interrupted(run)


def command(arguments: argparse.Namespace) -> int:
    """Run the study; the exit code is that of its review."""
    from spatialvote.run import run_study
    from spatialvote.study import load_default_study, load_study

    study = load_default_study() if arguments.study is None else load_study(arguments.study)
    if arguments.restart:
        discard_draws(study)
    return code_of(run_study(study, arguments.resume).verdict)
