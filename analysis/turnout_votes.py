r"""Votes that were not cast: what if one group turned out like another, and when would that change a result?

If the N_i entitled of group g in cell i voted as those of group h do, there would be

    E = sum_i N_i (p_h(i) - p_i)

more votes, p_h(i) the turnout of group h as a whole, or at the same age. Of these a share s would go to a
party; nobody knows s, so it is stated, and the share at which a result changes is told: the party passes a
rival when A + s E > B + (1 - s) q E, q the rival's part of what the other parties get, that is at

    s* = (B - A + q E) / (E (1 + q)),

and never where s* is above one. It is arithmetic with votes that were not cast: it does not say that they
would be.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from spatialvote.analysis.turnout_gaps import group_rates_by
from spatialvote.analysis.turnout_rates import rates, require_factors, summarise
from spatialvote.data.errors import DataError, Problem, name_some
from spatialvote.models.turnout.fit import TurnoutFit


@dataclass(frozen=True, eq=False)
class ExtraVotes:
    """Votes more if one group turned out like another.

    Attributes
    ----------
    group, like
        Who turns out like whom.
    same_age
        Whether age for age, or in all.
    entitled
        Entitled persons of the group.
    draws
        Votes more, shape (draws,); negative where the group votes more than the other already.
    """

    group: str
    like: str
    same_age: bool
    entitled: float
    draws: np.ndarray

    def summary(self) -> dict[str, float]:
        """Mean, interval, and the probability that there would be more votes."""
        return {name: float(one) for name, one in summarise(self.draws).items()} | {
            "probability_more": float((self.draws > 0).mean())
        }


@dataclass(frozen=True, eq=False)
class ResultChange:
    """What the votes would do to a result, under a stated division.

    Attributes
    ----------
    shares
        One row per party: ``votes``, ``share`` now (0..1), ``division`` of the further votes, and ``mean``,
        ``low``, ``high`` of the share then.
    """

    shares: pd.DataFrame


@dataclass(frozen=True, eq=False)
class Tipping:
    """The division at which a result changes.

    Attributes
    ----------
    party, rival
        Who passes whom; the rival may be a threshold such as "2 % of the votes".
    draws
        s*, shape (draws,): infinite where there are no more votes to divide.
    """

    party: str
    rival: str
    draws: np.ndarray

    @property
    def probability_possible(self) -> float:
        """Probability that some division changes the result: that s* is at most one."""
        return float((self.draws <= 1).mean())

    def summary(self) -> dict[str, float]:
        """Median of s* with its interval, and the probability that any division would do."""
        low, middle, high = np.quantile(self.draws, [0.025, 0.5, 0.975], method="inverted_cdf")
        return {
            "median": float(middle),
            "low": float(low),
            "high": float(high),
            "probability_possible": self.probability_possible,
        }


def extra_votes(
    fit: TurnoutFit, group: str, like: str, *, same_age: bool = True, seed: int = 0
) -> ExtraVotes:
    """Votes more if `group` turned out like `like`.

    Parameters
    ----------
    same_age
        True: each age of the group like the same age of the other; False: the whole like the whole.
    seed
        For ages at which the other group has no cell.

    Raises
    ------
    DataError
        If a group is unknown, or `same_age` without ages.
    """
    cells = fit.cells
    require_factors(cells, ("group", "age") if same_age else ("group",))
    labels = cells.levels["group"]
    unknown = [one for one in (group, like) if one not in labels]
    if unknown:
        raise DataError(
            Problem(f"{name_some(unknown)} is no group of the cells", f"choose from {name_some(labels, 10)}")
        )
    a, b = labels.index(group), labels.index(like)
    if same_age:
        draws, _, entitled = group_rates_by(fit, ("age",), np.random.default_rng(seed))
        extra = (draws[:, b] - draws[:, a]) @ entitled[a]
        persons = float(entitled[a].sum())
    else:
        whole = rates(fit, ("group",))
        persons = float(whole.table.set_index("group").loc[group, "entitled"])
        extra = (whole.draws[:, b] - whole.draws[:, a]) * persons
    return ExtraVotes(group, like, same_age, persons, extra)


def result_change(
    extra: ExtraVotes, votes: Mapping[str, float], division: Mapping[str, float]
) -> ResultChange:
    """Vote shares with the further votes, under a stated division of them.

    Parameters
    ----------
    votes
        Votes of every party; parties that are of no interest may be one entry ("others").
    division
        Share of the further votes that each party gets; they sum to one, parties left out get none.

    Raises
    ------
    DataError
        If votes are negative or none, or the division names other parties or does not sum to one.
    """
    problems = _vote_problems(votes)
    unknown = [party for party in division if party not in votes]
    if unknown:
        problems.append(
            Problem(
                f"the division names parties without votes ({name_some(unknown)})",
                f"choose from {name_some(votes, 12)}",
            )
        )
    total = sum(division.values())
    if abs(total - 1) > 1e-6 or min(division.values(), default=0) < 0:
        problems.append(
            Problem(f"the shares of the division sum to {total:g}", "give shares, 0 or more, that sum to 1")
        )
    if problems:
        raise DataError(problems)
    parties = list(votes)
    now = np.array([votes[party] for party in parties], dtype=float)
    part = np.array([division.get(party, 0.0) for party in parties])
    then = now + extra.draws[:, None] * part
    share = then / (now.sum() + extra.draws)[:, None]
    table = pd.DataFrame(
        {"votes": now, "share": now / now.sum(), "division": part, **summarise(share)}, index=parties
    )
    table.index.name = "party"
    return ResultChange(table)


def tipping_division(
    extra: ExtraVotes,
    votes: Mapping[str, float],
    party: str,
    *,
    rival: str | None = None,
    threshold: float | None = None,
) -> Tipping:
    """The share of the further votes from which on a party passes a rival, or a threshold.

    Parameters
    ----------
    votes
        Votes of every party.
    party
        Who gets the share; the rest goes to the others as they divide the votes now.
    rival
        Who is to be passed; or
    threshold
        share of all votes (0..1) that is to be reached.

    Raises
    ------
    DataError
        If a party is unknown, or it leads already, or not one of `rival` and `threshold` is given.
    """
    problems = _vote_problems(votes)
    unknown = [one for one in (party, rival) if one is not None and one not in votes]
    if unknown:
        problems.append(
            Problem(f"{name_some(unknown)} has no votes here", f"choose from {name_some(votes, 12)}")
        )
    if (rival is None) == (threshold is None):
        problems.append(Problem("a rival or a threshold is needed, not both", "give one of them"))
    if problems:
        raise DataError(problems)
    total, own = float(sum(votes.values())), float(votes[party])
    more = extra.draws > 0
    e = np.where(more, extra.draws, np.nan)
    if threshold is not None:
        behind = threshold * total - own
        at = (threshold * (total + e) - own) / e
        name = f"{threshold:.3%} of the votes"
    else:
        name = str(rival)
        behind = float(votes[name]) - own
        q = votes[name] / (total - own)
        at = (behind + q * e) / (e * (1 + q))
    if behind < 0:
        raise DataError(Problem(f"{party} is ahead of {name} already", "ask for the party that is behind"))
    return Tipping(party, name, np.where(more, at, np.inf))


def _vote_problems(votes: Mapping[str, float]) -> list[Problem]:
    wrong = [party for party, one in votes.items() if not (np.isfinite(one) and one >= 0)]
    if wrong or not votes or not sum(votes.values()) > 0:
        return [
            Problem(
                f"votes are no counts ({name_some(wrong)})" if wrong else "there are no votes",
                "give the votes of every party, 0 or more",
            )
        ]
    return []
