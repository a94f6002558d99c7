"""What compiled code needs to know of the values that are not known exactly."""

from typing import NamedTuple

import numpy as np

#: How a value moves on its standardised scale: on the whole line, above a lower end, below an upper end,
#: between two, or on the whole line together with others (`spatialvote.models.unknowns.whitened`).
FREE, ABOVE, BELOW, BETWEEN, TOGETHER = 0, 1, 2, 3, 4
#: What an estimate is one of: nothing was estimated, the value on its scale, the value in the column's unit.
NOT_ESTIMATED, ON_SCALE, ON_COLUMN = 0, 1, 2
#: Columns of `UnknownArrays.block_place`: m, G^(-1/2), r, w, a, c, b^2, n and s of
#: `spatialvote.models.unknowns.whitened`.
LEVEL, UNIT, RESPONSE, WIDE, OWN, STRUCTURED, TOLD, NOISE, ANSWER = 0, 1, 2, 3, 4, 5, 6, 7, 8


class UnknownArrays(NamedTuple):
    """Unknown values (m) of some covariates (C), and the model of these covariates, over n districts.

    Attributes
    ----------
    switches
        Address of the C function with the votes' density (0 for the covariates alone), and C, shape (2,).
    owner, district
        Position of each value's covariate and district, shape (m,).
    kind
        `FREE`, `ABOVE`, `BELOW`, `BETWEEN` or `TOGETHER`, shape (m,).
    estimated
        `NOT_ESTIMATED`, `ON_SCALE` or `ON_COLUMN`, shape (m,).
    place
        Centre and scale of the coordinate where it is free; else lower and upper end, the open one infinite,
        and the scale of a half-open interval: shape (m, 3), on the standardised scale.
    estimate
        Estimate and standard error, standardised where they are on the scale, shape (m, 2).
    guess
        The value in the table, in the column's unit, shape (m,).
    design
        The votes' standardised design at the guesses, intercept first, shape (n, p).
    slope
        Change of each standardised column of the design per unit of the value, shape (m, p).
    scale
        Code of each covariate's scale, shape (C,).
    constants
        Centre and standard deviation on the scale, and one whole, shape (C, 3).
    standardised
        (g(x) - centre) / sd of all districts, guesses among them, shape (C, n).
    others
        Intercept and standardised exact covariates, shape (n, q).
    prior_sd
        Of the coefficients of `others`, then of earlier uncertain covariates, shape (q + C,).
    prior_kind, prior_number
        Of the standard deviation and the spatial fraction of each covariate's field, shapes (2,) and (2, 2).
    node, node_weight, component, sizes
        Of the neighbour graph, as in `ModelArrays`.
    together
        Positions of the values that move together, covariate by covariate, shape (k,).
    block
        Where each covariate's part of these begins, and the end, shape (C + 1,).
    block_place
        As in `spatialvote.models.unknowns.whitened.Block`, shape (k, 9).
    basis_first
        Where each covariate's basis begins in `basis`, and the end, shape (C + 1,).
    basis
        Rows of the bases, one after the other.
    pattern
        Symbolic analysis of its matrix, as a plain tuple.
    """

    switches: np.ndarray
    owner: np.ndarray
    district: np.ndarray
    kind: np.ndarray
    estimated: np.ndarray
    place: np.ndarray
    estimate: np.ndarray
    guess: np.ndarray
    design: np.ndarray
    slope: np.ndarray
    scale: np.ndarray
    constants: np.ndarray
    standardised: np.ndarray
    others: np.ndarray
    prior_sd: np.ndarray
    prior_kind: np.ndarray
    prior_number: np.ndarray
    node: np.ndarray
    node_weight: np.ndarray
    component: np.ndarray
    sizes: np.ndarray
    together: np.ndarray
    block: np.ndarray
    block_place: np.ndarray
    basis_first: np.ndarray
    basis: np.ndarray
    pattern: tuple[np.ndarray, ...]
