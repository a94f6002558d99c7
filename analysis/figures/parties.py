"""Figures of several parties: effects on all shares, turnout's part in them, how fields go together."""

from matplotlib.figure import Figure

from spatialvote.analysis.figures.intervals import plot_intervals
from spatialvote.analysis.party_effects import PartyEffect
from spatialvote.analysis.party_fields import field_correlations
from spatialvote.data.districts import Districts
from spatialvote.models.parties.fit import PartySharesFit
from spatialvote.models.parties.outcome import REST

#: What a share is a share of, in words.
WHOLES = {"valid": "valid votes", "electorate": "the electorate"}
_SCALES = {"share": "own share", "clr": "centred log share", "against the rest": "against the rest"}


def called(name: str, districts: Districts) -> str:
    """What a category is called before people."""
    if name == REST:
        return "all others"
    return districts.roles.party_called(name) if name in districts.roles.votes else name


def plot_party_effects(effect: PartyEffect, districts: Districts) -> Figure:
    """Plot the average change of every category's share, the rest included; they sum to zero."""
    told = effect.table()
    return plot_intervals(
        [called(str(name), districts) for name in told.index],
        told["mean"].to_numpy(),
        told["low"].to_numpy(),
        told["high"].to_numpy(),
        xlabel=f"change, percentage points of {WHOLES[effect.whole]}",
        title=f"{_by(effect)} {districts.roles.called(effect.column)}: change of all shares",
        level="95 %",
        simulated=districts.about.simulated,
    )


def plot_decomposition(effect: PartyEffect, districts: Districts) -> Figure:
    """Plot each party's change in its share of the electorate, in two parts, and in its share of the votes.

    Raises
    ------
    ModelError
        Where the whole are the valid votes.
    """
    told = effect.decomposition()
    names = []
    for row in map(str, told.index):
        party, _, quantity = row.partition(": ")
        names.append(f"{called(party, districts)}: {quantity}" if quantity else "turnout (valid votes)")
    return plot_intervals(
        names,
        told["mean"].to_numpy(),
        told["low"].to_numpy(),
        told["high"].to_numpy(),
        xlabel="change, percentage points",
        title=f"{_by(effect)} {districts.roles.called(effect.column)}: through turnout and through votes",
        level="95 %",
        simulated=districts.about.simulated,
    )


def plot_field_correlations(fit: PartySharesFit, districts: Districts) -> Figure:
    """Plot the correlation of each pair of fields, on every scale."""
    told = field_correlations(fit)
    names = []
    for first, second, scale, part in told.index:
        structured = ", structured part" if part == "structured" else ""
        names.append(
            f"{called(first, districts)} and {called(second, districts)}: {_SCALES[scale]}{structured}"
        )
    return plot_intervals(
        names,
        told["mean"].to_numpy(),
        told["low"].to_numpy(),
        told["high"].to_numpy(),
        xlabel="correlation",
        title="Do the parties' district effects go together?",
        level="95 %",
        simulated=districts.about.simulated,
    )


def _by(effect: PartyEffect) -> str:
    return f"{effect.points:+g} points" if effect.points is not None else "One standard deviation more of"
