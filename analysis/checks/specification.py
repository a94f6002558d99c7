"""Is the fit's specification the one that is asked for?

A fit is reviewed as what it says it is. Where it is reviewed with a study file, the file's section [model]
says what was to be fitted: formula, family, structure, every prior, whether covariates were standardised and
what no votes mean. A difference is no fault of the file, which may be one of several fits of these districts,
so it is named and warned of.
"""

from typing import Any

from spatialvote.analysis.checks.case import Case
from spatialvote.analysis.checks.check import Check, plain
from spatialvote.data.errors import name_some

QUESTION = "Is the file what it says?"


def run(case: Case) -> tuple[Check, ...]:
    """The fit's specification against the study's; nothing where no study was given."""
    claimed = case.common.claimed
    if claimed is None:
        return ()
    fitted, asked = (_flat(plain(one.to_dict())) for one in (case.fit.model, claimed))
    differing = {
        key: [fitted.get(key), asked.get(key)]
        for key in sorted(fitted.keys() | asked.keys())
        if fitted.get(key) != asked.get(key)
    }
    parts = [f"{key} (fit: {then}, study: {now})" for key, (then, now) in differing.items()]
    return (
        Check(
            "specification",
            QUESTION,
            "parts of the specification that differ from the study's",
            len(differing),
            "0",
            "warn" if differing else "pass",
            f"The study asks for another model: {name_some(parts)}; review the fit that belongs to it."
            if differing
            else "Formula, family, structure and priors are those of the study.",
            {"differing": differing},
        ),
    )


def _flat(values: dict[str, Any], above: str = "") -> dict[str, Any]:
    """Nested values by dotted names."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{above}{key}"
        flat |= _flat(value, f"{name}.") if isinstance(value, dict) else {name: value}
    return flat
