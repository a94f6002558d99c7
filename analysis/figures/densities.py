"""Prior against posterior: what the data taught about each parameter."""

from collections.abc import Mapping

import numpy as np
from arviz_stats.base.array import array_stats
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spatialvote.analysis.figures import style
from spatialvote.analysis.figures.panels import lay_panels
from spatialvote.data.errors import DataError, Problem, name_some

PANEL_HEIGHT = 0.9
ZOOM = 12  # prior sd over posterior sd from which the axis shows the posterior's surroundings only


@style.styled
def plot_prior_posterior(
    prior: Mapping[str, np.ndarray],
    posterior: Mapping[str, np.ndarray],
    *,
    truth: Mapping[str, float] | None = None,
    prior_sd: Mapping[str, float] | None = None,
    title: str = "",
    simulated: bool = False,
) -> Figure:
    """Plot the density of each parameter before and after the data, one panel each.

    Parameters
    ----------
    prior, posterior
        Parameter name to draws, of any shape; a panel for each name of `posterior` that `prior` has.
    truth
        Parameter name to its true value, where known.
    prior_sd
        Parameter name to the standard deviation of its prior where it is known exactly; that of the draws
        elsewhere.
    title
        Title of the figure.
    simulated
        Say at its foot that the data are simulated.

    Raises
    ------
    DataError
        If a parameter of the posterior has no prior draws, or there is none.
    """
    without = [name for name in posterior if name not in prior]
    if without or not posterior:
        raise DataError(
            Problem(
                f"a parameter needs prior and posterior draws (no prior draws: {name_some(without)})",
                "sample the prior with the same model",
            )
        )
    truth = truth or {}
    before = {name: _finite(prior[name]) for name in posterior}
    after = {name: _finite(posterior[name]) for name in posterior}
    sd = {name: one.std() for name, one in before.items()} | dict(prior_sd or {})
    zoomed = {name: bool(sd[name] > ZOOM * after[name].std() > 0) for name in posterior}
    notes = ["Filled: posterior. Thin line: prior. Each is scaled to the same height."]
    if any(zoomed.values()):
        notes.append(
            f"… the prior extends beyond the axis (its sd is more than {ZOOM} times the posterior's)."
        )
    if truth:
        notes.append("Upright line (orange): true value.")
    panels = lay_panels(
        len(after),
        2,
        panel_height=PANEL_HEIGHT,
        title=title,
        notes=notes,
        names=list(after),
        simulated=simulated,
    )
    for panel, name in enumerate(after):
        one, two = before[name], after[name]
        axes = panels.axes[panel]
        low, high = _window(one, two, zoomed[name], truth.get(name))
        _draw_density(axes, one, color=style.SOFT_INK, linewidth=1.1)
        _draw_density(axes, two, color=style.SERIES[0], linewidth=1.3, fill=style.SERIES[2])
        if name in truth:
            axes.axvline(truth[name], color=style.VOTE, linewidth=1.6, gid="truth")
        axes.set(xlim=(low, high), ylim=(0, 1.08), yticks=[])
        axes.spines["left"].set_visible(False)
        axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
        dots = "… " if zoomed[name] else ""
        note = f"sd: prior {sd[name]:.2g}{dots and ' …'}, posterior {two.std():.2g}"
        panels.head(panel, name, note)
    return panels.figure


def _finite(draws: np.ndarray) -> np.ndarray:
    flat = np.asarray(draws, dtype=np.float64).ravel()
    return flat[np.isfinite(flat)]


def _window(
    prior: np.ndarray, posterior: np.ndarray, zoomed: bool, truth: float | None
) -> tuple[float, float]:
    """Range of the axis: both densities, or the posterior's surroundings where the prior is far wider."""
    if zoomed:
        low, high = posterior.mean() + np.array([-6, 6]) * posterior.std()
        low, high = max(low, prior.min()), min(high, prior.max())
    else:
        ends = np.concatenate([np.percentile(prior, [1, 99]), [posterior.min(), posterior.max()]])
        low, high = ends.min(), ends.max()
    if truth is not None:
        low, high = min(low, truth), max(high, truth)
    pad = 0.03 * (high - low) or 0.5
    return low - pad, high + pad


def _draw_density(axes: Axes, draws: np.ndarray, *, color: str, linewidth: float, fill: str = "") -> None:
    """Draw a density scaled to height one; a parameter that does not vary is a line."""
    if np.ptp(draws) == 0:
        axes.axvline(draws[0], ymax=0.92, color=color, linewidth=linewidth)
        return
    grid, density, _ = array_stats.kde(draws)
    density = density / density.max()
    if fill:
        axes.fill_between(grid, density, color=fill, alpha=0.55, linewidth=0)
    axes.plot(grid, density, color=color, linewidth=linewidth)
