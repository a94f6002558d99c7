"""``spatialvote simulate``: write a simulated city with known truth."""

import argparse
from pathlib import Path

from spatialvote.commands.parts import Commands, add_command


def add(commands: Commands) -> None:
    """Add the command and its arguments."""
    simulate = add_command(
        commands,
        "simulate",
        command,
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


def command(arguments: argparse.Namespace) -> int:
    """Simulate the city and write it."""
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
