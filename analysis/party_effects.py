r"""What a change of one covariate would mean for all shares of a whole, in percentage points.

For every posterior draw and district, other covariates and district effects held,

    eta_ik' = eta_ik + (x_i' - x_i)'beta_k,     change_ik = 100 (p_ik' - p_ik),

p the shares of all categories, the rest included; so the changes of a district sum to zero, and their
averages do. Where a party did not stand it has no share, before or after.

**Turnout.** Where the electorate is the whole, a party's share s of the electorate is turnout T (valid votes
over electorate) times its share v of the valid votes. A change of s is then, without remainder,

    s' - s = (T' - T)(v + v') / 2  +  (v' - v)(T + T') / 2:

what the party would gain because more or fewer vote while it keeps its share of the votes, and what it gains
among those who vote. A party that "grows" among votes because others stay at home has v' > v and s' = s.

All of this is about districts, not persons: that a party's share is larger where more migrants live does not
say who votes for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from spatialvote.analysis.effects.covariate import change_of, leaving
from spatialvote.analysis.effects.weighting import district_weights
from spatialvote.data.districts import Districts
from spatialvote.data.errors import ModelError, Problem
from spatialvote.models.parties.fit import PartySharesFit
from spatialvote.models.parties.likelihood import shares
from spatialvote.models.parties.outcome import NO_VOTE

_BLOCK = 200


@dataclass(frozen=True, eq=False)
class PartyEffect:
    """Changes of all shares when one covariate changes, others held.

    Attributes
    ----------
    column, points, change
        The covariate; its change in percentage points (None: one standard deviation) and in its own unit.
    weighting
        ``districts``: every district counts the same; ``voters``: by valid votes (by the electorate where
        that is the whole); or a column that counts persons.
    whole
        What shares are shares of, ``valid`` or ``electorate``.
    categories
        The rest last.
    draws
        Average change of each category, percentage points of the whole, shape (samples, K + 1); each row sums
        to zero.
    by_district
        Posterior mean change of each district and category, indexed by district.
    of_votes, through_turnout, through_votes
        Where the electorate is the whole, of each party: change in its share of the valid votes, and the two
        parts of the change in its share of the electorate, each (samples, parties). None elsewhere.
    turnout
        Change in turnout, percentage points of the electorate, (samples,); None elsewhere.
    outside_bounds
        Districts whose share would leave 0 to 100 %; nothing is clipped.
    """

    column: str
    points: float | None
    change: float
    weighting: str
    whole: str
    categories: tuple[str, ...]
    draws: np.ndarray
    by_district: pd.DataFrame
    of_votes: np.ndarray | None
    through_turnout: np.ndarray | None
    through_votes: np.ndarray | None
    turnout: np.ndarray | None
    outside_bounds: tuple[str, ...]

    def __repr__(self) -> str:
        told = ", ".join(
            f"{name} {row['mean']:+.2f} ({row['low']:+.2f} to {row['high']:+.2f})"
            for name, row in self.table().iterrows()
        )
        by = f"{self.points:+g} points" if self.points is not None else f"{self.change:+.3g}"
        return f"PartyEffect({self.column} {by}, points of {self.whole}: {told})"

    def table(self) -> pd.DataFrame:
        """Mean, 95 % interval and probability above zero of each category's average change."""
        return _summary(self.draws, self.categories)

    def decomposition(self) -> pd.DataFrame:
        """Of each party: share of the electorate, its two parts, and share of the votes; then turnout.

        Raises
        ------
        ModelError
            Where the whole are the valid votes, which say nothing about turnout.
        """
        if self.of_votes is None or self.through_turnout is None or self.through_votes is None:
            raise ModelError(
                Problem("shares of valid votes say nothing about turnout", "fit with whole='electorate'")
            )
        parties = [name for name in self.categories[:-1] if name != NO_VOTE]
        rows = {}
        for k, party in enumerate(parties):
            rows[f"{party}: share of the electorate"] = self.draws[:, self.categories.index(party)]
            rows[f"{party}: through turnout"] = self.through_turnout[:, k]
            rows[f"{party}: through votes"] = self.through_votes[:, k]
            rows[f"{party}: share of valid votes"] = self.of_votes[:, k]
        rows["turnout"] = np.asarray(self.turnout)
        return _summary(np.column_stack(list(rows.values())), tuple(rows))


def _summary(draws: np.ndarray, names: tuple[str, ...]) -> pd.DataFrame:
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    values = {
        "mean": draws.mean(axis=0),
        "low": low,
        "high": high,
        "probability_positive": (draws > 0).mean(axis=0),
    }
    return pd.DataFrame(values, index=pd.Index(names, name="category"))


def party_effect(
    fit: PartySharesFit,
    districts: Districts,
    column: str | None = None,
    points: float | None = 10.0,
    weighting: str = "districts",
) -> PartyEffect:
    """Changes of all shares when a covariate changes in every district, others held.

    Parameters
    ----------
    fit, districts
        A fit of several parties and the districts it was made from.
    column
        A numeric covariate of the formula; None: the migrants' column.
    points
        Percentage points by which a share changes; None for a change of one standard deviation.
    weighting
        ``districts``, ``voters`` or a column that counts persons.

    Raises
    ------
    ModelError
        For a column that is not in the formula or holds no numbers, or points for a column that is no share.
    FitError
        If the fit is of other districts, or of other values of the covariates.
    """
    column, values, change, _, shift = change_of(fit, districts, column, points, weighting)
    found, by_district = _averages(fit, shift, district_weights(fit, districts, weighting))
    return PartyEffect(
        column=column,
        points=points,
        change=change,
        weighting=weighting,
        whole=fit.model.whole,
        categories=fit.categories,
        by_district=pd.DataFrame(by_district, index=districts.ids, columns=list(fit.categories)),
        outside_bounds=leaving(districts, column, values, change)[0],
        draws=found["whole"],
        of_votes=found.get("of_votes"),
        through_turnout=found.get("through_turnout"),
        through_votes=found.get("through_votes"),
        turnout=found["turnout"][:, 0] if "turnout" in found else None,
    )


def _averages(
    fit: PartySharesFit, shift: np.ndarray, weight: np.ndarray
) -> tuple[Mapping[str, np.ndarray], np.ndarray]:
    """Average changes by draw, each (samples, ...), and the mean change of each district, (n, K + 1)."""
    slope = fit.draws("beta") / fit.constant("scale")
    stood, n = fit.stood, len(shift)
    weight = weight / weight.sum()
    parts: dict[str, list[np.ndarray]] = {}
    by_district = np.zeros((n, len(fit.categories)))
    # In blocks of draws, so that memory stays small for many districts.
    for start in range(0, len(slope), _BLOCK):
        here = slice(start, start + _BLOCK)
        eta = fit.draws("eta", here)
        before = shares(eta, stood)
        after = shares(eta + np.einsum("nq,skq->snk", shift, slope[here]), stood)
        by_district += 100 * (after - before).sum(axis=0)
        for name, one in _changes(fit, before, after).items():
            parts.setdefault(name, []).append(100 * np.einsum("n,snk->sk", weight, one))
    return {name: np.concatenate(ones) for name, ones in parts.items()}, by_district / len(slope)


def _changes(fit: PartySharesFit, before: np.ndarray, after: np.ndarray) -> dict[str, np.ndarray]:
    """Changes by draw and district, each (draws, n, ...), as fractions."""
    found = {"whole": after - before}
    if fit.counts_turnout:
        away = fit.logits.index(NO_VOTE)
        turnout, then = 1 - before[..., away : away + 1], 1 - after[..., away : away + 1]
        parties = [k for k, name in enumerate(fit.logits) if name != NO_VOTE]
        votes, votes_then = before[..., parties] / turnout, after[..., parties] / then
        found["turnout"] = then - turnout
        found["of_votes"] = votes_then - votes
        found["through_turnout"] = (then - turnout) * (votes + votes_then) / 2
        found["through_votes"] = (votes_then - votes) * (turnout + then) / 2
    return found
