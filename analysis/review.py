"""`review`: every check of a fit, with its statistic, threshold, verdict and one sentence of advice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from spatialvote.analysis.belonging import require_complete, require_same_districts
from spatialvote.analysis.checks import (
    approximation,
    confounding,
    convergence,
    digits,
    dispersion,
    draws_agree,
    fingerprints,
    influence,
    information,
    likelihood,
    pit,
    predictive,
    predictive_space,
    prior_predictive,
    prior_sensitivity,
    sampler,
    space_after,
    space_before,
    space_graphs,
    space_local,
    space_variogram,
    specification,
    stored_data,
    without_worst,
)
from spatialvote.analysis.checks.case import Case, Common, Progress, Run
from spatialvote.analysis.checks.check import Check, worst
from spatialvote.analysis.junit import junit
from spatialvote.analysis.settled import settled
from spatialvote.data.districts import Districts
from spatialvote.data.errors import FitError, Problem
from spatialvote.models.fit import Fit
from spatialvote.models.vote_share import VoteShareModel

__all__ = ["Check", "Review", "review"]

#: In the order in which a reviewer asks.
CHECKS: tuple[Run, ...] = (
    convergence,
    sampler,
    approximation,
    digits,
    fingerprints,
    specification,
    stored_data,
    likelihood,
    draws_agree,
    predictive,
    predictive_space,
    pit,
    dispersion,
    space_before,
    space_after,
    space_variogram,
    space_graphs,
    space_local,
    prior_sensitivity,
    prior_predictive,
    influence,
    information,
)
#: Those that fit other models to the same districts; only run when asked for, because they take longer.
REFITS: tuple[Run, ...] = (confounding, without_worst)


@dataclass(frozen=True)
class Review:
    """What came of every check of one fit.

    Attributes
    ----------
    checks
        In the order in which a reviewer asks.
    created
        When, ISO 8601 in UTC.
    fingerprints
        Of the data and the graph that the fit was reviewed with.
    seed
        Of what is random in the checks; the same seed gives the same review.
    refits
        Whether checks that fit other models were asked for.
    """

    checks: tuple[Check, ...]
    created: str
    fingerprints: Mapping[str, str]
    seed: int = 0
    refits: bool = False

    def __repr__(self) -> str:
        counts = {v: sum(c.verdict == v for c in self.checks) for v in ("fail", "warn", "pass", "info")}
        return f"Review({self.verdict}: {', '.join(f'{n} {v}' for v, n in counts.items() if n)})"

    def __getitem__(self, name: str) -> Check:
        """The check of that name; KeyError if there is none."""
        return {check.name: check for check in self.checks}[name]

    @property
    def verdict(self) -> str:
        """The worst verdict of any check: "pass", "warn" or "fail"."""
        return worst([check.verdict for check in self.checks])

    def to_frame(self) -> pd.DataFrame:
        """One row a check, indexed by name, details left out."""
        columns = ("name", "question", "statistic", "value", "threshold", "verdict", "advice")
        rows = [[getattr(check, column) for column in columns] for check in self.checks]
        return pd.DataFrame(rows, columns=list(columns)).set_index("name")

    def to_json(self) -> str:
        """All of it as JSON text."""
        values = {
            "created": self.created,
            "seed": self.seed,
            "refits": self.refits,
            "fingerprints": dict(self.fingerprints),
            "verdict": self.verdict,
            "checks": [check.to_dict() for check in self.checks],
        }
        return json.dumps(values, indent=1, allow_nan=False)

    def to_junit(self, *, strict: bool = False) -> str:
        """All of it as JUnit XML, for a runner of tests; see `spatialvote.analysis.junit`.

        Parameters
        ----------
        strict
            Whether warnings count as failures.
        """
        properties = {
            "seed": str(self.seed),
            "refits": str(self.refits).lower(),
            **{f"fingerprint of the {part}": value for part, value in self.fingerprints.items()},
        }
        return junit(self.checks, self.created, properties, strict=strict)

    @classmethod
    def from_json(cls, text: str) -> Review:
        """Read what `to_json` wrote.

        Raises
        ------
        FitError
            Where the text is not a review, or its verdict is not that of its checks.
        """
        try:
            values = json.loads(text)
            read = cls(
                tuple(Check.from_dict(one) for one in values["checks"]),
                values["created"],
                values["fingerprints"],
                values["seed"],
                # Reviews of versions that knew no refits do not have it.
                values.get("refits", False),
            )
            told = values["verdict"]
        except (ValueError, KeyError, TypeError) as error:
            raise FitError(
                Problem(f"this is not a review ({error})", "give the JSON file that a review was saved to")
            ) from error
        if told != read.verdict:
            raise FitError(
                Problem(
                    f"the review says '{told}', its checks say '{read.verdict}'",
                    "review the fit again: the file was changed",
                )
            )
        return read


def review(
    fit: Fit,
    districts: Districts,
    *,
    seed: int = 0,
    refits: bool = False,
    progress: Progress | None = None,
    claimed: VoteShareModel | None = None,
) -> Review:
    """Check a fit against the districts it is claimed to be of.

    The fit is not trusted: what can be computed from the districts is computed anew and compared with what
    the file holds.

    Parameters
    ----------
    fit
        A fit, saved by somebody else perhaps.
    districts
        The districts, read from their files.
    seed
        Of the replicates and the reference draws; also of the refits.
    refits
        Run also the checks that fit other models to the same districts, by the Laplace engine: minutes
        where the others take seconds.
    progress
        Called by these with what is fitted, how many fits are done and how many there are.
    claimed
        What was to be fitted; where the fit is of another model the review warns.

    Raises
    ------
    FitError
        If the fit is incomplete, holds draws that are not finite, or is of other districts (other ids, or
        another order).
    ModelError
        If its formula does not suit the districts.
    """
    require_complete(fit)
    require_same_districts(fit, districts)
    modules: tuple[Run, ...] = (*CHECKS, *REFITS) if refits else CHECKS
    # Streams are numbered, so that those of the other checks are the same with refits and without.
    streams = np.random.default_rng(seed).spawn(len(modules))
    common = Common(fit, districts, progress, claimed)
    # Other models are fitted to the posterior means of values that are not known exactly.
    known = settled(fit, districts)
    commons = {True: Common(fit, known, progress, claimed) if fit.unknown else common, False: common}
    checks = [
        check
        for module, rng in zip(modules, streams, strict=True)
        for one in (commons[module in REFITS],)
        for check in module.run(Case(fit, one.districts, rng, one))
    ]
    return Review(
        tuple(checks),
        datetime.now(UTC).isoformat(timespec="seconds"),
        dict(districts.fingerprint),
        seed,
        refits,
    )
