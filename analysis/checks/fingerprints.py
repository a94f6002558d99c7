"""Is the fit one of these data and this graph, byte for byte?

The SHA-256 of ids and of every column with a role, and of ids and links, as recorded when the model was
fitted, against those of the districts at hand.
"""

import numpy as np

from spatialvote.analysis.checks.case import Case
from spatialvote.analysis.checks.check import Check
from spatialvote.analysis.checks.stored_data import compare
from spatialvote.data.errors import name_some

QUESTION = "Is the file what it says?"


def run(case: Case) -> tuple[Check, ...]:
    """Fingerprints of the data and of the graph."""
    return _data(case), _graph(case)


def _data(case: Case) -> Check:
    recorded, found = _both(case, "data")
    if recorded == found:
        return _check("data", recorded, found, "The districts are the ones that were fitted.")
    differing = {what: ids for what, ids in compare(case).items() if ids}
    then, now = _roles(case)
    if then != now:
        advice = (
            f"The columns with a role are not the same ({name_some(sorted(then ^ now))} only in one of the "
            "two): read the districts with the roles that the fit's record names."
        )
    elif differing:
        parts = [f"{what} in {len(ids)} districts ({name_some(ids)})" for what, ids in differing.items()]
        advice = f"The data were changed after the fit, or before this review: {'; '.join(parts)}."
    else:
        advice = (
            "A column that the model does not use differs from the fitted one: ask which version of the "
            f"table is meant, and compare {name_some(sorted(now), limit=8)}."
        )
    return _check("data", recorded, found, advice, {"differing": differing})


def _graph(case: Case) -> Check:
    recorded, found = _both(case, "graph")
    if recorded == found:
        return _check("graph", recorded, found, "The neighbour graph is the one that was fitted.")
    stored = [case.fit.constant(name) for name in ("edge_i", "edge_j", "edge_weight")]
    ids = np.array(case.districts.ids)
    then, now = (
        {
            (str(ids[a]), str(ids[b])): float(w)
            for a, b, w in zip(i, j, weight, strict=True)
            if min(a, b) >= 0 and max(a, b) < len(ids)
        }
        for i, j, weight in (stored, case.districts.edges)
    )
    removed, added = sorted(then.keys() - now.keys()), sorted(now.keys() - then.keys())
    changed = sorted(pair for pair in then.keys() & now.keys() if then[pair] != now[pair])
    parts = [
        f"{len(pairs)} {what} ({name_some([' - '.join(pair) for pair in pairs])})"
        for what, pairs in (
            ("links of the fit are missing here", removed),
            ("links are new", added),
            ("weights differ", changed),
        )
        if pairs
    ]
    advice = (
        f"The neighbour graph was changed: {'; '.join(parts)}."
        if parts
        else "The links equal those stored in the fit, but not those that its record was made from: ask how "
        "the file was made."
    )
    return _check("graph", recorded, found, advice, {"removed": removed, "added": added, "changed": changed})


def _both(case: Case, part: str) -> tuple[str, str]:
    return str(case.fit.record["fingerprints"][part]), case.districts.fingerprint[part]


def _roles(case: Case) -> tuple[set[str], set[str]]:
    """Columns with a role when the model was fitted, and now."""
    then = case.fit.record["roles"]
    single = (then["valid"], then["exposure"], then["electorate"], then["migrants"])
    fitted = {*then["votes"].values(), *(one for one in single if one), *then["covariates"], *then["groups"]}
    roles = case.districts.roles
    return fitted, {*roles.numeric_columns(), *roles.groups}


def _check(part: str, recorded: str, found: str, advice: str, details: dict | None = None) -> Check:
    equal = recorded == found
    return Check(
        f"{part}_fingerprint",
        QUESTION,
        f"1 if the SHA-256 of the {part} equals the recorded one",
        float(equal),
        "1",
        "pass" if equal else "fail",
        advice,
        {"recorded": recorded, "found": found, **(details or {})},
    )
