"""Fits of a calibration, kept as they are made: a run that is stopped goes on where it was.

Every fit has a number, from which its seed is made, and the print of the code that made it (`code_print`).
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from code_print import code_print

from spatialvote.data.aside import written_aside

RESULTS = Path(__file__).parent / "results"


def keep_fits(
    name: str, part: str, one: Callable[[int], dict[str, Any]], fits: int, renew: bool = False
) -> list[dict[str, Any]]:
    """Make the fits that are missing, and keep each.

    Parameters
    ----------
    name, part
        The file ``results/NAME.json``, and the list in it.
    one
        From the number of a fit to what is told of it, as JSON has it.
    fits
        How many there are to be, numbered from 0.
    renew
        Whether fits that other code has made are made anew.

    Returns
    -------
    list
        What is told of each fit, with its ``number`` and the ``code`` that made it.
    """
    path, code = RESULTS / f"{name}.json", code_print()
    kept = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    done = {
        told["number"]: told for told in kept.get(part, []) if not renew or told["code"] == code
    }  # fmt: skip
    for number in range(fits):
        if number in done:
            continue
        done[number] = {"number": number, "code": code} | one(number)
        kept[part] = [done[key] for key in sorted(done)]
        with written_aside(path) as aside:
            aside.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        if (number + 1) % 10 == 0:
            print(f"{part}: {number + 1} of {fits}", flush=True)
    return [done[number] for number in range(fits)]


def covered(ranks: list[float], level: float) -> int:
    """How many central intervals of a level hold the truth, whose rank among the draws is from 0 to 1."""
    return sum(abs(rank - 0.5) <= level / 2 for rank in ranks)
