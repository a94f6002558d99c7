r"""Would another notion of a neighbour find clustering that the fit's own graph does not see?

The residuals of `spatialvote.analysis.checks.space_after` are iid N(0, 1) under a true model, whatever graph
they are looked at through; so Moran's I is a valid test on any graph, and p-values are judged alike:

    p = P(I(w) >= I(r)) on that graph, averaged over the draws.

With five other graphs, one of them has p < 0.005 under at most 5 % of true models (Bonferroni, and twice the
mean p-value is valid: 5 x 2 x 0.005). That is warned of where the own graph has not been warned of already.
"""

import numpy as np

from spatialvote.analysis.checks.case import Case
from spatialvote.analysis.checks.check import Check
from spatialvote.analysis.checks.space_after import LEVEL
from spatialvote.analysis.moran import Moran
from spatialvote.analysis.other_graphs import OtherGraph, other_graphs
from spatialvote.analysis.residuals import pivotal_residuals, thin

QUESTION = "Is space accounted for under other neighbours too?"
CLEAR = 0.005
MOST_DRAWS = 500
PERMUTATIONS = 499
_BLOCK = 50


def run(case: Case) -> tuple[Check, ...]:
    """Moran's I of raw shares and residuals on every graph that the shapes allow."""
    if case.moran.n_linked == 0:
        return ()
    own = OtherGraph("own", f"the fit's own: {case.districts.graph_report.method}", case.districts.edges[:2])
    others = other_graphs(case.districts)
    graphs = [own, *others]
    rows = _rows(case, graphs)
    if not others:
        return (
            Check(
                "moran_graphs",
                QUESTION,
                "graphs other than the fit's own",
                0,
                f"at least {CLEAR}",
                "info",
                "Districts without shapes have no neighbours but those given, so only the fit's own graph is "
                "shown: give geometry to look at residuals through other graphs.",
                {"graphs": rows},
            ),
        )
    least = min(rows[1:], key=lambda row: row["p"])
    p = least["p"]
    if p >= CLEAR:
        verdict = "pass"
        advice = f"Not one of {len(others)} other graphs shows clustered residuals."
    elif rows[0]["p"] < LEVEL:
        verdict = "info"
        advice = "Residuals are alike under the fit's own graph already; mend that first."
    else:
        verdict = "warn"
        advice = (
            f"Residuals are still alike among other neighbours ({least['words']}), which the fit's own graph "
            "does not see: fit with that graph and compare."
        )
    return (
        Check(
            "moran_graphs",
            QUESTION,
            "smallest p of Moran's I of the residuals on another graph",
            p,
            f"at least {CLEAR}",
            verdict,
            advice,
            {"graphs": rows, "without_shape": int((~case.districts.drawable).sum())},
        ),
    )


def _rows(case: Case, graphs: list[OtherGraph]) -> list[dict]:
    """What each graph is like, and Moran's I of shares, residuals and white noise on it."""
    n, stood = case.districts.n, case.fit.stood
    statistics = [Moran.from_edges(n, *one.links) for one in graphs]
    # The own graph with its weights.
    statistics[0] = case.moran
    at = thin(case.fit, MOST_DRAWS)
    observed, reference = np.empty((2, len(graphs), len(at)))
    for start in range(0, len(at), _BLOCK):
        here = slice(start, min(start + _BLOCK, len(at)))
        residuals = pivotal_residuals(case.fit, at[here], case.rng, case.precision)
        white = case.rng.standard_normal(residuals.shape)
        for number, moran in enumerate(statistics):
            observed[number, here], reference[number, here] = moran(residuals), moran(white)
    own = set(zip(*(ends.tolist() for ends in graphs[0].links), strict=True))
    shares, rows = case.fit.share[stood], []
    for number, graph in enumerate(graphs):
        i, j = graph.links
        there = stood[i] & stood[j]
        position = np.cumsum(stood) - 1
        raw = Moran.from_edges(int(stood.sum()), position[i[there]], position[j[there]])
        raw = Moran.of(case.districts, stood) if number == 0 else raw
        same = len(own.intersection(zip(i.tolist(), j.tolist(), strict=True)))
        shuffled = raw.permute(shares, case.rng, PERMUTATIONS) if raw.n_linked else np.full(1, np.nan)
        value = float(raw(shares)[0]) if raw.n_linked else np.nan
        rows.append(
            {
                "key": graph.key,
                "words": graph.words,
                "links": len(i),
                "alone": n - statistics[number].n_linked,
                "in_common": same,
                "raw": value,
                "raw_p": float((1 + (shuffled >= value).sum()) / (1 + len(shuffled)))
                if raw.n_linked
                else np.nan,
                "mean": float(observed[number].mean()),
                "interval": np.quantile(observed[number], [0.025, 0.975]).round(5),
                "noise": np.quantile(reference[number], [0.025, 0.975]).round(5),
                "p": float(Moran.likeness(observed[number], reference[number]).mean()),
            }
        )
    return rows
