"""Turnout of 98 Danish municipalities by election, as a spatial model."""

import numpy as np
import pandas as pd
import pytest

from spatialvote.analysis.turnout_rates import rates
from spatialvote.data.turnout import TurnoutAbout
from spatialvote.data.turnout_read import TurnoutColumns, read_turnout
from spatialvote.models.turnout.model import TurnoutModel


@pytest.mark.real_data
def test_danish_municipalities_by_election(shared_data, tmp_path):
    folder = shared_data / "dk_folketing_valgsted"
    wide = pd.read_csv(folder / "dk_kommune_joined.csv", dtype=str)
    pd.concat(
        pd.DataFrame(
            {
                "area": wide["kommune_nr"],
                "year": year,
                "n": wide[f"electorate_{year}"],
                "y": wide[f"cast_{year}"],
            }
        )
        for year in ("2011", "2015")
    ).to_csv(tmp_path / "cells.csv", index=False)
    cells = read_turnout(
        tmp_path / "cells.csv",
        TurnoutColumns(area="area", election="year"),
        entitled="n",
        voted="y",
        edges=folder / "adjacency_kommune_fuzzy60m.csv",
        about=TurnoutAbout("Denmark, Folketing"),
    )
    assert len(cells.levels["area"]) == 98
    assert len(cells.edges) == 192
    fit = TurnoutModel(interactions=()).fit(cells, seed=1, draws=400)
    found = rates(fit, ("election",)).table.set_index("election")
    # The official turnout of 2015 is 85.9 %; with four million entitled nothing pulls the estimate from it.
    assert found.loc["2015", "mean"] == pytest.approx(0.859, abs=0.001)
    assert np.median(fit.draws("sigma_area")) > np.median(fit.draws("sigma_cell"))
