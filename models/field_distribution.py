"""What the fields have in common as PyMC distributions: a mean, a density from an operation, exact draws."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt

from spatialvote.models.field_op import FieldDensity


def field_distribution(
    name: str,
    mean: tuple[Any, int],
    hyper: tuple[Any, Any],
    density: tuple[FieldDensity, Sequence[np.ndarray]],
    draw: Callable[[np.ndarray, np.ndarray, np.random.Generator], np.ndarray],
    **kwargs: Any,
):
    """A field inside a `pymc.Model`.

    Parameters
    ----------
    name
        Name of the variable.
    mean
        Mean of the districts, (n,) or scalar, and n.
    hyper
        sigma and rho.
    density
        The operation and the arrays that it wants.
    draw
        From sigma and rho (draws,) and a generator to effects (draws, n).
    **kwargs
        ``dims``, ``observed``, ``initval``, as for any PyMC distribution.
    """
    given, n = mean
    mu = pt.broadcast_to(pt.as_tensor_variable(given, dtype="float64"), (n,))
    arrays = [pytensor.shared(one) for one in density[1]]

    def logp(value, mu, sigma, rho):
        return density[0](value - mu, sigma, rho, *arrays)[0]

    def random(mu, sigma, rho, rng: Any = None, size=None):
        shape = np.broadcast_shapes(np.shape(sigma), np.shape(rho), np.shape(mu)[:-1], tuple(size or ()))
        count = int(np.prod(shape))
        effects = draw(
            np.broadcast_to(sigma, shape).reshape(count).astype(np.float64),
            np.broadcast_to(rho, shape).reshape(count).astype(np.float64),
            rng,
        )
        return mu + effects.reshape(*shape, n)

    def support_point(rv, size, mu, sigma, rho):
        return pt.broadcast_to(mu, rv.shape)

    return pm.CustomDist(
        name,
        mu,
        *hyper,
        logp=logp,
        random=random,
        support_point=support_point,
        signature="(n),(),()->(n)",
        dtype="float64",
        **kwargs,
    )
