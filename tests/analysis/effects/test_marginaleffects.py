"""The same model and draws as marginaleffects: predictions, comparisons and slopes of a fitted GLM.

`marginaleffects.json` holds a table, the maximum likelihood fit of statsmodels, and what marginaleffects says
of it; benchmarks/effects_reference.py made it.
"""

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from spatialvote.analysis.effects.comparisons import comparisons
from spatialvote.analysis.effects.predictions import predictions
from spatialvote.analysis.effects.slopes import slopes
from spatialvote.data.districts import About, Districts
from spatialvote.data.neighbours import graph_from_edges, report_graph
from spatialvote.data.roles import Roles
from spatialvote.models.fit import Fit
from spatialvote.models.vote_share import VoteShareModel

REFERENCE = json.loads((Path(__file__).parent / "marginaleffects.json").read_text())
SAMPLES = 4000


@pytest.fixture(scope="module")
def glm() -> tuple[Fit, Districts]:
    """A fit whose draws are those of the normal distribution that the GLM's inference rests on."""
    table = gpd.GeoDataFrame(pd.DataFrame(REFERENCE["table"]))
    n = len(table)
    table = table.set_index(pd.Index([f"D{k}" for k in range(n)], name="district"))
    table = table.set_geometry(gpd.GeoSeries([None] * n, index=table.index, crs="EPSG:3035"))
    graph = graph_from_edges(list(table.index), np.arange(n - 1), np.arange(1, n))
    districts = Districts(
        table,
        Roles(id="district", votes={"votes": "votes"}, valid="valid", covariates=("x", "z")),
        graph,
        report_graph(graph, "chain"),
        About("GLM", "row"),
    )
    model = VoteShareModel("votes ~ x + I(x**2) + x:z + z + kind", structure="none", standardise=False)
    fit = model.fit(districts, "laplace", seed=1, draws=SAMPLES, progress=False)
    draws = np.random.default_rng(1).multivariate_normal(
        REFERENCE["estimate"], REFERENCE["covariance"], SAMPLES
    )
    # Not as they fall, but with the mean of the estimate, so that means are compared without noise.
    draws += REFERENCE["estimate"] - draws.mean(axis=0)
    ours = [name.replace("T.", "") for name in REFERENCE["names"][1:]]
    where = [ours.index(name) for name in fit.coefficients]
    slope = draws[:, 1:][:, where]
    # statsmodels' intercept is at zero of all columns; without standardising ours is too.
    assert not fit.constant("center").any()
    tree = fit.tree.copy(deep=True)
    tree["posterior"]["intercept"].values[:] = draws[None, :, 0]
    tree["posterior"]["beta"].values[:] = slope[None]
    eta = draws[:, :1] + slope @ fit.constant("design").T
    tree["posterior"]["eta"].values[:] = eta[None]
    return Fit(tree, model, fit.record), districts


ASKED = {
    "predictions": lambda fit, districts: predictions(fit, districts),
    "predictions by kind": lambda fit, districts: predictions(fit, districts, by="kind"),
    "predictions at 5 and 20": lambda fit, districts: predictions(fit, districts, {"x": [5, 20]}),
    "predictions, mean": lambda fit, districts: predictions(fit, districts, grid="mean"),
    "predictions, balanced": lambda fit, districts: predictions(fit, districts, grid="balanced"),
    "comparisons": lambda fit, districts: comparisons(fit, districts, {"x": (5, 20), "kind": "reference"}),
    "comparisons by kind": lambda fit, districts: comparisons(fit, districts, {"x": (5, 20)}, by="kind"),
    "slopes": lambda fit, districts: slopes(fit, districts, ["x", "z"]),
    "slopes, mean": lambda fit, districts: slopes(fit, districts, ["x", "z"], grid="mean"),
}


def test_all_of_the_reference_is_asked():
    assert set(ASKED) == set(REFERENCE["found"])


@pytest.mark.parametrize("name", list(ASKED))
def test_equals_marginaleffects(name, glm):
    found, theirs = ASKED[name](*glm), REFERENCE["found"][name]
    assert len(found.labels) == len(theirs)
    for draws, other in zip(found.draws.T, theirs, strict=True):
        sd, error = draws.std(), 100 * other["std_error"]
        # Ours are means over draws, theirs the value at the estimate. In between lies the curve of the link,
        # (1 - 2 p) sd(eta) / 2 of a standard error, and sd(eta) is 0.01 to 0.06 here.
        assert draws.mean() == pytest.approx(100 * other["estimate"], abs=0.05 * error)
        # Five Monte Carlo errors of a standard deviation, and the same curve, which the delta method has not.
        assert sd == pytest.approx(error, rel=5 / np.sqrt(2 * SAMPLES) + 0.02)
