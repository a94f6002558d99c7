r"""Leroux, proper CAR, SAR and DAGAR as a PyMC distribution, with exact density, gradient and random draws.

    eta ~ N(mu, Q^-1),    sigma^2 Q = sum_m c_m(rho) T_m

See `spatialvote.models.structures` for the matrices and their sources.
"""

from functools import partial

from spatialvote.models.draw_field import draw_sparse
from spatialvote.models.field_distribution import field_distribution
from spatialvote.models.field_op import SparseDensity, sparse_inputs
from spatialvote.models.structures.sparse_precision import SparsePrecision


def SparseField(name, mu, sigma, rho, precision: SparsePrecision, **kwargs):  # noqa: N802, like pm.Normal
    """A field with a sparse precision over the districts of a graph, inside a `pymc.Model`.

    Parameters
    ----------
    name
        Name of the variable.
    mu
        Mean of each district, shape (n,) (a scalar is repeated), on the link scale.
    sigma
        Scale of the effects, positive scalar; what it means exactly is each structure's own.
    rho
        Strength of the dependence, scalar in [0, 1).
    precision
        From ``bind_graph(structure, graph).precision`` of `spatialvote.models.structures`.
    **kwargs
        ``dims``, ``observed``, ``initval``, as for any PyMC distribution.

    Examples
    --------
    >>> import numpy as np, pymc as pm
    >>> from spatialvote.models.scaled_graph import scale_graph
    >>> from spatialvote.models.structures import bind_graph
    >>> graph = scale_graph(4, np.array([0, 1]), np.array([1, 2]))
    >>> with pm.Model():
    ...     eta = SparseField("eta", 0.0, sigma=0.5, rho=0.7, precision=bind_graph("sar", graph).precision)
    >>> pm.draw(eta, draws=3, random_seed=1).shape
    (3, 4)
    """
    return field_distribution(
        name,
        (mu, precision.n),
        (sigma, rho),
        (SparseDensity(), sparse_inputs(precision)),
        partial(draw_sparse, precision),
        **kwargs,
    )
