"""Age as a table gives it: single years, bands such as 18-24 and 65+, or named generations by birth year."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from spatialvote.data.errors import DataError, Problem, name_some

_BAND = re.compile(r"(\d{1,3})\s*(?:[-–—]|to)\s*(\d{1,3})")
_OPEN = re.compile(r"(\d{1,3})\s*(?:\+|and (?:over|older)|or (?:over|older))")
#: Ages above this are no ages of voters.
OLDEST = 120


@dataclass(frozen=True)
class AgeBand:
    """Ages from `low` to `high`, both included; `high` is None where the band is open.

    Attributes
    ----------
    label
        As figures and tables show it; a generation's label carries its birth years.
    low, high
        Years of age at the election.
    """

    label: str
    low: int
    high: int | None

    @property
    def middle(self) -> float:
        """Age at which the band is drawn; an open band is drawn as if it were as wide as ten years."""
        return (self.low + (self.low + 9 if self.high is None else self.high) + 1) / 2


def read_ages(
    texts: Sequence[str],
    column: str,
    *,
    bands: Sequence[int] = (),
    generations: Mapping[str, tuple[int, int]] | None = None,
    year: int | None = None,
) -> tuple[np.ndarray, tuple[AgeBand, ...]]:
    """Turn a column of ages into positions of ordered bands.

    Parameters
    ----------
    texts
        Cells of the column.
    column
        Its name, for messages.
    bands
        First age of each band into which single years are gathered, ascending: ``(18, 25, 65)`` makes 18-24,
        25-64 and 65+. Without it single years stay, and every year between the first and last is a band.
    generations
        Name of a generation to its first and last birth year; cells then hold these names.
    year
        Year of the election, which turns birth years into ages; needed with `generations`.

    Returns
    -------
    index, bands
        Position of each cell's band, shape (n,), and the bands by age.

    Raises
    ------
    DataError
        If a cell is none of these, bands overlap, or an age lies below the first band.
    """
    if generations is not None:
        return _from_generations(texts, column, generations, year)
    distinct = list(dict.fromkeys(texts))
    found = {text: _band(text) for text in distinct}
    wrong = [text for text, band in found.items() if band is None]
    if wrong:
        raise DataError(
            Problem(
                f"column '{column}' holds what is no age ({name_some(wrong)})",
                "write years (37), bands (18-24, 65+), or name the generations with their birth years",
            )
        )
    read = {text: band for text, band in found.items() if band is not None}
    impossible = [text for text, one in read.items() if one.low > OLDEST or (one.high or one.low) < one.low]
    if impossible:
        raise DataError(
            Problem(f"column '{column}' holds impossible ages ({name_some(impossible)})", "mend these rows")
        )
    single = all(one.low == one.high for one in read.values())
    if bands and not single:
        raise DataError(
            Problem(
                f"column '{column}' holds bands already ({name_some(distinct)}), and bands were given",
                "leave out the bands, or give single years",
            )
        )
    if single:
        years = np.array([read[text].low for text in texts])
        return _gather(years, column, bands) if bands else _years(years)
    ordered = sorted(set(read.values()), key=lambda one: one.low)
    for one, following in pairwise(ordered):
        if one.high is None or one.high >= following.low:
            raise DataError(
                Problem(
                    f"bands of column '{column}' overlap ('{one.label}' and '{following.label}')",
                    "give bands of which each age belongs to one",
                )
            )
    return np.array([ordered.index(read[text]) for text in texts]), tuple(ordered)


def _band(text: str) -> AgeBand | None:
    plain = text.strip().lower()
    if re.fullmatch(r"\d{1,3}(\.0+)?", plain):
        age = int(float(plain))
        return AgeBand(str(age), age, age)
    if match := _BAND.fullmatch(plain):
        low, high = int(match[1]), int(match[2])
        return AgeBand(f"{low}–{high}", low, high)
    if match := _OPEN.fullmatch(plain):
        return AgeBand(f"{match[1]}+", int(match[1]), None)
    return None


def _years(years: np.ndarray) -> tuple[np.ndarray, tuple[AgeBand, ...]]:
    """Every year from the first to the last, so that a year without a cell keeps its place in the walk."""
    first, last = int(years.min()), int(years.max())
    return years - first, tuple(AgeBand(str(age), age, age) for age in range(first, last + 1))


def _gather(years: np.ndarray, column: str, bands: Sequence[int]) -> tuple[np.ndarray, tuple[AgeBand, ...]]:
    starts = list(bands)
    if starts != sorted(set(starts)):
        raise DataError(Problem(f"bands are {starts}", "give the first age of each band, ascending"))
    if years.min() < starts[0]:
        raise DataError(
            Problem(
                f"column '{column}' holds ages below the first band ({years.min()} below {starts[0]})",
                "begin the bands at the voting age, or leave younger persons out",
            )
        )
    ends = [*(start - 1 for start in starts[1:]), None]
    made = tuple(
        AgeBand(f"{low}+" if high is None else f"{low}–{high}", low, high)
        for low, high in zip(starts, ends, strict=True)
    )
    return np.searchsorted(starts, years, side="right") - 1, made


def _from_generations(
    texts: Sequence[str], column: str, generations: Mapping[str, tuple[int, int]], year: int | None
) -> tuple[np.ndarray, tuple[AgeBand, ...]]:
    problems = []
    if year is None:
        problems.append(
            Problem("generations are given by birth years, and no year of the election", "give the year")
        )
    wrong = [name for name, (first, last) in generations.items() if first > last]
    if wrong:
        problems.append(
            Problem(f"generation {name_some(wrong)} ends before it begins", "give first and last birth year")
        )
    unknown = [text for text in dict.fromkeys(texts) if text not in generations]
    if unknown:
        problems.append(
            Problem(
                f"column '{column}' holds generations without birth years ({name_some(unknown)})",
                f"give their birth years; known are {name_some(generations, 8)}",
            )
        )
    ordered = sorted(generations.items(), key=lambda one: -one[1][0])
    for (younger, born), (older, before) in pairwise(ordered):
        if before[1] >= born[0]:
            problems.append(
                Problem(
                    f"generations '{older}' ({before[0]}–{before[1]}) and '{younger}' ({born[0]}–{born[1]}) "
                    "overlap",
                    "give birth years of which each belongs to one",
                )
            )
    if problems or year is None:
        raise DataError(problems)
    bands = tuple(
        AgeBand(f"{name} (born {first}–{last})", year - last, year - first) for name, (first, last) in ordered
    )
    place = {name: position for position, (name, _) in enumerate(ordered)}
    return np.array([place[text] for text in texts]), bands
