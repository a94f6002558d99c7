"""How votes arise from the linear predictor; each family is one file with the same face.

A family module has `NAME`, `log_likelihood` (numpy, by district), `mean`, `draw`, `describe`, and a compiled
`add_gradient` for the engine. `FAMILIES` maps names to modules; the engine knows them by their position.
"""

from types import MappingProxyType

from spatialvote.models.families import binomial, poisson

#: Family name to module, in the order of the engine's codes.
FAMILIES = MappingProxyType({module.NAME: module for module in (binomial, poisson)})
