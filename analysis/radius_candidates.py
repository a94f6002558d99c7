"""Which measures of surroundings can stand in place of the one that a formula names."""

from dataclasses import replace

from spatialvote.analysis.radii import PLACE
from spatialvote.analysis.terms import columns_of, split_terms, with_column
from spatialvote.data.districts import Districts
from spatialvote.models.design import split_formula
from spatialvote.models.vote_share import VoteShareModel


def radius_candidates(
    model: VoteShareModel, districts: Districts
) -> tuple[VoteShareModel, dict[str, str]] | None:
    """A model with `surroundings` in its formula, and the columns of the same kind that can stand there.

    Parameters
    ----------
    model
        A model whose formula names one column of `districts.record.measured` that looks around.
    districts
        With measured surroundings.

    Returns
    -------
    tuple or None
        For `spatialvote.analysis.radii.compare_radii`: the model, and the columns by their own names. None
        where the formula names no such column, or several, or only one column is of its kind.
    """
    measured = districts.record.measured
    if measured is None:
        return None
    party, right = split_formula(model.formula)
    terms = split_terms(right)
    used = {column for term in terms for column in columns_of(term)}
    around = [one for kind in ("egohood", "halo") for one in measured.of_kind(kind)]
    named = [one for one in around if one.column in used]
    if len(named) != 1:
        return None
    like = [one.column for one in around if one.kind == named[0].kind]
    if len(like) < 2:
        return None
    placed = " + ".join(with_column(term, named[0].column, PLACE) for term in terms)
    return replace(model, formula=f"{party} ~ {placed}"), {column: column for column in like}
