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
    from spatialvote.analysis.effects.comparisons import comparisons
    from spatialvote.analysis.effects.effect import effect
    from spatialvote.analysis.effects.grid import datagrid
    from spatialvote.analysis.effects.predictions import predictions
    from spatialvote.analysis.effects.slopes import slopes
    from spatialvote.analysis.elections_answers import (
        change_by_district,
        effect_path,
        slopes_by_district,
        variance_parts,
    )
    from spatialvote.analysis.elections_review import elections_review
    from spatialvote.analysis.figures.caterpillar import plot_level_slopes
    from spatialvote.analysis.figures.local_slopes import map_local_slopes
    from spatialvote.analysis.figures.party_pair import party_pair_map
    from spatialvote.analysis.levels import slopes_by_level
    from spatialvote.analysis.local_slopes import local_slopes
    from spatialvote.analysis.moderators import moderation, moderations
    from spatialvote.analysis.party_effects import PartyEffect, party_effect
    from spatialvote.analysis.party_fields import field_correlations
    from spatialvote.analysis.party_review import party_review
    from spatialvote.analysis.policy import policy_profile
    from spatialvote.analysis.radii import compare_radii
    from spatialvote.analysis.report.page import report
    from spatialvote.analysis.review import Review, review
    from spatialvote.analysis.turnout_moderators import moderated_gap
    from spatialvote.data.add_columns import add_columns
    from spatialvote.data.add_party import add_party
    from spatialvote.data.cell_rasters import read_raster_cells, sum_rasters
    from spatialvote.data.cell_shares import share_cells
    from spatialvote.data.concentration import entropy, fractionalisation, location_quotient
    from spatialvote.data.declare_uncertain import declare_uncertain
    from spatialvote.data.districts import About, Districts
    from spatialvote.data.dutch_counts import read_dutch_counts
    from spatialvote.data.egohoods import count_egohoods
    from spatialvote.data.elections import Elections
    from spatialvote.data.elections_read import read_elections
    from spatialvote.data.elections_simulate import ElectionsTruth, simulate_elections
    from spatialvote.data.errors import SpatialvoteError
    from spatialvote.data.layout import read_layout
    from spatialvote.data.measure_surroundings import measure_surroundings
    from spatialvote.data.origin_groups import OriginGroup
    from spatialvote.data.party_positions import read_chapel_hill, read_populist
    from spatialvote.data.points import nearest_areas, sum_in_areas
    from spatialvote.data.policy import PolicyScores
    from spatialvote.data.policy_columns import policy_columns
    from spatialvote.data.policy_read import read_policy
    from spatialvote.data.policy_simulate import simulate_policy
    from spatialvote.data.read import read_districts
    from spatialvote.data.read_cells import cells_within, read_cells
    from spatialvote.data.read_official import read_official
    from spatialvote.data.read_stations import read_stations
    from spatialvote.data.segregation_indices import segregation_indices
    from spatialvote.data.select_parties import select_parties
    from spatialvote.data.simulate import simulate_city
    from spatialvote.data.surroundings import egohood_shares, halo, isolation
    from spatialvote.data.transfer import transfer
    from spatialvote.data.turnout import TurnoutCells
    from spatialvote.data.turnout_moderators import join_moderators, read_moderators
    from spatialvote.data.turnout_read import TurnoutColumns, read_turnout
    from spatialvote.data.turnout_shapes import read_area_shapes
    from spatialvote.data.turnout_simulate import simulate_register
    from spatialvote.data.uncertain import Uncertain
    from spatialvote.models.bym2 import BYM2
    from spatialvote.models.elections.fit import ElectionsFit
    from spatialvote.models.elections.model import ElectionsModel
    from spatialvote.models.elections.priors import ElectionsPriors
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
    "Elections",
    "ElectionsFit",
    "ElectionsModel",
    "ElectionsPriors",
    "ElectionsTruth",
    "Fit",
    "HalfNormal",
    "OriginGroup",
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
    "Uncertain",
    "VoteShareModel",
    "__version__",
    "add_columns",
    "add_party",
    "bind_graph",
    "cells_within",
    "change_by_district",
    "compare",
    "compare_radii",
    "comparisons",
    "composition",
    "count_egohoods",
    "counterfactual",
    "curve",
    "datagrid",
    "declare_uncertain",
    "effect",
    "effect_path",
    "egohood_shares",
    "elections_review",
    "entropy",
    "field_correlations",
    "fractionalisation",
    "halo",
    "isolation",
    "join_moderators",
    "local_slopes",
    "location_quotient",
    "map_local_slopes",
    "measure_surroundings",
    "moderated_gap",
    "moderation",
    "moderations",
    "nearest_areas",
    "party_effect",
    "party_pair_map",
    "party_review",
    "plot_level_slopes",
    "policy_columns",
    "policy_profile",
    "predictions",
    "read_area_shapes",
    "read_cells",
    "read_chapel_hill",
    "read_districts",
    "read_dutch_counts",
    "read_elections",
    "read_layout",
    "read_moderators",
    "read_official",
    "read_policy",
    "read_populist",
    "read_raster_cells",
    "read_stations",
    "read_turnout",
    "report",
    "review",
    "scale_graph",
    "segregation_indices",
    "select_parties",
    "share_cells",
    "simulate_city",
    "simulate_elections",
    "simulate_policy",
    "simulate_register",
    "slopes",
    "slopes_by_district",
    "slopes_by_level",
    "sum_in_areas",
    "sum_rasters",
    "transfer",
    "variance_parts",
]

_HOME = {
    "BYM2": "models.bym2",
    "LKJ": "models.parties.correlation",
    "About": "data.districts",
    "BetaRho": "models.priors",
    "Comparison": "analysis.compare",
    "Districts": "data.districts",
    "Elections": "data.elections",
    "ElectionsFit": "models.elections.fit",
    "ElectionsModel": "models.elections.model",
    "ElectionsPriors": "models.elections.priors",
    "ElectionsTruth": "data.elections_simulate",
    "Fit": "models.fit",
    "HalfNormal": "models.priors",
    "OriginGroup": "data.origin_groups",
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
    "Uncertain": "data.uncertain",
    "VoteShareModel": "models.vote_share",
    "add_columns": "data.add_columns",
    "add_party": "data.add_party",
    "bind_graph": "models.structures",
    "cells_within": "data.read_cells",
    "change_by_district": "analysis.elections_answers",
    "compare": "analysis.compare",
    "compare_radii": "analysis.radii",
    "comparisons": "analysis.effects.comparisons",
    "composition": "analysis.composition",
    "count_egohoods": "data.egohoods",
    "counterfactual": "analysis.counterfactual",
    "curve": "analysis.curve",
    "datagrid": "analysis.effects.grid",
    "declare_uncertain": "data.declare_uncertain",
    "effect": "analysis.effects.effect",
    "effect_path": "analysis.elections_answers",
    "egohood_shares": "data.surroundings",
    "elections_review": "analysis.elections_review",
    "entropy": "data.concentration",
    "field_correlations": "analysis.party_fields",
    "fractionalisation": "data.concentration",
    "halo": "data.surroundings",
    "isolation": "data.surroundings",
    "join_moderators": "data.turnout_moderators",
    "local_slopes": "analysis.local_slopes",
    "location_quotient": "data.concentration",
    "map_local_slopes": "analysis.figures.local_slopes",
    "measure_surroundings": "data.measure_surroundings",
    "moderated_gap": "analysis.turnout_moderators",
    "nearest_areas": "data.points",
    "party_pair_map": "analysis.figures.party_pair",
    "policy_columns": "data.policy_columns",
    "moderation": "analysis.moderators",
    "moderations": "analysis.moderators",
    "plot_level_slopes": "analysis.figures.caterpillar",
    "party_effect": "analysis.party_effects",
    "party_review": "analysis.party_review",
    "policy_profile": "analysis.policy",
    "predictions": "analysis.effects.predictions",
    "read_area_shapes": "data.turnout_shapes",
    "read_cells": "data.read_cells",
    "read_chapel_hill": "data.party_positions",
    "read_districts": "data.read",
    "read_dutch_counts": "data.dutch_counts",
    "read_elections": "data.elections_read",
    "read_layout": "data.layout",
    "read_moderators": "data.turnout_moderators",
    "read_official": "data.read_official",
    "read_policy": "data.policy_read",
    "read_populist": "data.party_positions",
    "read_raster_cells": "data.cell_rasters",
    "read_stations": "data.read_stations",
    "read_turnout": "data.turnout_read",
    "report": "analysis.report.page",
    "review": "analysis.review",
    "scale_graph": "models.scaled_graph",
    "segregation_indices": "data.segregation_indices",
    "select_parties": "data.select_parties",
    "share_cells": "data.cell_shares",
    "simulate_city": "data.simulate",
    "simulate_elections": "data.elections_simulate",
    "simulate_policy": "data.policy_simulate",
    "simulate_register": "data.turnout_simulate",
    "slopes_by_level": "analysis.levels",
    "slopes": "analysis.effects.slopes",
    "slopes_by_district": "analysis.elections_answers",
    "sum_in_areas": "data.points",
    "sum_rasters": "data.cell_rasters",
    "transfer": "data.transfer",
    "variance_parts": "analysis.elections_answers",
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
