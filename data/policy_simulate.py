"""A simulated edition of policy scores in the published long format: 27 countries, every score invented."""

from pathlib import Path

import numpy as np
import pandas as pd

from spatialvote.data.aside import written_aside
from spatialvote.data.policy import PolicyScores
from spatialvote.data.policy_areas import AREAS, COUNTRIES, EU27

SIMULATED_SOURCE = "simulated scores in the published format; none is a score of the index"
#: Invented mean of each area: some are low everywhere, so that a country can look good where others are low.
_AREA_MEAN = (52, 50, 38, 36, 58, 44, 66, 42)


def simulate_policy(seed: int = 2026, years: tuple[int, ...] = (2014, 2019)) -> PolicyScores:
    """Invent scores of all 27 members of the EU in all eight areas.

    A score is the sum of a mean of its area, a country's own level (standard deviation 14 points), and a
    part of country and area (13 points), rounded and kept within 0 and 100; from one edition to the next a
    fifth of the scores move. Real country names with invented scores are marked as simulated wherever they
    are shown.

    Parameters
    ----------
    seed
        The same seed gives the same scores.
    years
        Editions, ascending.

    Examples
    --------
    >>> simulate_policy(seed=1)
    PolicyScores(27 countries, 2014, 2019: 432 scores, 0 missing of the EU-27, simulated)
    """
    rng = np.random.default_rng(seed)
    level = rng.normal(0, 14, (len(EU27), 1))
    score = np.array(_AREA_MEAN, dtype=float) + level + rng.normal(0, 13, (len(EU27), len(AREAS)))
    rows = []
    for number, year in enumerate(years):
        if number:
            moves = rng.random(score.shape) < 0.2
            score = score + np.where(moves, rng.normal(1, 9, score.shape), 0)
        whole = np.clip(np.rint(score), 0, 100)
        rows += [
            (country, year, area, whole[i, j])
            for i, country in enumerate(EU27)
            for j, area in enumerate(AREAS)
        ]
    table = pd.DataFrame(rows, columns=["country", "year", "area", "score"])
    return PolicyScores(table, SIMULATED_SOURCE, simulated=True)


def write_policy(scores: PolicyScores, path: str | Path) -> Path:
    """Write scores as a CSV file in the published long format, which `read_policy` reads.

    Columns: ``country`` (name), ``year`` (edition), ``area`` (policy area), ``score`` (0-100, higher is more
    favourable to integration) and ``simulated`` (true where scores are invented).
    """
    path = Path(path)
    table = scores.table.assign(
        country=scores.table["country"].map(COUNTRIES.get), simulated=str(scores.simulated).lower()
    )
    with written_aside(path) as aside:
        table.to_csv(aside, index=False)
    return path
