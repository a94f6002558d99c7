"""Local migrant concentration and the vote for anti-immigration parties: spatial models with evidence.

Districts -> model -> fit -> review -> report:

    districts = spatialvote.read_districts("districts.gpkg", id="code", votes={"pvv": "pvv"}, ...)
    fit = spatialvote.VoteShareModel("pvv ~ migrant_share + education").fit(districts, seed=1)
    evidence = spatialvote.review(fit, districts)
    spatialvote.report(fit, evidence, districts, "report.html")

Names are imported when they are first used: PyMC, geopandas and matplotlib take seconds to load, and neither
``import spatialvote`` nor ``spatialvote --help`` needs them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spatialvote.analysis.compare import Comparison, compare
    from spatialvote.analysis.composition import composition
    from spatialvote.analysis.counterfactual import counterfactual
    from spatialvote.analysis.curve import curve
    from spatialvote.analysis.effects import effect
    from spatialvote.analysis.party_effects import PartyEffect, party_effect
    from spatialvote.analysis.party_fields import field_correlations
    from spatialvote.analysis.party_review import party_review
    from spatialvote.analysis.policy import policy_profile
    from spatialvote.analysis.radii import compare_radii
    from spatialvote.analysis.report.page import report
    from spatialvote.analysis.review import Review, review
    from spatialvote.data.add_columns import add_columns
    from spatialvote.data.cell_rasters import read_raster_cells, sum_rasters
    from spatialvote.data.cell_shares import share_cells
    from spatialvote.data.concentration import entropy, fractionalisation, location_quotient
    from spatialvote.data.districts import About, Districts
    from spatialvote.data.dutch_counts import read_dutch_counts
    from spatialvote.data.egohoods import count_egohoods
    from spatialvote.data.errors import SpatialvoteError
    from spatialvote.data.layout import read_layout, read_official
    from spatialvote.data.party_positions import read_chapel_hill, read_populist
    from spatialvote.data.points import nearest_areas, sum_in_areas
    from spatialvote.data.policy import PolicyScores
    from spatialvote.data.policy_read import read_policy
    from spatialvote.data.policy_simulate import simulate_policy
    from spatialvote.data.read import read_districts
    from spatialvote.data.read_cells import cells_within, read_cells
    from spatialvote.data.segregation_indices import segregation_indices
    from spatialvote.data.select_parties import select_parties
    from spatialvote.data.simulate import simulate_city
    from spatialvote.data.surroundings import egohood_shares, halo, isolation
    from spatialvote.data.transfer import transfer
    from spatialvote.data.turnout import TurnoutCells
    from spatialvote.data.turnout_read import TurnoutColumns, read_turnout
    from spatialvote.data.turnout_simulate import simulate_register
    from spatialvote.models.bym2 import BYM2
    from spatialvote.models.fit import Fit
    from spatialvote.models.parties.correlation import LKJ
    from spatialvote.models.parties.fit import PartySharesFit
    from spatialvote.models.parties.model import PartySharesModel
    from spatialvote.models.parties.priors import PartyPriors
    from spatialvote.models.priors import BetaRho, HalfNormal, PCOverdispersion, PCRho, PCSigma, Priors
    from spatialvote.models.scaled_graph import scale_graph
    from spatialvote.models.sparse_field import SparseField
    from spatialvote.models.structures import bind_graph
    from spatialvote.models.turnout.fit import TurnoutFit
    from spatialvote.models.turnout.model import TurnoutModel
    from spatialvote.models.vote_share import VoteShareModel

    __version__: str

__all__ = [
    "BYM2",
    "LKJ",
    "About",
    "BetaRho",
    "Comparison",
    "Districts",
    "Fit",
    "HalfNormal",
    "PCOverdispersion",
    "PCRho",
    "PCSigma",
    "PartyEffect",
    "PartyPriors",
    "PartySharesFit",
    "PartySharesModel",
    "PolicyScores",
    "Priors",
    "Review",
    "SparseField",
    "SpatialvoteError",
    "TurnoutCells",
    "TurnoutColumns",
    "TurnoutFit",
    "TurnoutModel",
    "VoteShareModel",
    "__version__",
    "add_columns",
    "bind_graph",
    "cells_within",
    "compare",
    "compare_radii",
    "composition",
    "count_egohoods",
    "counterfactual",
    "curve",
    "effect",
    "egohood_shares",
    "entropy",
    "field_correlations",
    "fractionalisation",
    "halo",
    "isolation",
    "location_quotient",
    "nearest_areas",
    "party_effect",
    "party_review",
    "policy_profile",
    "read_cells",
    "read_chapel_hill",
    "read_districts",
    "read_dutch_counts",
    "read_layout",
    "read_official",
    "read_policy",
    "read_populist",
    "read_raster_cells",
    "read_turnout",
    "report",
    "review",
    "scale_graph",
    "segregation_indices",
    "select_parties",
    "share_cells",
    "simulate_city",
    "simulate_policy",
    "simulate_register",
    "sum_in_areas",
    "sum_rasters",
    "transfer",
]

_HOME = {
    "BYM2": "models.bym2",
    "LKJ": "models.parties.correlation",
    "About": "data.districts",
    "BetaRho": "models.priors",
    "Comparison": "analysis.compare",
    "Districts": "data.districts",
    "Fit": "models.fit",
    "HalfNormal": "models.priors",
    "PCOverdispersion": "models.priors",
    "PCRho": "models.priors",
    "PCSigma": "models.priors",
    "PartyEffect": "analysis.party_effects",
    "PartyPriors": "models.parties.priors",
    "PartySharesFit": "models.parties.fit",
    "PartySharesModel": "models.parties.model",
    "PolicyScores": "data.policy",
    "Priors": "models.priors",
    "Review": "analysis.review",
    "SparseField": "models.sparse_field",
    "SpatialvoteError": "data.errors",
    "TurnoutCells": "data.turnout",
    "TurnoutColumns": "data.turnout_read",
    "TurnoutFit": "models.turnout.fit",
    "TurnoutModel": "models.turnout.model",
    "VoteShareModel": "models.vote_share",
    "add_columns": "data.add_columns",
    "bind_graph": "models.structures",
    "cells_within": "data.read_cells",
    "compare": "analysis.compare",
    "compare_radii": "analysis.radii",
    "composition": "analysis.composition",
    "count_egohoods": "data.egohoods",
    "counterfactual": "analysis.counterfactual",
    "curve": "analysis.curve",
    "effect": "analysis.effects",
    "egohood_shares": "data.surroundings",
    "entropy": "data.concentration",
    "field_correlations": "analysis.party_fields",
    "fractionalisation": "data.concentration",
    "halo": "data.surroundings",
    "isolation": "data.surroundings",
    "location_quotient": "data.concentration",
    "nearest_areas": "data.points",
    "party_effect": "analysis.party_effects",
    "party_review": "analysis.party_review",
    "policy_profile": "analysis.policy",
    "read_cells": "data.read_cells",
    "read_chapel_hill": "data.party_positions",
    "read_districts": "data.read",
    "read_dutch_counts": "data.dutch_counts",
    "read_layout": "data.layout",
    "read_official": "data.layout",
    "read_policy": "data.policy_read",
    "read_populist": "data.party_positions",
    "read_raster_cells": "data.cell_rasters",
    "read_turnout": "data.turnout_read",
    "report": "analysis.report.page",
    "review": "analysis.review",
    "scale_graph": "models.scaled_graph",
    "segregation_indices": "data.segregation_indices",
    "select_parties": "data.select_parties",
    "share_cells": "data.cell_shares",
    "simulate_city": "data.simulate",
    "simulate_policy": "data.policy_simulate",
    "simulate_register": "data.turnout_simulate",
    "sum_in_areas": "data.points",
    "sum_rasters": "data.cell_rasters",
    "transfer": "data.transfer",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("spatialvote")
    if name not in _HOME:
        raise AttributeError(f"module 'spatialvote' has no attribute '{name}'")
    value = getattr(import_module(f"spatialvote.{_HOME[name]}"), name)
    # Found once, it is an ordinary name of this module.
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
