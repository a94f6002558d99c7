"""Statistical figures draw the numbers they are given, and say how many they leave out."""

import numpy as np
import pytest
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.lines import Line2D
from matplotlib.text import Text

from spatialvote.analysis.figures import style
from spatialvote.analysis.figures.by_district import plot_by_district
from spatialvote.analysis.figures.chains import plot_rank
from spatialvote.analysis.figures.densities import plot_prior_posterior
from spatialvote.analysis.figures.intervals import plot_intervals
from spatialvote.analysis.figures.reference import plot_ppc, plot_reference
from spatialvote.analysis.figures.shares import plot_scatter_share
from spatialvote.data.errors import DataError


def words(figure) -> list[str]:
    return [one.get_text().replace("\n", " ") for one in figure.findobj(Text) if one.get_text()]


def marked(figure, gid: str) -> list[Line2D]:
    return [one for one in figure.findobj(Line2D) if one.get_gid() == gid]


def undrawn_labels(figure) -> set[Text]:
    """Labels of ticks outside the limits, which exist but are not drawn."""
    undrawn = set()
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        low, high = sorted(axis.get_view_interval())
        for tick in axis.get_major_ticks():
            if not low <= tick.get_loc() <= high:
                undrawn |= {tick.label1, tick.label2}
    return undrawn


@style.styled
def assert_texts_apart(figure) -> None:
    """No text on another, none outside the figure."""
    style.to_png(figure, dpi=72)
    renderer = figure.canvas.get_renderer()
    undrawn = undrawn_labels(figure)
    boxes = []
    for text in figure.findobj(Text):
        if not text.get_text().strip() or not text.get_visible() or text in undrawn:
            continue
        box = text.get_window_extent(renderer)
        assert figure.bbox.padded(1).containsx(box.x0), text
        assert figure.bbox.padded(1).containsx(box.x1), text
        assert figure.bbox.padded(1).containsy(box.y0), text
        assert figure.bbox.padded(1).containsy(box.y1), text
        boxes.append((box.padded(-1), text))
    assert len(boxes) > 3
    for at, (box, text) in enumerate(boxes):
        for other, text2 in boxes[at + 1 :]:
            assert not box.overlaps(other), (text, text2)


def interval_figure(**options):
    mean = np.array([-2.0, 0.5, np.nan])
    return plot_intervals(
        ["pct_migration_background_2021", "education", "income"],
        mean,
        mean - 1,
        mean + 1,
        xlabel="change, percentage points",
        **options,
    )


def test_intervals_are_drawn_and_written():
    figure = interval_figure()
    (bars,) = figure.findobj(LineCollection)
    np.testing.assert_allclose([one[:, 0] for one in bars.get_segments()], [[-3, -1], [-0.5, 1.5]])
    found = words(figure)
    assert "−2.00 [−3.00, −1.00]" in found
    assert "no value" in found
    assert "change, percentage points" in found


def test_intervals_mark_the_truth_only_where_given():
    assert not marked(interval_figure(), "truth")
    (truth,) = marked(interval_figure(truth=np.array([-1.8, np.nan, np.nan])), "truth")
    assert np.isfinite(truth.get_xdata()).sum() == 1
    assert "true value" in words(interval_figure(truth=np.array([-1.8, np.nan, np.nan])))


def test_the_axis_of_intervals_includes_zero_unless_told_otherwise():
    far = np.array([10.0])
    with_zero = plot_intervals(["a"], far, far - 1, far + 1, xlabel="x")
    without = plot_intervals(["a"], far, far - 1, far + 1, xlabel="x", zero_line=False)
    assert with_zero.axes[0].get_xlim()[0] <= 0
    assert without.axes[0].get_xlim()[0] > 8


def test_the_zero_line_stands_out_from_the_grid():
    figure = interval_figure()
    (zero,) = marked(figure, "zero")
    grid = figure.axes[0].get_xgridlines()[0]
    assert zero.get_color() == style.INK
    assert zero.get_linewidth() > grid.get_linewidth()
    assert zero.get_zorder() > figure.axes[0].xaxis.get_zorder(), "drawn over the grid"


def test_the_label_of_a_histogram_stands_below_its_axis():
    figure = plot_by_district(
        np.linspace(-4, -1, 50), -2.5, xlabel="change, percentage points", title="By district"
    )
    (label,) = [one for one in figure.findobj(Text) if one.get_text() == "change, percentage points"]
    assert label.get_position()[1] < figure.axes[0].get_position().y0
    assert_texts_apart(figure)


def simulated_figures(simulated: bool) -> list:
    rng = np.random.default_rng(5)
    draws = rng.normal(size=(4, 100))
    one = np.array([1.0])
    return [
        plot_intervals(["a"], one, one - 1, one + 1, truth=one, xlabel="x", title="t", simulated=simulated),
        plot_by_district(draws.ravel(), 0.0, xlabel="x", title="t", simulated=simulated),
        plot_prior_posterior({"a": draws}, {"a": draws / 20}, title="t", simulated=simulated),
        plot_rank({"a": draws, "b": draws}, title="t", simulated=simulated),
        plot_reference(draws, draws, xlabel="x", title="t", simulated=simulated),
        plot_ppc({"a": 0.0, "b": 0.0}, {"a": draws, "b": draws}, title="t", simulated=simulated),
        plot_scatter_share(draws[0], draws[1], xlabel="x", ylabel="y", title="t", simulated=simulated),
    ]


def test_figures_of_simulated_data_say_so_at_their_foot():
    for figure in simulated_figures(True):
        (mark,) = [one for one in figure.findobj(Text) if one.get_text() == style.SIMULATED]
        heights = [one.get_position()[1] for one in figure.texts]
        assert mark.get_position()[1] == min(heights)
        assert_texts_apart(figure)
    assert not any(style.SIMULATED in words(figure) for figure in simulated_figures(False))


def test_many_long_rows_do_not_overlap():
    names = [f"a covariate whose name is long, number {at}" for at in range(30)]
    mean = np.linspace(-1e3, 1e3, 30)
    spread = np.full(30, 100.0)
    inner = (mean - spread / 3, mean + spread / 3)
    figure = plot_intervals(
        names, mean, mean - spread, mean + spread, inner=inner, truth=mean, xlabel="x" * 90
    )
    assert_texts_apart(figure)


def test_intervals_of_different_lengths_are_an_error():
    with pytest.raises(
        DataError, match=r"2 names need as many estimates, and shapes \{'high': \(3,\)\} came"
    ):
        plot_intervals(["a", "b"], np.zeros(2), np.zeros(2), np.zeros(3), xlabel="x")


def test_scatter_draws_area_by_valid_votes_and_counts_what_is_left_out():
    x = np.array([1.0, 2, 3, np.nan])
    figure = plot_scatter_share(
        x, np.array([10.0, 20, 30, 40]), np.array([100, 200, 400, 50]), xlabel="migrants, %", ylabel="PVV, %"
    )
    (points,) = [one for one in figure.findobj(PathCollection) if one.get_gid() == "districts"]
    area = dict(zip(points.get_offsets()[:, 0], points.get_sizes(), strict=True))
    assert area[3.0] / area[1.0] == pytest.approx(4)
    assert any("1 districts without a value are left out" in text for text in words(figure))
    assert "migrants, % →" in words(figure)


def test_names_of_districts_do_not_overlap():
    rng = np.random.default_rng(2)
    x, y = rng.gamma(2, 1, 400), rng.normal(20, 2, 400)
    names = [f"Municipality {at}" for at in range(400)]
    figure = plot_scatter_share(
        x, y, rng.integers(100, 9999, 400), names=names, xlabel="x", ylabel="y", title="t"
    )
    assert sum(text.startswith("Munic") for text in words(figure)) >= 3
    assert_texts_apart(figure)


def test_scatter_without_any_value_is_an_error():
    with pytest.raises(DataError, match="needs districts with both values"):
        plot_scatter_share(np.full(3, np.nan), np.ones(3), xlabel="x", ylabel="y")


def prior_and_posterior():
    rng = np.random.default_rng(4)
    prior = {"rho": rng.uniform(size=1000), "beta": rng.normal(size=1000), "fixed": np.ones(10)}
    posterior = {
        "rho": rng.beta(20, 3, (2, 500)),
        "beta": rng.normal(-0.2, 0.01, (2, 500)),
        "fixed": np.ones((2, 5)),
    }
    return prior, posterior


def test_prior_and_posterior_have_a_panel_each_and_the_truth():
    prior, posterior = prior_and_posterior()
    figure = plot_prior_posterior(prior, posterior, truth={"rho": 0.8}, title="Priors")
    assert len(figure.axes) == 3
    (truth,) = marked(figure, "truth")
    assert truth.get_xdata()[0] == 0.8
    assert truth.axes is figure.axes[0]
    assert_texts_apart(figure)


def test_a_wide_prior_does_not_hide_a_narrow_posterior():
    prior, posterior = prior_and_posterior()
    figure = plot_prior_posterior(prior, posterior)
    low, high = figure.axes[1].get_xlim()
    assert high - low < 20 * posterior["beta"].std()
    assert any("the prior extends beyond the axis" in text for text in words(figure))
    # The prior of rho is not that much wider: its whole range stays.
    assert figure.axes[0].get_xlim()[0] < 0.05


def test_a_density_stays_inside_the_bounds_of_a_uniform_prior():
    prior, posterior = prior_and_posterior()
    axes = plot_prior_posterior(prior, posterior).axes[0]
    grid = axes.lines[0].get_xdata()
    assert grid.min() >= 0
    assert grid.max() <= 1
    assert axes.lines[0].get_ydata().min() > 0.7  # flat up to its ends, but for Monte Carlo error


def test_a_prior_sd_that_is_known_is_written_as_it_is():
    prior, posterior = prior_and_posterior()
    found = words(plot_prior_posterior(prior, posterior, prior_sd={"beta": 1.5}))
    assert any(text.startswith("sd: prior 1.5 …, posterior") for text in found)
    assert any(text.startswith(f"sd: prior {prior['rho'].std():.2g}, posterior") for text in found)


def test_a_parameter_without_prior_draws_is_an_error():
    with pytest.raises(DataError, match=r"no prior draws: 'sigma'"):
        plot_prior_posterior({}, {"sigma": np.ones(3)})


def test_reference_counts_the_draws_above():
    observed, reference = np.array([1.0, 2, 3, 4]), np.array([0.0, 3, 2, 3])
    figure = plot_reference(observed, reference, xlabel="Moran's I", title="Space")
    assert "data above the model's reference in 75 % of the draws" in words(figure)
    assert "Moran's I" in words(figure)
    assert_texts_apart(figure)


def test_both_histograms_hold_every_draw():
    rng = np.random.default_rng(0)
    figure = plot_reference(rng.normal(3, 1, 500), rng.normal(0, 1, 500), xlabel="x")
    heights = {one.get_gid(): one for one in figure.findobj() if one.get_gid() in ("reference", "observed")}
    assert set(heights) == {"reference", "observed"}
    bars = [one.get_height() for one in figure.findobj() if one.get_gid() == "reference"]
    assert sum(bars) == 500


def test_a_reference_of_another_length_is_an_error():
    with pytest.raises(DataError, match=r"a finite value a draw \(3, 4 came\)"):
        plot_reference(np.zeros(3), np.zeros(4), xlabel="x")


@pytest.mark.parametrize(
    ("value", "text"),
    [(5.0, "50 %"), (-1.0, "0 %"), (11.0, "100 %"), (0.5, "9 %"), (10.0, "95 %")],
)
def test_ppc_tells_how_many_replications_lie_below(value, text):
    """Replications 0 to 10; one that equals the data counts half: 5.5 of 11, 0, 11, 1, 10.5 of 11."""
    figure = plot_ppc({"zeros": value}, {"zeros": np.arange(11.0)})
    assert f"data {value:.3g}; {text} lie below it" in words(figure)
    (line,) = marked(figure, "data")
    assert line.get_xdata()[0] == value


def test_rare_is_not_called_never():
    replicated = np.append(np.zeros(999), 5.0)
    figure = plot_ppc({"s": 1.0}, {"s": replicated})
    assert any("over 99 %" in text for text in words(figure))


def test_ppc_panels_do_not_overlap():
    rng = np.random.default_rng(1)
    names = [f"statistic with a long name, number {at} (points)" for at in range(5)]
    figure = plot_ppc(
        dict.fromkeys(names, 1e4), {name: rng.normal(1e4, 10, 300) for name in names}, title="t"
    )
    assert_texts_apart(figure)


def test_a_long_name_is_wrapped_and_not_cut():
    name = "standard deviation of the districts' shares"
    figure = plot_ppc({"share": 0.0, name: 0.0}, {"share": np.arange(9.0), name: np.arange(9.0)}, title="t")
    assert name in words(figure)
    assert not any("…" in text for text in words(figure))
    assert_texts_apart(figure)


def test_ppc_of_different_statistics_is_an_error():
    with pytest.raises(DataError, match=r"wrong: \['mean', 'sd'\]"):
        plot_ppc({"mean": 1.0}, {"sd": np.ones(3)})


def test_ranks_of_each_chain_add_up_and_stuck_chains_show():
    rng = np.random.default_rng(3)
    good = rng.normal(size=(4, 400))
    stuck = good + np.array([[0.0], [0], [0], [9]])
    figure = plot_rank({"good": good, "stuck": stuck}, notes={"stuck": "R-hat 3.1"}, title="Chains")
    assert len(figure.axes) == 4
    heights = [[patch.get_data().values for patch in axes.patches] for axes in figure.axes[1::2]]
    assert all(one.sum() == 400 for panel in heights for one in panel)
    # The chain that is nine away holds all of the highest quarter of ranks and no other.
    assert heights[1][3][:15].sum() == 0
    assert heights[0][3][:15].sum() == pytest.approx(300, abs=45)  # five binomial standard deviations
    assert "R-hat 3.1" in words(figure)
    assert_texts_apart(figure)


def test_values_beside_a_trace_stay_clear_of_the_ranks():
    rng = np.random.default_rng(3)
    scales = {"sigma": (0.3, 0.01), "large": (12_000, 300), "small": (0, 1e-5)}
    figure = plot_rank({name: at + by * rng.normal(size=(4, 100)) for name, (at, by) in scales.items()})
    assert_texts_apart(figure)
    renderer = figure.canvas.get_renderer()
    for trace, rank in zip(figure.axes[::2], figure.axes[1::2], strict=True):
        labels = [one for one in trace.get_yticklabels() if one.get_text()]
        assert len(labels) >= 2
        left_of_ranks = rank.get_window_extent(renderer).x0
        assert all(one.get_window_extent(renderer).x1 < left_of_ranks for one in labels)


def test_draws_without_chains_are_an_error():
    with pytest.raises(DataError, match=r"shape \(chain, draw\), and \{'sigma': \(10,\)\} came"):
        plot_rank({"sigma": np.zeros(10)})
