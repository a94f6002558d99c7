r"""BYM2 as a PyMC distribution, with exact density, gradient and random draws.

    eta ~ N(mu, sigma^2 [(1 - rho) I + rho R^-])

The structured part is integrated out, so eta itself is sampled: where the data pin eta (hundreds of votes a
district) its posterior is close to spherical and NUTS moves freely, while the textbook form, which samples
theta and phi and then builds eta, crawls.

Sources: Riebler et al. (2016), Statistical Methods in Medical Research 25; Freni-Sterrantino, Ventrucci and
Rue (2018), Spatial and Spatio-temporal Epidemiology 26.
"""

from functools import partial

from spatialvote.models.draw_field import draw_effects
from spatialvote.models.field_distribution import field_distribution
from spatialvote.models.field_op import CollapsedDensity, collapsed_inputs
from spatialvote.models.scaled_graph import ScaledGraph
from spatialvote.models.spectrum import spectrum


def BYM2(name, mu, sigma, rho, graph: ScaledGraph, **kwargs):  # noqa: N802, a distribution like pm.Normal
    """A BYM2 field over the districts of a graph, inside a `pymc.Model`.

    Parameters
    ----------
    name
        Name of the variable.
    mu
        Mean of each district, shape (n,) (a scalar is repeated), on the link scale.
    sigma
        Standard deviation of a typical district's effect, positive scalar.
    rho
        Spatial fraction of the variance, scalar in [0, 1).
    graph
        From `spatialvote.models.scaled_graph.scale_graph`; components are scaled each by itself and an
        island's effect is iid.
    **kwargs
        ``dims``, ``observed``, ``initval``, as for any PyMC distribution.

    Examples
    --------
    >>> import numpy as np, pymc as pm
    >>> from spatialvote.models.scaled_graph import scale_graph
    >>> graph = scale_graph(4, np.array([0, 1]), np.array([1, 2]))
    >>> with pm.Model():
    ...     eta = BYM2("eta", mu=0.0, sigma=0.5, rho=0.7, graph=graph)
    >>> pm.draw(eta, draws=3, random_seed=1).shape
    (3, 4)
    """
    return field_distribution(
        name,
        (mu, graph.n),
        (sigma, rho),
        (CollapsedDensity(), collapsed_inputs(graph, spectrum(graph))),
        partial(draw_effects, graph),
        **kwargs,
    )
