"""What a family takes for votes and sizes, where the party did not stand, and whose votes are held out.

=============  ===========================  ================================
family         votes                        size
=============  ===========================  ================================
binomial       votes                        valid votes
beta_binomial  votes                        valid votes
poisson        counts                       exposure
gaussian       logit of the share           1
=============  ===========================  ================================

A district where the party did not stand has size 0: it says nothing about the party, keeps its place on the
map, and gets a predicted share as its neighbours and covariates suggest. Which districts these are is not in
the table of votes; under ``absent="zero votes"`` they are those without a vote for it.

Districts whose votes are held out, to be predicted from the others, have size 0 as well.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import logit

from spatialvote.data.districts import Districts
from spatialvote.data.errors import ModelError, Problem, name_some
from spatialvote.data.findings import in_districts

#: What districts without a vote for the party are: counts of zero like any other, or districts where it did
#: not stand.
ABSENT = ("none", "zero votes")
#: Role that a family's size comes from.
DENOMINATORS = {"binomial": "valid", "beta_binomial": "valid", "poisson": "exposure"}
#: How many ids of districts where the party did not stand the record of a fit names.
_NAMED = 200


@dataclass(frozen=True, eq=False)
class Outcome:
    """Votes and sizes of districts, each shape (n,).

    Attributes
    ----------
    votes, size
        What the likelihood takes, float64; both 0 where it is switched off (not `told`).
    denominator
        Valid votes or exposure of every district, 0 nowhere; ones for ``gaussian``.
    stood
        Whether the party stood.
    held
        Whether the votes are held out.
    """

    votes: np.ndarray
    size: np.ndarray
    denominator: np.ndarray
    stood: np.ndarray
    held: np.ndarray

    @property
    def told(self) -> np.ndarray:
        """Whether the votes enter the likelihood: the party stood, and they are not held out."""
        return self.stood & ~self.held


def read_outcome(
    family: str, districts: Districts, party: str, absent: str, held_out: Collection[str] = ()
) -> Outcome:
    """Votes and sizes of a party.

    Parameters
    ----------
    held_out
        Ids of districts whose votes are held out.

    Raises
    ------
    ModelError
        Where the districts do not have what the family needs, where nobody, or everybody, voted for the
        party, where ids to be held out are unknown, or where without them no votes are left.
    """
    held = _held(districts, held_out)
    if family == "gaussian":
        outcome = _logits(districts, party, absent)
    else:
        outcome = _counts(family, districts, party, absent)
    if not outcome.stood.any():
        raise _extreme(party, "no")
    return _without(outcome, held, family, party) if held.any() else outcome


def _held(districts: Districts, held_out: Collection[str]) -> np.ndarray:
    """Which districts are held out, shape (n,)."""
    wanted = {held_out} if isinstance(held_out, str) else set(held_out)
    known = set(districts.ids)
    if unknown := sorted(str(one) for one in wanted if one not in known):
        raise ModelError(
            Problem(
                f"{len(unknown)} of {len(wanted)} ids to be held out are unknown ({name_some(unknown)})",
                "hold out ids of these districts, as text",
            )
        )
    if len(wanted) == districts.n:
        raise ModelError(
            Problem(
                f"all {districts.n} districts are held out, so nothing is left to learn from",
                "hold out fewer",
            )
        )
    return np.array([one in wanted for one in districts.ids], dtype=bool)


def _without(outcome: Outcome, held: np.ndarray, family: str, party: str) -> Outcome:
    """The outcome without the likelihood of some districts."""
    left = outcome.stood & ~held
    if not left.any() or (family != "gaussian" and not outcome.votes[left].any()):
        which = "no"
    elif DENOMINATORS.get(family) == "valid" and (outcome.votes[left] == outcome.denominator[left]).all():
        which = "all"
    else:
        which = ""
    if which:
        raise ModelError(
            Problem(
                f"without the {held.sum()} districts held out, '{party}' has {which} votes everywhere",
                "hold out fewer districts, or others",
            )
        )
    return replace(
        outcome,
        votes=np.where(held, 0.0, outcome.votes),
        size=np.where(held, 0.0, outcome.size),
        held=held,
    )


def _counts(family: str, districts: Districts, party: str, absent: str) -> Outcome:
    roles, wanted = districts.roles, DENOMINATORS[family]
    if roles.shares_only:
        raise ModelError(
            Problem(
                f"family '{family}' counts votes, and of '{party}' these districts have shares only "
                f"(column '{roles.votes[party]}')",
                "choose family 'gaussian', or read the counts and name "
                f"{'valid votes' if wanted == 'valid' else 'an exposure'}",
            )
        )
    if getattr(roles, wanted) is None:
        raise ModelError(
            Problem(
                f"family '{family}' needs the role '{wanted}', which these districts lack",
                f"name the column with {wanted} when reading, or choose another family",
            )
        )
    votes = districts.votes(party).astype(np.float64)
    denominator = np.asarray(getattr(districts, wanted), dtype=np.float64)
    if not votes.any():
        raise _extreme(party, "no")
    stood = votes > 0 if absent == "zero votes" else np.ones(districts.n, dtype=bool)
    if wanted == "valid" and (votes[stood] == denominator[stood]).all():
        raise _extreme(party, "all")
    return Outcome(votes, np.where(stood, denominator, 0.0), denominator, stood, np.zeros_like(stood))


def _logits(districts: Districts, party: str, absent: str) -> Outcome:
    if districts.roles.exposure is not None and districts.roles.valid is None:
        raise ModelError(
            Problem(
                "family 'gaussian' needs shares of votes, and these districts have counts with an exposure",
                "choose family 'poisson', or name valid votes when reading",
            )
        )
    share = districts.share(party)
    ids = districts.ids.to_numpy()
    stood = share > 0 if absent == "zero votes" else np.ones(districts.n, dtype=bool)
    problems = []
    zero, one = stood & (share <= 0), share >= 1
    if zero.any():
        problems.append(
            Problem(
                f"the share of '{party}' is 0 {in_districts(ids[zero])}, which has no logit",
                "use absent=\"zero votes\" where the party did not stand there, or family 'binomial' with "
                "counts",
            )
        )
    if one.any():
        problems.append(
            Problem(
                f"the share of '{party}' is 1 {in_districts(ids[one])}, which has no logit",
                "leave these districts out, or use family 'binomial' with counts",
            )
        )
    if problems:
        raise ModelError(problems)
    votes = np.where(stood, logit(np.where(stood, share, 0.5)), 0.0)
    return Outcome(votes, stood.astype(np.float64), np.ones(districts.n), stood, np.zeros_like(stood))


def _extreme(party: str, which: str) -> ModelError:
    return ModelError(
        Problem(
            f"party '{party}' has {which} votes everywhere",
            "choose a party that stood in some districts and not alone",
        )
    )


def held_out_record(outcome: Outcome, districts: Districts) -> list[str]:
    """Ids of the districts whose votes are held out, as plain values."""
    return [str(one) for one in districts.ids[outcome.held]]


def absence_record(outcome: Outcome, districts: Districts, party: str, absent: str) -> dict[str, Any]:
    """What the record of a fit says about districts where the party did not stand, as plain values."""
    ids = list(districts.ids[~outcome.stood])
    record: dict[str, Any] = {"rule": absent, "count": len(ids), "ids": ids[:_NAMED]}
    if 2 * len(ids) > districts.n:
        record["note"] = (
            f"'{party}' has no votes in {len(ids)} of {districts.n} districts, where it is taken not to have "
            "stood: what is said of them rests on their covariates and neighbours alone. If it "
            'stood there, use absent="none".'
        )
    return record
