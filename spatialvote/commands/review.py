"""``spatialvote review``: check a saved fit against its data."""

import argparse
from pathlib import Path

from spatialvote.commands.parts import Commands, add_command, add_fit_and_data, add_refit, code_of


def add(commands: Commands) -> None:
    """Add the command and its arguments."""
    review = add_command(
        commands,
        "review",
        command,
        "check a saved fit against its data",
        "Checks a fit, one's own or somebody else's, without fitting it again, and writes review.json\n"
        "beside it. The study file says how to read the districts; a fit of another model than\n"
        "the study's is warned of.",
        "spatialvote review results/fit.nc --data study.toml",
    )
    add_fit_and_data(review)
    add_refit(review)
    review.add_argument("--output", type=Path, metavar="FILE", help="default: review.json beside the fit")
    review.add_argument(
        "--junit", type=Path, metavar="FILE", help="also write the review as JUnit XML, for a runner of tests"
    )
    review.add_argument(
        "--strict", action="store_true", help="warnings count as failures: in the exit code and in JUnit XML"
    )


def command(arguments: argparse.Namespace) -> int:
    """Review the fit; the exit code is that of the review."""
    from spatialvote.outputs import writing
    from spatialvote.run import open_fit, review_fit, verdict_words, write_text

    study, fit, loaded = open_fit(arguments.fit, arguments.data)
    path = arguments.output or arguments.fit.with_name("review.json")
    evidence = review_fit(study, fit, loaded.districts, path, arguments.refit)
    print(f"{verdict_words(evidence)}\nReview: {path}")
    if arguments.junit is not None:
        with writing(arguments.junit):
            write_text(arguments.junit, evidence.to_junit(strict=arguments.strict))
        print(f"JUnit: {arguments.junit}")
    return code_of(evidence.verdict, arguments.strict)
