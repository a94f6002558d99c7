"""How votes arise from the linear predictor; each family is one file with the same face.

A family module has `NAME`, `CODE`, `LINK` and `HYPER`, the names of its hyperparameters (none or one, the
*dispersion*), and

- in numpy, over districts: `log_likelihood`, `mean`, `draw`, `crude`, `overall`, `score`, `information`;
- compiled, for the engines: `add_gradient` over all districts, and `derivatives` of one.

The dispersion is always the last argument; families without one ignore it. A district of size zero has no
likelihood and no information: there the party did not stand.

`FAMILIES` maps names to modules; compiled code knows them by `CODE`, their position.
"""

from types import MappingProxyType

from spatialvote.models.families import beta_binomial, binomial, gaussian, poisson

#: Family name to module, in the order of the engine's codes.
FAMILIES = MappingProxyType({module.NAME: module for module in (binomial, poisson, beta_binomial, gaussian)})
