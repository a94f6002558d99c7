import io

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from PIL import Image

from spatialvote.analysis.figures.policy import plot_policy_profile
from spatialvote.analysis.figures.style import to_png
from spatialvote.analysis.policy import policy_profile, profile_words, rank_words
from spatialvote.data.errors import DataError
from spatialvote.data.policy import PolicyScores
from spatialvote.data.policy_areas import AREAS, EU27
from spatialvote.data.policy_simulate import simulate_policy


def scores_of(values, year=2019):
    """Scores that are the same in every area; `values` by country, 30 elsewhere."""
    rows = [(c, year, a, float(values.get(c, 30))) for c in EU27 for a in AREAS]
    return PolicyScores(pd.DataFrame(rows, columns=["country", "year", "area", "score"]))


def test_gap_rank_and_ties_by_hand():
    scores = scores_of({"SWE": 60, "FIN": 50, "DNK": 50})
    row = policy_profile(scores, "Denmark").table.loc["health"]
    mean = (24 * 30 + 60 + 50 + 50) / 27
    assert row["gap"] == pytest.approx(50 - mean)
    assert rank_words(row) == "2–3"
    assert row["ranked"] == 27
    assert (row["minimum"], row["median"], row["maximum"]) == (30, 30, 60)
    assert row["highest"] == "SWE"


def test_who_looks_good_because_others_are_low_is_said():
    profile = policy_profile(scores_of({"MLT": 39}), "MLT")
    assert set(profile.table["drive"]) == {"others are low"}
    assert any("only because the others are low" in word for word in profile_words(profile))
    high = {code: 90 for code in EU27} | {"MLT": 70}
    assert set(policy_profile(scores_of(high), "MLT").table["drive"]) == {"others are high"}


def test_change_of_the_gap_has_two_sides():
    before, now = scores_of({}, 2014), scores_of({"DNK": 57}, 2019)
    both = PolicyScores(pd.concat([before.table, now.table]))
    row = policy_profile(both, "DNK", earlier=2014).table.iloc[0]
    assert (row["change"], row["mean_change"], row["gap_change"]) == pytest.approx((27, 1, 26))


def test_rows_are_ordered_by_gap_and_split_by_sign():
    profile = policy_profile(simulate_policy(3), "DNK", earlier=2014)
    assert profile.table["gap"].is_monotonic_decreasing
    assert set(profile.above) | set(profile.below) <= set(AREAS)
    assert np.isfinite(profile.overall["score"])


def test_mistakes():
    scores = simulate_policy(3)
    with pytest.raises(DataError, match="earlier edition is 2019"):
        policy_profile(scores, "DNK", 2014, earlier=2019)
    with pytest.raises(DataError, match="no scores of 2015"):
        policy_profile(scores, "DNK", 2015)
    with pytest.raises(DataError, match="no scores of 'Norway'"):
        policy_profile(scores, "Norway")


@pytest.mark.parametrize("country", ["DNK", "MLT", "SWE"])
def test_no_text_of_the_figure_overlaps_another(country):
    figure = plot_policy_profile(policy_profile(simulate_policy(2026), country, earlier=2014))
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.canvas.draw()
    texts = [one for one in figure.findobj(Text) if one.get_text().strip() and one.get_visible()]
    boxes = [(one.get_text(), one.get_window_extent(renderer).shrunk(0.98, 0.9)) for one in texts]
    width, height = figure.canvas.get_width_height()
    for i, (text, box) in enumerate(boxes):
        assert box.x0 > 0, text
        assert box.x1 < width, text
        assert box.y0 > 0, text
        assert box.y1 < height, text
        clashes = [other for other, beside in boxes[i + 1 :] if box.overlaps(beside)]
        assert not clashes, (text, clashes)


def test_above_and_below_differ_without_colour():
    """Filled and open dots differ in grey: one is dark in its middle, the other white."""
    figure = plot_policy_profile(policy_profile(simulate_policy(2026), "SWE"))
    dots = next(one for one in figure.axes[0].collections if one.get_gid() == "country")
    luminance = dots.get_facecolors()[:, :3] @ [0.2126, 0.7152, 0.0722]
    assert luminance.max() - luminance.min() > 0.5
    assert Image.open(io.BytesIO(to_png(figure))).width == 1080
