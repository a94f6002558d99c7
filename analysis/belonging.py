"""Whether a fit is complete, and whether it is one of these districts."""

import numpy as np

from spatialvote.data.districts import Districts
from spatialvote.data.errors import FitError, Problem, name_some
from spatialvote.data.findings import in_districts
from spatialvote.models.families import FAMILIES
from spatialvote.models.fit import Fit
from spatialvote.models.groups import group_names
from spatialvote.models.parties.fit import PartySharesFit
from spatialvote.models.structures import STRUCTURES

#: Statistics of the draws that a review reads, by engine.
_STATISTICS = {
    "nuts": ("diverging", "energy", "depth", "maxdepth_reached"),
    "laplace": ("log_ratio", "point", "log_point"),
}
#: Groups of a fit and the variables in them that a review reads, whatever the engine.
_NEEDED = {
    "posterior": ("intercept", "beta", "eta"),
    "log_likelihood": ("votes",),
    "posterior_predictive": ("votes",),
    "observed_data": ("votes",),
    "constant_data": ("design", "center", "scale", "edge_i", "edge_j", "edge_weight"),
}


def require_same_districts(fit: Fit | PartySharesFit, districts: Districts) -> None:
    """Refuse districts whose ids, or their order, differ from the fit's.

    Raises
    ------
    FitError
        Naming ids that only one of them has, or the first that stand elsewhere.
    """
    ours = [str(one) for one in fit.tree["posterior"].coords["district"].to_numpy()]
    theirs = list(districts.ids)
    if ours == theirs:
        return
    problems = []
    for these, those, whose in ((ours, theirs, "the fit"), (theirs, ours, "the districts")):
        known = set(those)
        if alone := [one for one in these if one not in known]:
            problems.append(
                Problem(
                    f"{len(alone)} ids are only in {whose} ({name_some(alone)})",
                    "give the districts that the fit was made from",
                )
            )
    if not problems:
        moved = [one for one, other in zip(ours, theirs, strict=True) if one != other]
        problems.append(
            Problem(
                f"fit and districts hold the same ids in a different order ({len(moved)} stand elsewhere: "
                f"{name_some(moved)})",
                "read the districts from the file that the fit was made from, in its order",
            )
        )
    raise FitError(problems)


def require_complete(fit: Fit) -> None:
    """Refuse a fit that lacks what a review reads, whose draws are not finite numbers, or of some votes only.

    Raises
    ------
    FitError
        Naming every group, variable or entry of the record that is missing, what is not finite, and which
        districts were held out.
    """
    sizes = {"poisson": ("exposure",), "gaussian": ()}.get(fit.model.family, ("trials",))
    field = STRUCTURES[fit.model.structure] + (("phi",) if fit.model.structure == "bym2" else ())
    field += FAMILIES[fit.model.family].HYPER
    for group in group_names(fit.model.formula):
        field += (f"sd_{group}", f"effect_{group}")
        sizes += (f"index_{group}",)
    engine = fit.record.get("engine")
    problems = [
        Problem(f"the fit's record lacks '{name}'", "ask for the file that Fit.save wrote")
        for name in ("engine", "fingerprints", "roles", *(("laplace",) if engine == "laplace" else ()))
        if name not in fit.record
    ]
    if engine is not None and engine not in _STATISTICS:
        problems.append(
            Problem(
                f"the fit's record names engine '{engine}', which this version does not know",
                f"use the version of spatialvote that made the fit; this one knows {name_some(_STATISTICS)}",
            )
        )
    needed = {**_NEEDED, "sample_stats": _STATISTICS.get(str(engine), ())}
    for group, variables in needed.items():
        if group not in fit.tree.children:
            problems.append(Problem(f"the fit lacks group '{group}'", "ask for the file that Fit.save wrote"))
            continue
        extra = {"posterior": field, "constant_data": sizes}.get(group, ())
        missing = [one for one in (*variables, *extra) if one not in fit.tree[group].data_vars]
        if missing:
            problems.append(
                Problem(
                    f"group '{group}' of the fit lacks {name_some(missing)}",
                    "ask for the file that Fit.save wrote",
                )
            )
            continue
        for name in ("intercept", "beta", "eta", *field) if group == "posterior" else ():
            bad = int((~np.isfinite(fit.tree["posterior"][name].to_numpy())).sum())
            if bad:
                problems.append(
                    Problem(
                        f"{bad} draws of '{name}' are not finite numbers", "fit again: the file is unusable"
                    )
                )
    if fit.held_out:
        problems.append(
            Problem(
                f"the fit did not see the votes {in_districts(fit.held_out)}: they were held out",
                "give a fit to the votes of all districts; one that holds votes out is for comparison alone",
            )
        )
    if problems:
        raise FitError(problems)
