"""``spatialvote elections``: repeated elections on the same districts."""

import argparse
from pathlib import Path

from spatialvote.commands.parts import Commands, add_command, code_of


def add(commands: Commands) -> None:
    """Add the command and its arguments."""
    elections = add_command(
        commands,
        "elections",
        command,
        "follow an effect over repeated elections, and report it",
        "Writes fit.nc, path.csv (the effect at each election), review.json and elections.html to the\n"
        "output folder that the study file names.",
        "spatialvote elections elections.toml",
    )
    elections.add_argument(
        "study", metavar="STUDY", type=Path, nargs="?", help="study file; left out: simulated elections"
    )


def command(arguments: argparse.Namespace) -> int:
    """Run the study; the exit code is that of its review."""
    from spatialvote.analysis.checks.check import worst
    from spatialvote.elections_run import load_elections, run_elections

    outcome = run_elections(load_elections(arguments.study))
    verdict = worst([one.verdict for one in outcome.checks])
    print(f"Review: {verdict}\nReport: {outcome.page}")
    return code_of(verdict)
