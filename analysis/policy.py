r"""`policy_profile`: one country's policies against the EU-27, area by area, and what drives the comparison.

For area a with scores s_c of the members c, the gap of country k is s_k - mean(s), over all members, k
among them. A gap has two sides: the country can be high, or the others low. Both are kept apart here: each
score has its class on MIPEX's own scale, and a change of the gap since an earlier edition is split into

    change of gap = change of the country's score - change of the members' mean.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from spatialvote.data.errors import DataError, Problem, name_some
from spatialvote.data.policy import PolicyScores
from spatialvote.data.policy_areas import AREAS, COUNTRIES, EU27, policy_class

#: Scores up to this are in an unfavourable class; from this on, in a favourable one.
UNFAVOURABLE_TO, FAVOURABLE_FROM = 40, 60
_RANGE = ("minimum", "lower_quartile", "median", "mean", "upper_quartile", "maximum")


@dataclass(frozen=True, eq=False)
class PolicyProfile:
    """A country against the EU-27 in one edition.

    Attributes
    ----------
    country, name
        Code and name.
    year, earlier
        The edition, and the earlier one that it is compared with, or None.
    table
        One row per area, ordered by gap, largest first. Columns: ``score``; ``class_name``; of the EU-27
        ``minimum``, ``lower_quartile``, ``median``, ``mean``, ``upper_quartile``, ``maximum``, ``members``
        (with a score); ``lowest``, ``highest`` (codes, comma-separated); ``gap`` (points); ``rank_first``,
        ``rank_last`` (1 is the highest; they differ where countries tie), ``ranked`` (countries);
        ``drive`` ("others are low", "others are high" or ""); ``change``, ``mean_change``, ``gap_change``
        (points since `earlier`, NaN without).
    overall
        The same for the mean over all eight areas, of the countries that have all eight.
    missing
        Names of members and areas without a score in either edition.
    simulated, source
        Whether scores are invented, and where they come from.
    """

    country: str
    year: int
    earlier: int | None
    table: pd.DataFrame
    overall: pd.Series
    missing: tuple[str, ...]
    simulated: bool
    source: str

    @property
    def name(self) -> str:
        """Name of the country."""
        return COUNTRIES[self.country]

    @property
    def above(self) -> tuple[str, ...]:
        """Areas above the mean of the EU-27, largest gap first."""
        return tuple(map(str, self.table.index[self.table["gap"] > 0]))

    @property
    def below(self) -> tuple[str, ...]:
        """Areas below it, largest gap first."""
        return tuple(map(str, self.table.index[self.table["gap"] < 0][::-1]))


def policy_profile(
    scores: PolicyScores, country: str, year: int | None = None, earlier: int | None = None
) -> PolicyProfile:
    """Compare a country with the EU-27 in every policy area.

    Parameters
    ----------
    scores
        The scores.
    country
        Code or name; outside the EU-27 it is ranked as if it were one more member.
    year
        Edition; None: the latest in which the country has scores.
    earlier
        Edition to tell the change from; None: no change is told.

    Raises
    ------
    DataError
        If the country or an edition is not there, or the earlier edition is not earlier.

    Examples
    --------
    >>> from spatialvote.data.policy_simulate import simulate_policy
    >>> policy_profile(simulate_policy(1), "Denmark").above[:2]
    ('labour market mobility', 'access to nationality')
    """
    code = scores.code(country)
    if year is None:
        year = int(scores.table.loc[scores.table["country"] == code, "year"].max())
    edition = scores.edition(year)
    if code not in edition.index:
        raise DataError(
            Problem(f"there are no scores of '{country}' in {year}", "choose another edition or country")
        )
    before = None
    if earlier is not None:
        if earlier >= year:
            raise DataError(
                Problem(
                    f"the earlier edition is {earlier} and the edition itself {year}",
                    "name an edition before it",
                )
            )
        before = scores.edition(earlier)
        if code not in before.index:
            raise DataError(
                Problem(f"there are no scores of '{country}' in {earlier}", "compare with another edition")
            )
    rows = {
        area: _compare(edition[area], None if before is None else before[area], code)
        for area in AREAS
        if np.isfinite(edition.loc[code, area])
    }
    if not rows:
        raise DataError(Problem(f"'{country}' has no score of {year}", "choose another edition or country"))
    table = pd.DataFrame.from_dict(rows, orient="index").sort_values("gap", ascending=False, kind="stable")
    gaps = [f"{EU27[one]} {area} {year}" for one, area in scores.gaps(year)]
    if earlier is not None:
        gaps += [f"{EU27[one]} {area} {earlier}" for one, area in scores.gaps(earlier)]
    overall = pd.Series(
        _compare(_means(edition), None if before is None else _means(before), code), name="overall"
    )
    return PolicyProfile(code, year, earlier, table, overall, tuple(gaps), scores.simulated, scores.source)


def _means(edition: pd.DataFrame) -> pd.Series:
    """Mean over the eight areas; NaN where one is missing."""
    return edition.mean(axis=1, skipna=False)


def _compare(scores: pd.Series, before: pd.Series | None, code: str) -> dict[str, Any]:
    """One row of a profile: the country's score among the members' scores of one area."""
    members = scores.reindex(list(EU27)).dropna()
    score = float(scores.get(code, np.nan))
    if not np.isfinite(score) or members.empty:
        return dict.fromkeys(("score", "mean", "gap", "change", "mean_change", "gap_change"), np.nan) | {
            "class_name": "",
            "rank_first": 0,
            "rank_last": 0,
            "ranked": 0,
            "drive": "",
        }
    others = members.drop(code, errors="ignore")
    quantiles = np.quantile(members, [0, 0.25, 0.5, 0.75, 1])
    mean = float(members.mean())
    gap = score - mean
    higher, equal = int((others > score).sum()), int((others == score).sum())
    drive = ""
    if gap > 0 and score <= UNFAVOURABLE_TO:
        drive = "others are low"
    elif gap < 0 and score >= FAVOURABLE_FROM:
        drive = "others are high"
    change = mean_change = np.nan
    if before is not None:
        # Of the members with a score in both editions: a new member is no change of policy.
        both = members.index.intersection(before.dropna().index)
        change = score - float(before.get(code, np.nan))
        mean_change = float((members[both] - before[both]).mean()) if len(both) else np.nan
    return {
        "score": score,
        "class_name": policy_class(score).name,
        **dict(zip(_RANGE, (*quantiles[:3], mean, *quantiles[3:]), strict=True)),
        "members": len(members),
        "lowest": ", ".join(members.index[members == quantiles[0]]),
        "highest": ", ".join(members.index[members == quantiles[-1]]),
        "gap": gap,
        "rank_first": higher + 1,
        "rank_last": higher + equal + 1,
        "ranked": len(others) + 1,
        "drive": drive,
        "change": change,
        "mean_change": mean_change,
        "gap_change": change - mean_change,
    }


def rank_words(row: pd.Series) -> str:
    """A rank with its ties: ``5`` or ``5–7`` where three countries share it."""
    first, last = int(row["rank_first"]), int(row["rank_last"])
    return f"{first}" if first == last else f"{first}–{last}"


def profile_words(profile: PolicyProfile) -> tuple[str, ...]:
    """What a profile says, in sentences; each comparison with the side that drives it."""
    table = profile.table
    words = [
        f"In {profile.year} {profile.name} is above the EU-27 mean in {len(profile.above)} of {len(table)} "
        f"policy areas and below it in {len(profile.below)}."
    ]
    if np.isfinite(profile.overall["score"]):
        overall = profile.overall
        words.append(
            f"Over all eight areas it scores {overall['score']:.0f} ({overall['class_name']}), against "
            f"a mean of {overall['mean']:.0f}: rank {rank_words(overall)} of {overall['ranked']}."
        )
    for phrase, drive in (
        (
            "is above the mean only because the others are low: its own scores there are unfavourable",
            "others are low",
        ),
        (
            "is below the mean although its own scores there are favourable: the others are higher",
            "others are high",
        ),
    ):
        areas = table.index[table["drive"] == drive]
        if len(areas):
            words.append(f"In {name_some(areas, 8)} it {phrase}.")
    if profile.earlier is not None:
        moved = table[table["gap_change"].abs() >= 5]
        for area, row in moved.iterrows():
            words.append(
                f"Since {profile.earlier} the gap in {area} changed by {row['gap_change']:+.0f} points: its "
                f"own score by {row['change']:+.0f}, the mean of the members by {row['mean_change']:+.0f}."
            )
    if profile.missing:
        words.append(f"Scores are missing for {name_some(profile.missing, 5)}.")
    return tuple(word.replace("-0 ", "0 ").replace("+0 ", "0 ") for word in words)
