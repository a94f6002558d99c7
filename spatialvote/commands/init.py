"""``spatialvote init``: write a study file from the columns of a data file."""

import argparse
from pathlib import Path

from spatialvote.commands.parts import Commands, add_command


def add(commands: Commands) -> None:
    """Add the command and its arguments."""
    init = add_command(
        commands,
        "init",
        command,
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


def command(arguments: argparse.Namespace) -> int:
    """Write the study file and say what is left to fill in."""
    from spatialvote.init import write_study

    path, blanks = write_study(arguments.data, arguments.output, arguments.layer)
    print(f"Wrote {path}: fill in its {blanks} lines marked 'fill in', then: spatialvote run {path}")
    return 0
