"""``spatialvote policy``: a country's integration policy against the EU-27."""

import argparse
from pathlib import Path

from spatialvote.commands.parts import Commands, add_command


def add(commands: Commands) -> None:
    """Add the command and its arguments."""
    policy = add_command(
        commands,
        "policy",
        command,
        "show a country's integration policy against the EU-27",
        "Writes policy.html and the figure of each country to the output folder that the study file names.",
        "spatialvote policy policy.toml --country Denmark",
    )
    policy.add_argument(
        "study", metavar="STUDY", type=Path, nargs="?", help="study file; left out: simulated scores"
    )
    policy.add_argument(
        "--country",
        action="append",
        default=[],
        metavar="NAME",
        help="a country instead of those of the study file; may be given several times",
    )


def command(arguments: argparse.Namespace) -> int:
    """Write the page."""
    from spatialvote.policy_run import load_policy, run_policy

    page = run_policy(load_policy(arguments.study), tuple(arguments.country))
    print(f"Report: {page}")
    return 0
