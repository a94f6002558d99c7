"""``spatialvote parties``: several parties as shares of one whole."""

import argparse
from pathlib import Path

from spatialvote.commands.parts import Commands, add_command, code_of


def add(commands: Commands) -> None:
    """Add the command and its arguments."""
    parties = add_command(
        commands,
        "parties",
        command,
        "model several parties as shares of one whole, and report them",
        "Writes fit.nc, effects.csv (changes of all shares), review.json and parties.html to the output\n"
        "folder that the study file names.",
        "spatialvote parties parties.toml",
    )
    parties.add_argument(
        "study", metavar="STUDY", type=Path, nargs="?", help="study file; left out: a simulated city"
    )


def command(arguments: argparse.Namespace) -> int:
    """Run the study; the exit code is that of its review."""
    from spatialvote.analysis.checks.check import worst
    from spatialvote.parties_run import load_parties, run_parties

    outcome = run_parties(load_parties(arguments.study))
    verdict = worst([one.verdict for one in outcome.checks])
    print(f"Review: {verdict}\nReport: {outcome.page}")
    return code_of(verdict)
