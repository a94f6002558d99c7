"""What a section on methods says of the checks of a fit: their numbers, with the works they come from."""

from collections.abc import Mapping

import numpy as np

from spatialvote.analysis.checks import stored_data
from spatialvote.analysis.report.numbers import fixed
from spatialvote.analysis.report.review import value_words
from spatialvote.analysis.report.words import listed
from spatialvote.analysis.review import Check, Review

#: Checks that have a sentence of their own.
_SPOKEN = (
    *("r_hat", "ess_bulk", "ess_tail", "divergences", "e_bfmi", "k_hat", "importance_ess"),
    *("moran_raw", "moran_nonspatial", "moran_residual"),
)
#: Works that further checks come from.
_SOURCES = {
    "geary_raw": "geary1954",
    "geary_nonspatial": "geary1954",
    "geary_residual": "geary1954",
    "getis_ord_raw": "getis1992",
    "getis_ord_nonspatial": "getis1992",
    "getis_ord_predictive": "getis1992",
    "local_raw": "anselin1995",
    "local_effect": "anselin1995",
    "local_residual": "anselin1995",
    "pit": "sailynoja2022",
    "pareto_k": "vehtari2016",
    "prior_sensitivity": "kallioinen2024",
    "confounding": "dupont2022",
}


def review_sentences(review: Review) -> str:
    """How the checks ended, and what the best known of them found; citations are keys."""
    checks = {one.name: one for one in review.checks}
    judged = [one for one in review.checks if one.verdict != "info"]
    text = f"Of {len(judged)} checks of the fit, {sum(one.verdict == 'pass' for one in judged)} passed"
    for verdict, verb in (("warn", "gave a warning"), ("fail", "failed")):
        others = [one.name for one in judged if one.verdict == verdict]
        text += f"; {listed(others)} {verb}" if others else ""
    return " ".join([f"{text}.", *_sampling(checks), *_predictive(checks), *_space(checks), *_others(judged)])


def _others(judged: list[Check]) -> list[str]:
    """Checks without a sentence of their own: whether the file is what it says, and the rest one by one."""
    ours = [one for one in judged if one.question == stored_data.QUESTION]
    intact = [one for one in ours if one.verdict == "pass"]
    found = []
    if ours and len(intact) == len(ours):
        found.append(
            "Fingerprints, stored data, log likelihood and draws were compared with the districts "
            f"({len(ours)} checks) and agree."
        )
    else:
        intact = []
    rest = [
        one
        for one in judged
        if one.name not in _SPOKEN and not one.name.startswith("predictive_") and one not in intact
    ]
    passed = [f"{one.statistic}{_source(one)} ({value_words(one)})" for one in rest if one.verdict == "pass"]
    others = [
        f"{one.statistic}{_source(one)}: {value_words(one)} ({one.verdict}; sound: {one.threshold})"
        for one in rest
        if one.verdict != "pass"
    ]
    found += [f"Further checks that passed: {'; '.join(passed)}."] if passed else []
    return [*found, f"Further findings: {'; '.join(others)}."] if others else found


def _source(check: Check) -> str:
    key = _SOURCES.get(check.name)
    return f" [@{key}]" if key else ""


def _sampling(checks: Mapping[str, Check]) -> list[str]:
    found = []
    if "r_hat" in checks and not np.isnan(checks["r_hat"].value):
        found.append(
            f"The largest rank-normalised split R-hat was {fixed(checks['r_hat'].value, 3)}, and the "
            f"smallest effective sample sizes were {fixed(checks['ess_bulk'].value)} (bulk) and "
            f"{fixed(checks['ess_tail'].value)} (tail) [@vehtari2021]."
        )
    if "divergences" in checks:
        number = checks["divergences"].value
        found.append(f"{fixed(number) if number else 'No'} transition{'' if number == 1 else 's'} diverged.")
    if "e_bfmi" in checks:
        found.append(
            f"The smallest E-BFMI of a chain was {fixed(checks['e_bfmi'].value, 2)} [@betancourt2016]."
        )
    if "k_hat" in checks:
        value = checks["k_hat"].value
        shape = (
            f"Pareto k-hat of the weights was {fixed(value, 2)}"
            if np.isfinite(value)
            else "The weights were equal"
        )
        found.append(
            f"{shape} [@vehtari2024], and the effective number of draws "
            f"{fixed(checks['importance_ess'].value)}."
        )
    return found


def _predictive(checks: Mapping[str, Check]) -> list[str]:
    ones = [one for name, one in checks.items() if name.startswith("predictive_")]
    if not ones:
        return []
    values = [one.value for one in ones]
    return [
        f"Posterior predictive p-values [@gelman1996] of {len(ones)} statistics of the data lay between "
        f"{_p(min(values))} and {_p(max(values))}."
    ]


def _p(value: float) -> str:
    """A p-value of some thousand replicates: never as certain or impossible."""
    return "less than 0.001" if value < 0.001 else "more than 0.999" if value > 0.999 else fixed(value, 3)


def _space(checks: Mapping[str, Check]) -> list[str]:
    raw, after = checks.get("moran_raw"), checks.get("moran_residual")
    found = []
    if raw is not None and "p_value" in raw.details:
        found.append(
            f"Moran's I [@moran1950] of the raw shares was {fixed(raw.value, 2)} (p = "
            f"{fixed(raw.details['p_value'], 3)})."
        )
    if after is not None and "mean" in after.details:
        found.append(
            f"Moran's I of the residuals, computed draw by draw, was {fixed(after.details['mean'], 3)} on "
            f"average, against {fixed(after.details['reference_mean'], 3)} of white noise on the same graph "
            f"(mean p = {fixed(after.value, 3)})."
        )
    return found
