"""The specification curve: every specification is there once, sorted, in its colour, few or many."""

import numpy as np
import pytest
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_hex

from spatialvote.analysis.figures.multiverse import ABOVE, BELOW, MANY, OPEN, Curve, plot_curve
from spatialvote.analysis.figures.style import to_png
from spatialvote.data.errors import DataError


def curve(n, main=0):
    rng = np.random.default_rng(n)
    mean, half = rng.normal(0.3, 0.6, n), rng.uniform(0.2, 0.8, n)
    first = np.arange(n) % 2 == 0
    return Curve(
        mean,
        mean - half,
        mean + half,
        np.arange(n) % 5 != 0,
        {"Structure": {"bym2": first, "iid": ~first}, "Priors": {"any": np.ones(n, bool)}},
        main,
    )


def axes_of(figure):
    return {one.get_gid(): one for one in figure.axes}


def test_bars_are_sorted_and_coloured_by_their_interval():
    shown = curve(30)
    axes = axes_of(plot_curve(shown, ylabel="effect"))["curve"]
    (bars,) = [one for one in axes.collections if isinstance(one, LineCollection)]
    order = np.argsort(shown.mean)
    ends = np.array([segment[:, 1] for segment in bars.get_segments()])
    assert ends == pytest.approx(np.stack([shown.low, shown.high], axis=1)[order])
    colours = [to_hex(one) for one in bars.get_colors()]
    expected = np.where(shown.low > 0, ABOVE, np.where(shown.high < 0, BELOW, OPEN))[order]
    assert colours == list(expected)


def test_those_that_cannot_be_relied_on_are_hollow():
    shown = curve(30)
    axes = axes_of(plot_curve(shown, ylabel="effect"))["curve"]
    filled, hollow = [one for one in axes.collections if isinstance(one, PathCollection)]
    assert (len(filled.get_offsets()), len(hollow.get_offsets())) == (24, 6)
    assert {to_hex(one) for one in hollow.get_facecolors()} == {"#ffffff"}


def test_every_choice_has_a_dot_for_each_of_its_specifications():
    shown = curve(30)
    axes = axes_of(plot_curve(shown, ylabel="effect"))["choices"]
    dots = [one for one in axes.collections if isinstance(one, PathCollection)]
    assert [len(one.get_offsets()) for one in dots] == [15, 15, 30]
    order = np.argsort(shown.mean)
    assert list(dots[0].get_offsets()[:, 0]) == list(np.flatnonzero(order % 2 == 0))


def test_many_are_a_band_and_a_line():
    shown = curve(MANY + 180)
    axes = axes_of(plot_curve(shown, ylabel="effect"))["curve"]
    (line,) = [one for one in axes.lines if one.get_gid() == "means"]
    assert line.get_ydata() == pytest.approx(np.sort(shown.mean))
    # Each specification is one step of the band, in one colour.
    steps = sum(len(path.vertices) for one in axes.collections for path in one.get_paths())
    assert steps >= 4 * len(shown.mean)


def test_the_main_specification_is_marked_where_it_stands():
    shown = curve(12, main=7)
    figure = plot_curve(shown, ylabel="effect", title="A title", simulated=True)
    axes = axes_of(figure)["curve"]
    (mark,) = [one for one in axes.texts if one.get_text() == "main"]
    assert mark.xy[0] == int((shown.mean < shown.mean[7]).sum())
    assert any("Simulated data" in one.get_text() for one in figure.texts)
    without = plot_curve(Curve(shown.mean, shown.low, shown.high, shown.reliable, shown.choices), ylabel="e")
    assert len(axes_of(without)["curve"].texts) == 0


@pytest.mark.parametrize("n", [1, 48, 300])
def test_any_number_is_drawn_with_all_text_inside(n):
    figure = plot_curve(curve(n), ylabel="Difference in the vote share of a party (percentage points) " * 2)
    to_png(figure, 60)
    renderer = figure.canvas.get_renderer()
    width, height = figure.bbox.width, figure.bbox.height
    for text in figure.texts:
        box = text.get_window_extent(renderer)
        assert box.x0 >= -1
        assert box.x1 <= width + 1
        assert box.y0 >= -1
        assert box.y1 <= height + 1


def test_arrays_of_other_lengths_are_refused():
    shown = curve(4)
    with pytest.raises(DataError, match="needs arrays of one length"):
        Curve(shown.mean, shown.low[:3], shown.high, shown.reliable, shown.choices)
