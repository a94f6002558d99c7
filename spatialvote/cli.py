"""The command line: ``spatialvote simulate | init | run | fit | review | report``.

Exit codes: 0 fine; 1 the review found a failure; 2 bad input, with one message and no traceback; 130
interrupted. Only what a user can mend becomes a message: a traceback is a bug of this package.
"""

import argparse
import io
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from spatialvote.data.errors import SpatialvoteError

if TYPE_CHECKING:
    from spatialvote.study import Study

_FORMATTER = argparse.RawDescriptionHelpFormatter

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
        prog="spatialvote", description=_DESCRIPTION, epilog=_EXAMPLES, formatter_class=_FORMATTER
    )
    parser.add_argument("--version", action=_Version)
    parser.set_defaults(command=None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    simulate = _command(
        commands,
        "simulate",
        _simulate,
        "write a simulated city with known truth",
        "Writes districts.gpkg, grid.csv (residents by hundred-metre cell), edges.csv, truth.json and\n"
        "COLUMNS.md to a new folder. Everything in them is invented.",
        "spatialvote simulate city --districts 200 --islands 2",
    )
    simulate.add_argument("out", metavar="OUT", type=Path, help="folder to make")
    simulate.add_argument("--seed", type=int, default=2026, help="same seed, same city (default: 2026)")
    simulate.add_argument("--districts", type=int, default=400, metavar="N", help="districts (default: 400)")
    simulate.add_argument(
        "--islands", type=int, default=0, metavar="N", help="islands among them (default: 0)"
    )
    simulate.add_argument(
        "--second-component", action="store_true", help="add a garden town that touches no other district"
    )

    init = _command(
        commands,
        "init",
        _init,
        "write a study file from the columns of a data file",
        "Reads a CSV, GeoPackage, GeoJSON, Shapefile or GeoParquet file and writes a commented study file\n"
        "that lists its columns. Units and roles are never guessed: fill in the lines marked 'fill in'.",
        "spatialvote init districts.gpkg --output study.toml",
    )
    init.add_argument("data", metavar="DATA", type=Path, help="file with one row per district")
    init.add_argument(
        "--output", type=Path, default=Path("study.toml"), metavar="FILE", help="default: study.toml"
    )
    init.add_argument("--layer", help="layer of a GeoPackage that holds several")

    run = _command(
        commands,
        "run",
        _run,
        "fit, review and report a study",
        "Writes fit.nc, review.json and report.html (and truth.json for a simulated city) to the output\n"
        "folder that the study file names, relative to the study file's own folder.",
        "spatialvote run study.toml",
    )
    run.add_argument(
        "study", metavar="STUDY", type=Path, nargs="?", help="study file; left out: the simulated city"
    )
    _interrupted(run)

    fit = _command(
        commands,
        "fit",
        _fit,
        "fit a study's model, and no more",
        "Writes fit.nc (and truth.json for a simulated city) to the study's output folder.",
        "spatialvote fit study.toml",
    )
    fit.add_argument("study", metavar="STUDY", type=Path, help="study file")
    _interrupted(fit)

    review = _command(
        commands,
        "review",
        _review,
        "check a saved fit against its data",
        "Checks a fit, one's own or somebody else's, without fitting it again, and writes review.json\n"
        "beside it. The study file says how to read the districts; its model and engine are not used.",
        "spatialvote review results/fit.nc --data study.toml",
    )
    _fit_and_data(review)
    review.add_argument("--output", type=Path, metavar="FILE", help="default: review.json beside the fit")

    report = _command(
        commands,
        "report",
        _report,
        "write the report of a saved fit",
        "Reviews the fit anew, so that the page never shows the review of another fit, and writes\n"
        "report.html beside it, one file that needs no network, with its review.json.",
        "spatialvote report results/fit.nc --data study.toml",
    )
    _fit_and_data(report)
    report.add_argument("--output", type=Path, metavar="FILE", help="default: report.html beside the fit")
    return parser


class _Version(argparse.Action):
    """Print the version, looked up only when it is asked for."""

    def __init__(self, option_strings: Sequence[str], dest: str):
        super().__init__(option_strings, dest, nargs=0, help="print the version and leave")

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        import spatialvote

        print(f"spatialvote {spatialvote.__version__}")
        parser.exit(0)


def _command(
    commands: argparse._SubParsersAction,
    name: str,
    command: Callable[[argparse.Namespace], int],
    summary: str,
    description: str,
    example: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name,
        help=summary,
        description=description,
        epilog=f"example:\n  {example}",
        formatter_class=_FORMATTER,
    )
    parser.set_defaults(command=command)
    return parser


def _fit_and_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("fit", metavar="FIT", type=Path, help="saved fit (fit.nc)")
    parser.add_argument(
        "--data",
        type=Path,
        metavar="STUDY",
        help="study file that says how to read the districts of the fit; "
        "left out: the simulated city of `spatialvote run`",
    )


def _interrupted(parser: argparse.ArgumentParser) -> None:
    """What to do with the draws of a run that was interrupted or killed."""
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


# Each command imports what it needs: `spatialvote --help` answers at once.


def _simulate(arguments: argparse.Namespace) -> int:
    from spatialvote.account import short, step
    from spatialvote.data.simulate import simulate_city
    from spatialvote.outputs import writing

    with step("Simulating a city") as simulating:
        city = simulate_city(
            arguments.seed, arguments.districts, arguments.islands, arguments.second_component
        )
        with writing(arguments.out):
            folder = city.write(arguments.out)
        simulating.outcome = str(city.districts)
    print(f"Written to {short(folder.absolute())}: see COLUMNS.md; the true values are in truth.json")
    return 0


def _init(arguments: argparse.Namespace) -> int:
    from spatialvote.init import write_study

    path, blanks = write_study(arguments.data, arguments.output, arguments.layer)
    print(f"Wrote {path}: fill in its {blanks} lines marked 'fill in', then: spatialvote run {path}")
    return 0


def _run(arguments: argparse.Namespace) -> int:
    from spatialvote.run import run_study
    from spatialvote.study import load_default_study, load_study

    study = load_default_study() if arguments.study is None else load_study(arguments.study)
    if arguments.restart:
        _discard(study)
    return _code(run_study(study, arguments.resume).verdict)


def _fit(arguments: argparse.Namespace) -> int:
    from spatialvote.run import fit_study, load_districts, prepare
    from spatialvote.study import load_study

    study = load_study(arguments.study)
    if arguments.restart:
        _discard(study)
    outputs = prepare(study)
    fit_study(study, load_districts(study), outputs, arguments.resume)
    return 0


def _discard(study: "Study") -> None:
    """Delete the draws of an interrupted run."""
    from spatialvote.models.draw_store import remove_store
    from spatialvote.outputs import Outputs

    remove_store(Outputs(study.output).draws)


def _review(arguments: argparse.Namespace) -> int:
    from spatialvote.run import open_fit, review_fit, verdict_words

    study, fit, loaded = open_fit(arguments.fit, arguments.data)
    path = arguments.output or arguments.fit.with_name("review.json")
    evidence = review_fit(study, fit, loaded.districts, path)
    print(f"{verdict_words(evidence)}\nReview: {path}")
    return _code(evidence.verdict)


def _report(arguments: argparse.Namespace) -> int:
    from spatialvote.run import open_fit, report_fit, review_fit, verdict_words

    study, fit, loaded = open_fit(arguments.fit, arguments.data)
    path = arguments.output or arguments.fit.with_name("report.html")
    evidence = review_fit(study, fit, loaded.districts, path.with_name("review.json"))
    report_fit(study, fit, evidence, loaded, path)
    print(f"{verdict_words(evidence)}\nReport: {path}")
    return _code(evidence.verdict)


def _code(verdict: str) -> int:
    return 1 if verdict == "fail" else 0
