"""``spatialvote report``: write the report of a saved fit."""

import argparse
from pathlib import Path

from spatialvote.commands.parts import Commands, add_command, add_fit_and_data, add_refit, code_of


def add(commands: Commands) -> None:
    """Add the command and its arguments."""
    report = add_command(
        commands,
        "report",
        command,
        "write the report of a saved fit",
        "Reviews the fit anew, so that the page never shows the review of another fit, and writes\n"
        "report.html beside it, one file that needs no network, with its review.json.",
        "spatialvote report results/fit.nc --data study.toml",
    )
    add_fit_and_data(report)
    add_refit(report)
    report.add_argument("--output", type=Path, metavar="FILE", help="default: report.html beside the fit")


def command(arguments: argparse.Namespace) -> int:
    """Review the fit and write its report; the exit code is that of the review."""
    from spatialvote.run import open_fit, report_fit, review_fit, verdict_words

    study, fit, loaded = open_fit(arguments.fit, arguments.data)
    path = arguments.output or arguments.fit.with_name("report.html")
    evidence = review_fit(study, fit, loaded.districts, path.with_name("review.json"), arguments.refit)
    report_fit(study, fit, evidence, loaded, path)
    print(f"{verdict_words(evidence)}\nReport: {path}")
    return code_of(evidence.verdict)
