"""``spatialvote compare``: which of several saved fits predicts unseen votes better."""

import argparse
from pathlib import Path

from spatialvote.commands.parts import Commands, add_command


def add(commands: Commands) -> None:
    """Add the command and its arguments."""
    compare = add_command(
        commands,
        "compare",
        command,
        "compare saved fits by how well they predict votes they have not seen",
        "Compares fits to the same votes by leave-one-out, or with --blocks by spatial blocks, which refits\n"
        "every model without each block. Fits are called by their paths.",
        "spatialvote compare bym2/fit.nc iid/fit.nc --data study.toml --blocks 10 --buffer 1",
    )
    compare.add_argument("fits", metavar="FIT", type=Path, nargs="+", help="two or more saved fits (fit.nc)")
    compare.add_argument(
        "--data",
        type=Path,
        metavar="STUDY",
        help="study file that says how to read the districts of the fits; "
        "left out: the simulated city of `spatialvote run`",
    )
    compare.add_argument(
        "--blocks", type=int, metavar="N", help="compare by N spatial blocks instead of single districts"
    )
    compare.add_argument(
        "--buffer",
        type=int,
        metavar="B",
        help="rings of neighbours left out with a block (default: 1); only with --blocks",
    )
    compare.add_argument("--cores", type=int, metavar="N", help="processes (default: as many as cores)")
    compare.add_argument("--csv", type=Path, metavar="FILE", help="also write the table as CSV")


def command(arguments: argparse.Namespace) -> int:
    """Compare the fits and print the comparison."""
    from spatialvote.analysis.compare import compare
    from spatialvote.analysis.many import job_bar
    from spatialvote.data.errors import ModelError, Problem
    from spatialvote.outputs import writing
    from spatialvote.run import open_fit, write_text

    if arguments.buffer is not None and arguments.blocks is None:
        raise ModelError(Problem("--buffer is given without --blocks", "give both, or neither"))
    names = [str(one) for one in arguments.fits]
    twice = sorted({one for one in names if names.count(one) > 1})
    if twice:
        raise ModelError(Problem(f"fits are given twice ({', '.join(twice)})", "give each once"))
    opened = [open_fit(one, arguments.data) for one in arguments.fits]
    fits = {name: fit for name, (_, fit, _) in zip(names, opened, strict=True)}
    districts = opened[0][2].districts
    if arguments.blocks is None:
        found = compare(fits, districts)
    else:
        buffer = 1 if arguments.buffer is None else arguments.buffer
        with job_bar("Refitting without blocks") as watch:
            found = compare(
                fits,
                districts,
                by="blocks",
                blocks=arguments.blocks,
                buffer=buffer,
                cores=arguments.cores,
                progress=watch,
            )
    print(found)
    if arguments.csv is not None:
        with writing(arguments.csv):
            write_text(arguments.csv, found.to_frame().to_csv())
        print(f"Table: {arguments.csv}")
    return 0
