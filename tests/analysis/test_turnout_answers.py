import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from spatialvote.analysis.figures.turnout import plot_turnout_by_age, plot_turnout_panels
from spatialvote.analysis.turnout_gaps import group_gap
from spatialvote.analysis.turnout_rates import cell_estimates, rates
from spatialvote.analysis.turnout_review import turnout_review
from spatialvote.analysis.turnout_votes import extra_votes, result_change, tipping_division
from spatialvote.data.errors import DataError
from spatialvote.data.turnout_simulate import simulate_register
from spatialvote.models.turnout.model import TurnoutModel

NEW, OLD = "EU accession from 2004", "nationals"


@pytest.fixture(scope="module")
def fit():
    cells = simulate_register(1, electorate=20_000, areas=9).cells
    return TurnoutModel().fit(cells, seed=1, draws=600)


def test_cells_stand_beside_their_raw_rates(fit):
    table = cell_estimates(fit)
    cells = fit.cells
    assert len(table) == len(cells.table)
    some = cells.entitled > 0
    np.testing.assert_allclose(table["raw"][some], (cells.voted / np.maximum(cells.entitled, 1))[some])
    assert table.loc[~some, "raw"].isna().all()
    assert (table["low"] < table["mean"]).all()


def test_poststratified_rates_are_weighted_means_of_cells(fit):
    whole = rates(fit, ()).draws[:, 0]
    np.testing.assert_allclose(whole, np.average(fit.probability, axis=1, weights=fit.cells.entitled))
    by_group = rates(fit, ("group",))
    persons = by_group.table["entitled"].to_numpy()
    np.testing.assert_allclose(by_group.draws @ persons / persons.sum(), whole)
    assert by_group.row(group=NEW)["entitled"] == persons[2]


def test_raw_standardised_gap_by_hand(fit):
    gap = group_gap(fit, NEW, OLD)
    cells = fit.cells
    group, age = cells.index("group"), cells.index("age")
    n, y = np.zeros((4, 15)), np.zeros((4, 15))
    np.add.at(n, (group, age), cells.entitled)
    np.add.at(y, (group, age), cells.voted)
    weight = n.sum(axis=0) / n.sum()
    by_hand = 100 * ((y[2] / n[2] - y[0] / n[0]) @ weight)
    assert gap.raw_standardised == pytest.approx(by_hand)
    table = gap.table()
    # The group is younger than the electorate, so that part of its gap is youth.
    assert table.loc["part of structure", "high"] < 0
    np.testing.assert_allclose(
        table.loc["gap", "mean"] - table.loc["standardised gap", "mean"],
        table.loc["part of structure", "mean"],
    )


def test_standard_population_of_the_group_itself_leaves_its_own_turnout(fit):
    gap = group_gap(fit, NEW, OLD, standard=NEW)
    own = rates(fit).draws[:, 2]
    extra = extra_votes(fit, NEW, OLD).draws
    # The mean gap at the group's own ages, times its entitled, is what "age for age" adds.
    np.testing.assert_allclose(
        -gap.standardised / 100 * fit.cells.entitled[fit.cells.index("group") == 2].sum(), extra
    )
    assert own.std() > 0


def test_computation_over_whole_persons_names_what_is_the_models_alone(fit):
    gap = group_gap(fit, NEW, OLD, equal=("age", "area"))
    assert np.isfinite(gap.standardised).all()
    assert len(gap.empty) > 0
    assert np.isnan(gap.raw_standardised)


def test_given_shares_are_a_standard_population(fit):
    labels = fit.cells.levels["age"]
    young = {label: float(k == 0) for k, label in enumerate(labels)}
    gap = group_gap(fit, NEW, OLD, standard=young)
    by_age = rates(fit, ("group", "age"))
    first = by_age.draws[:, 30] - by_age.draws[:, 0]
    np.testing.assert_allclose(gap.standardised, 100 * first)


def test_shares_and_tipping_division_by_hand(fit):
    extra = extra_votes(fit, NEW, OLD, same_age=False)
    e = extra.draws
    votes = {"A": 5000, "B": 5100, "C": 3000}
    change = result_change(extra, votes, {"A": 1.0}).shares
    assert change.loc["A", "mean"] == pytest.approx(((5000 + e) / (13100 + e)).mean())
    tipping = tipping_division(extra, votes, "A", rival="B")
    s = tipping.draws
    possible = s <= 1
    assert possible.any()
    at_tie = 5000 + s * e
    np.testing.assert_allclose(at_tie, 5100 + (1 - s) * e * 5100 / 8100)
    threshold = tipping_division(extra, votes, "C", threshold=0.23)
    np.testing.assert_allclose((3000 + threshold.draws * e) / (13100 + e), 0.23)


def test_mistakes(fit):
    extra = extra_votes(fit, NEW, OLD)
    cases = {
        "'X' and 'nationals' are not two groups": lambda: group_gap(fit, "X", OLD),
        "no standard population 'Europe'": lambda: group_gap(fit, NEW, OLD, standard="Europe"),
        "do not fit age": lambda: group_gap(fit, NEW, OLD, standard={"18–21": 1.0}),
        "cannot be made equal in 'group'": lambda: group_gap(fit, NEW, OLD, equal=("group",)),
        "not divided by 'sex'": lambda: rates(fit, ("sex",)),
        "'X' is no group": lambda: extra_votes(fit, "X", OLD),
        "sum to 0.5": lambda: result_change(extra, {"A": 1}, {"A": 0.5}),
        "parties without votes": lambda: result_change(extra, {"A": 1}, {"B": 1}),
        "A is ahead of B already": lambda: tipping_division(extra, {"A": 9, "B": 1}, "A", rival="B"),
        "a rival or a threshold": lambda: tipping_division(extra, {"A": 9, "B": 1}, "A"),
        "votes are no counts": lambda: result_change(extra, {"A": -1}, {"A": 1}),
    }
    for message, call in cases.items():
        with pytest.raises(DataError, match=message):
            call()


def test_a_sound_fit_passes_its_review(fit):
    checks = turnout_review(fit)
    assert {one.verdict for one in checks} <= {"pass", "info", "warn"}
    assert {one.name for one in checks} >= {"turnout_k_hat", "turnout_spread", "turnout_margins"}


@pytest.mark.parametrize("plot", [plot_turnout_by_age, plot_turnout_panels])
def test_figures_print_definitions_and_no_text_overlaps(fit, plot):
    figure = plot(fit)
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.canvas.draw()
    texts = [one for one in figure.findobj(Text) if one.get_text().strip() and one.get_visible()]
    told = " ".join(" ".join(one.get_text().split()) for one in texts)
    for group in fit.cells.groups:
        assert group.definition.partition(";")[0] in told
    boxes = [(one.get_text(), one.get_window_extent(renderer).shrunk(0.96, 0.85)) for one in texts]
    width, _ = figure.canvas.get_width_height()
    for i, (text, box) in enumerate(boxes):
        assert box.x0 > 0, text
        assert box.x1 < width, text
        assert [other for other, beside in boxes[i + 1 :] if box.overlaps(beside)] == [], text
