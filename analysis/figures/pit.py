"""Places of votes in what is expected of them: the ECDF's distance from uniform, with its band."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spatialvote.analysis.figures import style
from spatialvote.analysis.figures.panels import lay_panels
from spatialvote.data.errors import DataError, Problem


@style.styled
def plot_pit(
    points: np.ndarray,
    differences: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    *,
    title: str = "",
    simulated: bool = False,
) -> Figure:
    """Plot the difference of the PIT's ECDF from uniform at each draw, over the band that holds 95 % of them.

    Parameters
    ----------
    points
        Where the ECDF was evaluated, between 0 and 1, shape (points,).
    differences
        ECDF minus the point, a row for each draw, shape (draws, points).
    low, high
        Ends of the simultaneous band, less the points, shape (points,).
    title
        Title of the figure.
    simulated
        Say at its foot that the data are simulated.

    Raises
    ------
    DataError
        If the shapes do not belong together.
    """
    at = np.asarray(points, dtype=np.float64)
    lines = np.atleast_2d(np.asarray(differences, dtype=np.float64))
    ends = [np.asarray(one, dtype=np.float64) for one in (low, high)]
    if lines.shape[1:] != at.shape or any(one.shape != at.shape for one in ends):
        raise DataError(
            Problem(
                f"a PIT-ECDF needs a value at each of its points ({at.shape} points; {lines.shape}, "
                f"{ends[0].shape} and {ends[1].shape} came)",
                "pass the details of the check 'pit'",
            )
        )
    # At both ends every ECDF is 0 and 1.
    x = np.r_[0.0, at, 1.0]
    bottom, top = (np.pad(one, 1) for one in ends)
    panels = lay_panels(
        1,
        1,
        panel_height=2.0,
        title=title,
        notes=[
            "Lines (orange): a draw each. Band (grey): where 95 % of them would lie, along the whole axis, "
            "if the model were true. Above zero: more districts than expected have places as low as this."
        ],
        xlabel="place of a district's votes in what is expected of them, from 0 (lowest) to 1",
        simulated=simulated,
    )
    axes = panels.axes[0]
    axes.fill_between(x, bottom, top, color="#dcd8d4", linewidth=0, gid="band")
    axes.axhline(0, color=style.SOFT_INK, linewidth=0.8)
    for line in lines:
        axes.plot(x, np.pad(line, 1), color=style.VOTE, linewidth=0.7, alpha=0.35)
    axes.set(xlim=(0, 1))
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes.tick_params(axis="y", length=2)
    room = 0.42 / style.WIDTH
    box = axes.get_position()
    axes.set_position((box.x0 + room, box.y0, box.width - room, box.height))
    panels.head(0, "", "share of the districts at or below a place, less the share expected")
    return panels.figure
