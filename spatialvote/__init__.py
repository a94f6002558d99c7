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
    from spatialvote.analysis.effects import effect
    from spatialvote.analysis.report.page import report
    from spatialvote.analysis.review import Review, review
    from spatialvote.data.districts import About, Districts
    from spatialvote.data.errors import SpatialvoteError
    from spatialvote.data.read import read_districts
    from spatialvote.data.simulate import simulate_city
    from spatialvote.models.bym2 import BYM2
    from spatialvote.models.fit import Fit
    from spatialvote.models.priors import BetaRho, HalfNormal, PCOverdispersion, PCRho, PCSigma, Priors
    from spatialvote.models.scaled_graph import scale_graph
    from spatialvote.models.sparse_field import SparseField
    from spatialvote.models.structures import bind_graph
    from spatialvote.models.vote_share import VoteShareModel

    __version__: str

__all__ = [
    "BYM2",
    "About",
    "BetaRho",
    "Districts",
    "Fit",
    "HalfNormal",
    "PCOverdispersion",
    "PCRho",
    "PCSigma",
    "Priors",
    "Review",
    "SparseField",
    "SpatialvoteError",
    "VoteShareModel",
    "__version__",
    "bind_graph",
    "effect",
    "read_districts",
    "report",
    "review",
    "scale_graph",
    "simulate_city",
]

_HOME = {
    "BYM2": "models.bym2",
    "About": "data.districts",
    "BetaRho": "models.priors",
    "Districts": "data.districts",
    "Fit": "models.fit",
    "HalfNormal": "models.priors",
    "PCOverdispersion": "models.priors",
    "PCRho": "models.priors",
    "PCSigma": "models.priors",
    "Priors": "models.priors",
    "Review": "analysis.review",
    "SparseField": "models.sparse_field",
    "SpatialvoteError": "data.errors",
    "VoteShareModel": "models.vote_share",
    "bind_graph": "models.structures",
    "effect": "analysis.effects",
    "read_districts": "data.read",
    "report": "analysis.report.page",
    "review": "analysis.review",
    "scale_graph": "models.scaled_graph",
    "simulate_city": "data.simulate",
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
