"""What several commands share: the face of their help, and arguments that mean the same in each."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spatialvote.study import Study

#: What argparse gives to add commands to.
type Commands = "argparse._SubParsersAction[argparse.ArgumentParser]"

#: Descriptions and examples are wrapped by hand.
FORMATTER = argparse.RawDescriptionHelpFormatter


def add_command(
    commands: Commands,
    name: str,
    command: Callable[[argparse.Namespace], int],
    summary: str,
    description: str,
    example: str,
) -> argparse.ArgumentParser:
    """Add a command with its help and an example, and return its parser for its arguments.

    Parameters
    ----------
    commands
        Where the command is added.
    name, command
        The command's name and what runs it; its exit code is returned.
    summary, description, example
        The line in the list of commands, the words above its own arguments, and one call of it.
    """
    parser = commands.add_parser(
        name,
        help=summary,
        description=description,
        epilog=f"example:\n  {example}",
        formatter_class=FORMATTER,
    )
    parser.set_defaults(command=command)
    return parser


def add_fit_and_data(parser: argparse.ArgumentParser) -> None:
    """Add the saved fit, and the study file that says how to read its districts."""
    parser.add_argument("fit", metavar="FIT", type=Path, help="saved fit (fit.nc)")
    parser.add_argument(
        "--data",
        type=Path,
        metavar="STUDY",
        help="study file that says how to read the districts of the fit; "
        "left out: the simulated city of `spatialvote run`",
    )


def add_refit(parser: argparse.ArgumentParser) -> None:
    """Add whether the review fits other models too."""
    parser.add_argument(
        "--refit",
        action="store_true",
        help="also run the checks that fit other models to the same districts (seconds to minutes)",
    )


def add_interrupted(parser: argparse.ArgumentParser) -> None:
    """Add what to do with the draws of a run that was interrupted or killed."""
    group = parser.add_argument_group(
        "after an interrupted run", "its draws are in the folder draws of the output"
    )
    ways = group.add_mutually_exclusive_group()
    ways.set_defaults(resume=False, restart=False)
    ways.add_argument(
        "--resume", action="store_true", help="go on with its draws; start where there are none"
    )
    ways.add_argument(
        "--partial",
        action="store_const",
        const="partial",
        dest="resume",
        help="take its draws as they are and draw no more; they stay, to go on with",
    )
    ways.add_argument("--restart", action="store_true", help="discard its draws and start anew")


def discard_draws(study: "Study") -> None:
    """Delete the draws of an interrupted run."""
    from spatialvote.models.draw_store import remove_store
    from spatialvote.outputs import Outputs

    remove_store(Outputs(study.output).draws)


def code_of(verdict: str, strict: bool = False) -> int:
    """Exit code of a review's verdict; where strict, warnings count as failures."""
    return 1 if verdict == "fail" or (strict and verdict == "warn") else 0
