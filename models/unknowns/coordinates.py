"""Coordinates of values that move together: what estimates and field say of them, then the votes."""

from collections.abc import Sequence

import numpy as np

from spatialvote.models.centring import centre
from spatialvote.models.posterior import Posterior
from spatialvote.models.scaled_graph import ScaledGraph
from spatialvote.models.unknowns.arrays import LEVEL, TOGETHER, TOLD, UnknownArrays
from spatialvote.models.unknowns.covariate import Covariate, Row
from spatialvote.models.unknowns.kernel import to_values
from spatialvote.models.unknowns.whitened import Block, no_block, whiten_block


def blocks_of_values(
    graph: ScaledGraph,
    at: np.ndarray,
    owner: np.ndarray,
    kinds: Sequence[Row],
    covariates: Sequence[Covariate],
    others: np.ndarray,
    prior_sd: np.ndarray,
) -> tuple[list[np.ndarray], list[Block]]:
    """For each covariate the positions of the values that move together, and their coordinates."""
    together, blocks = [], []
    for c, covariate in enumerate(covariates):
        own = np.flatnonzero((owner == c) & np.array([one.kind == TOGETHER for one in kinds], dtype=bool))
        columns = np.column_stack([others, *(one.standardised for one in covariates[:c])])
        response, se = np.array([kinds[int(e)].place[:2] for e in own]).reshape(-1, 2).T
        together.append(own)
        blocks.append(
            whiten_block(
                graph, at[own], response, se, covariate.standardised, columns, prior_sd[: columns.shape[1]]
            )
            if len(own)
            else no_block()
        )
    return together, blocks


def without_votes(arrays: UnknownArrays) -> UnknownArrays:
    """The same with coordinates in which votes have no say."""
    place = arrays.block_place.copy()
    place[:, TOLD] = 0.0
    return arrays._replace(block_place=place)


def design_at(arrays: UnknownArrays, values: np.ndarray) -> np.ndarray:
    """The votes' standardised design, intercept first (n, p), at some values (m,)."""
    moved = arrays.design.copy()
    change = arrays.slope * (values - arrays.guess)[:, None]
    np.add.at(moved, arrays.district, change)
    return moved


def hear_votes(arrays: UnknownArrays, blocks: Sequence[Block], posterior: Posterior) -> UnknownArrays:
    """The same with coordinates in which votes have a say.

    How eta depends on the values is told by regression calibration (Carroll et al. 2006): the votes' working
    response is regressed on the design at the values that are to be expected given estimates and field. It is
    rough, and serves for coordinates alone.

    Carroll, R. J., Ruppert, D., Stefanski, L. A., Crainiceanu, C. M. (2006). Measurement error in nonlinear
    models, second edition.
    """
    working = centre(posterior)
    told = working.arrays.root**2
    response = working.arrays.level + working.arrays.response / working.arrays.root
    theta = np.array([(np.log(one.tau) if one.tau else 0.0, 0.0) for one in blocks]).ravel()
    z, x, _, by_z, _, _ = to_values(theta, np.zeros(len(arrays.owner)), 0.0, 0.0, without_votes(arrays))
    values = arrays.guess.copy()
    values[arrays.together] = x[arrays.together]
    design = design_at(arrays, values)
    weight = 1 / (1 / told + working.signal_to_noise / working.median_information)
    precision = (design.T * weight) @ design + np.diag(posterior.prior_sd**-2.0)
    rest = response - design @ posterior.prior_mean
    b = posterior.prior_mean + np.linalg.solve(precision, design.T @ (weight * rest))
    slope = (arrays.slope @ b) * by_z
    # What the votes of a district say beyond the other columns.
    apart = (response - design @ b)[arrays.district] + slope * z
    place = arrays.block_place.copy()
    for c, one in enumerate(blocks):
        own = arrays.together[arrays.block[c] : arrays.block[c + 1]]
        noise = 1 / told[arrays.district[own]]
        heard = one.told(slope[own], apart[own] - slope[own] * one.place[:, LEVEL], noise)
        place[arrays.block[c] : arrays.block[c + 1]] = heard.place
    return arrays._replace(block_place=place)
