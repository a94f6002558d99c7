"""``spatialvote fit``: fit a study's model, and no more."""

import argparse
from pathlib import Path

from spatialvote.commands.parts import Commands, add_command, add_interrupted, discard_draws


def add(commands: Commands) -> None:
    """Add the command and its arguments."""
    fit = add_command(
        commands,
        "fit",
        command,
        "fit a study's model, and no more",
        "Writes fit.nc (and truth.json for a simulated city) to the study's output folder.",
        "spatialvote fit study.toml",
    )
    fit.add_argument("study", metavar="STUDY", type=Path, help="study file")
    add_interrupted(fit)


def command(arguments: argparse.Namespace) -> int:
    """Fit the study's model and save the fit."""
    from spatialvote.run import fit_study, load_districts, prepare
    from spatialvote.study import load_study

    study = load_study(arguments.study)
    if arguments.restart:
        discard_draws(study)
    outputs = prepare(study)
    fit_study(study, load_districts(study), outputs, arguments.resume)
    return 0
