"""``spatialvote turnout``: turnout by origin, age and area."""

import argparse
from pathlib import Path

from spatialvote.commands.parts import Commands, add_command, code_of


def add(commands: Commands) -> None:
    """Add the command and its arguments."""
    turnout = add_command(
        commands,
        "turnout",
        command,
        "estimate turnout by origin, age and area, and report it",
        "Writes fit.nc, cells.csv (every cell's raw rate, estimate and interval), review.json and\n"
        "turnout.html to the output folder that the study file names.",
        "spatialvote turnout turnout.toml",
    )
    turnout.add_argument(
        "study", metavar="STUDY", type=Path, nargs="?", help="study file; left out: a simulated register"
    )


def command(arguments: argparse.Namespace) -> int:
    """Run the study; the exit code is that of its review."""
    from spatialvote.analysis.checks.check import worst
    from spatialvote.turnout_run import load_turnout, run_turnout

    outcome = run_turnout(load_turnout(arguments.study))
    verdict = worst([one.verdict for one in outcome.checks])
    print(f"Review: {verdict}\nReport: {outcome.page}")
    return code_of(verdict)
