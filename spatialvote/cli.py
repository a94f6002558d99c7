"""The command line: ``spatialvote COMMAND``, one file for each command in `spatialvote.commands`.

Exit codes: 0 fine; 1 the review found a failure; 2 bad input, with one message and no traceback; 130
interrupted. Only what a user can mend becomes a message: a traceback is a bug of this package.
"""

import argparse
import io
import sys
from collections.abc import Callable, Sequence

# These import argparse and paths alone; a command imports what it needs when it runs, so that
# `spatialvote --help` answers at once.
from spatialvote.commands import (
    compare,
    elections,
    fit,
    init,
    multiverse,
    parties,
    policy,
    report,
    review,
    run,
    simulate,
    turnout,
)
from spatialvote.commands.parts import FORMATTER
from spatialvote.data.errors import SpatialvoteError

#: The commands in the order in which a study needs them.
COMMANDS = (
    simulate, init, run, fit, review, report, compare, multiverse, elections, parties, turnout, policy,
)  # fmt: skip

_DESCRIPTION = """\
Local migrant concentration and the vote for anti-immigration parties: Bayesian spatial models of districts,
with a review of every fit and a report to read.
"""
_EXAMPLES = """\
examples:
  spatialvote run                        the embedded study of a simulated city; the report is at
                                         studies/simulated-city/report.html
  spatialvote init districts.gpkg        write study.toml, with the columns to choose from
  spatialvote run study.toml             fit, review and report it

exit codes: 0 fine, 1 the review found a failure, 2 bad input, 130 interrupted
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Parameters
    ----------
    argv
        Arguments without the program's name; None: those of the process.
    """
    for stream in (sys.stdout, sys.stderr):
        # A terminal that lacks a letter of a party's name gets a question mark, not a traceback.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    parser = _parser()
    try:
        arguments = parser.parse_args(argv)
    except SystemExit as leaving:
        # argparse has said what was wrong (2), or printed help or the version (0).
        return int(leaving.code or 0)
    if arguments.command is None:
        parser.print_help()
        return 0
    command: Callable[[argparse.Namespace], int] = arguments.command
    try:
        return command(arguments)
    except SpatialvoteError as error:
        print(f"spatialvote: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as interrupt:
        print(f"spatialvote: {str(interrupt) or 'interrupted; what was complete is kept'}", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="spatialvote", description=_DESCRIPTION, epilog=_EXAMPLES, formatter_class=FORMATTER
    )
    parser.add_argument("--version", action=_Version)
    parser.set_defaults(command=None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for one in COMMANDS:
        one.add(commands)
    return parser


class _Version(argparse.Action):
    """Print the version, looked up only when it is asked for."""

    def __init__(self, option_strings: Sequence[str], dest: str):
        super().__init__(option_strings, dest, nargs=0, help="print the version and leave")

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        import spatialvote

        print(f"spatialvote {spatialvote.__version__}")
        parser.exit(0)
