"""Other neighbours in a report: would another graph find what the fit's own does not see?"""

from spatialvote.analysis.checks import space_graphs
from spatialvote.analysis.figures.against import Row, plot_against
from spatialvote.analysis.report.numbers import fixed
from spatialvote.analysis.report.parts import Part, picture, table
from spatialvote.analysis.review import Review
from spatialvote.data.districts import Districts
from spatialvote.models.fit import Fit


def graphs_part(fit: Fit, review: Review, districts: Districts) -> Part | None:
    """Moran's I of raw shares and residuals on each graph; None where no check was made."""
    check = next((one for one in review.checks if one.name == "moran_graphs"), None)
    if check is None:
        return None
    graphs = check.details["graphs"]
    rows = [
        Row(
            one["key"] if one["key"] != "own" else "the fit's own",
            tuple(one["noise"]),
            value=one["raw"],
            interval=(one["interval"][0], one["mean"], one["interval"][1]),
        )
        for one in graphs
    ]
    lacking = check.details.get("without_shape", 0)
    beside = f" The {fixed(lacking)} districts without a shape have no links there." if lacking else ""
    figure = plot_against(
        {"Moran's I": rows},
        title="Other neighbours",
        value_label="raw shares",
        interval_label="residuals of this model: 95 % of the draws, and their mean",
        chance_label="95 % of white noise on that graph",
        simulated=districts.about.simulated,
    )
    return Part(
        "other-neighbours",
        space_graphs.QUESTION,
        pictures=(
            picture(
                figure,
                f"Moran's I of raw shares and of residuals in rows, one for each of {len(graphs)} graphs, "
                "against an interval of white noise.",
                "Moran's I of the raw shares (rings) and of the same residuals of this model (lines), seen "
                "through different graphs. In a good fit the lines lie on the grey bars in every row; a "
                "line to the right of its bar means neighbours of that kind that are still alike. The "
                f"graph of the fit is in the first row.{beside} {check.advice}",
            ),
        ),
        tables=(
            table(
                "Moran's I under other neighbours: p of raw shares by shuffling; p of residuals against "
                "white noise, mean over draws",
                [
                    ("neighbours", "long"),
                    ("links", "number"),
                    ("in common with the fit's", "number"),
                    ("districts without any", "number"),
                    ("raw shares", "number"),
                    ("p", "number"),
                    ("residuals", "number"),
                    ("p of residuals", "number"),
                ],
                [
                    (
                        one["words"],
                        fixed(one["links"]),
                        fixed(one["in_common"]),
                        fixed(one["alone"]),
                        "–" if one["raw"] is None else fixed(one["raw"], 3),
                        "–" if one["raw_p"] is None else fixed(one["raw_p"], 3),
                        fixed(one["mean"], 3),
                        fixed(one["p"], 3),
                    )
                    for one in graphs
                ],
            ),
        ),
        checks=("moran_graphs",),
    )
