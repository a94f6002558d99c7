"""Do the data stored in the fit equal those rebuilt from the districts?

Votes, valid votes (or exposure), where the party stood, every column of the design with its centre and scale,
the levels of groups, and the links: what the density was evaluated with. A recorded fingerprint can be
copied; these arrays are what was used.
"""

import numpy as np

from spatialvote.analysis.checks.case import Case
from spatialvote.analysis.checks.check import Check
from spatialvote.data.errors import name_some

QUESTION = "Is the file what it says?"
#: Splines and means may be summed in another order by another version of a library.
RELATIVE = 1e-9


def run(case: Case) -> tuple[Check, ...]:
    """Stored against rebuilt votes, denominators, design and links."""
    found = compare(case)
    differing = {what: ids for what, ids in found.items() if ids}
    if not differing:
        advice = "Votes, denominators, covariates and links in the file equal those of the districts."
    else:
        parts = [f"{what} ({name_some(ids)})" for what, ids in differing.items()]
        advice = f"The file was fitted to other data than these: they differ in {'; '.join(parts)}."
    return (
        Check(
            "stored_data",
            QUESTION,
            f"parts of the stored data, of {len(found)}, that differ from the districts",
            len(differing),
            "0",
            "fail" if differing else "pass",
            advice,
            {"differing": differing},
        ),
    )


def compare(case: Case) -> dict[str, list[str]]:
    """Each part of the stored data to the ids of the districts (or columns) in which it differs."""
    fit = case.fit
    posterior, design = case.rebuilt
    ids = np.array(case.districts.ids)
    outcome = fit.model.outcome(case.districts)
    denominator = {"poisson": "exposure", "gaussian": "sizes"}.get(fit.model.family, "valid votes")
    # Logits are computed, counts are given.
    same = (
        _close(fit.votes, posterior.votes) if fit.model.family == "gaussian" else fit.votes == posterior.votes
    )
    found = {
        f"votes of '{design.party}'": list(ids[~same]),
        denominator: list(ids[~_close(fit.size, outcome.denominator)]),
        "where the party stood": list(ids[fit.stood != outcome.stood]),
    }
    if fit.groups == posterior.groups:
        for group in design.groups:
            given = fit.constant(f"index_{group.name}")
            found[f"group '{group.name}'"] = list(ids[given != group.index])
    else:
        found["groups"] = sorted(set(fit.groups) ^ set(posterior.groups)) or ["their order"]
    if fit.coefficients == design.names:
        stored = fit.constant("design")
        for k, name in enumerate(design.names):
            found[f"column '{name}'"] = list(ids[~_close(stored[:, k], design.matrix[:, k])])
        for what, values in (("center", design.center), ("scale", design.scale)):
            same = _close(fit.constant(what), values)
            found[f"the columns' {what}"] = [n for n, ok in zip(design.names, same, strict=True) if not ok]
    else:
        found["columns of the design"] = sorted(set(fit.coefficients) ^ set(design.names)) or ["their order"]
    edges = [fit.constant(name) for name in ("edge_i", "edge_j", "edge_weight")]
    found["links"] = _differing_links(edges, case.districts.edges, ids)
    return {what: [str(one) for one in where] for what, where in found.items()}


def _close(stored: np.ndarray, rebuilt: np.ndarray) -> np.ndarray:
    return np.isclose(
        stored, rebuilt, rtol=RELATIVE, atol=RELATIVE * max(1e-300, np.abs(rebuilt).max(initial=0))
    )


def _differing_links(stored, rebuilt, ids: np.ndarray) -> list[str]:
    """Ends of the links, or of their weights, that only one side has."""
    these, those = (set(zip(*(part.tolist() for part in edges), strict=True)) for edges in (stored, rebuilt))
    ends = {end for i, j, _ in these ^ those for end in (i, j)}
    return [str(ids[end]) if 0 <= end < len(ids) else f"position {end}" for end in sorted(ends)]
