r"""Unknown values of the covariates of a formula, bound to districts and to the design of a model.

A covariate is modelled on its scale, g(x), centred and divided by its standard deviation over districts,
guesses among them (`spatialvote.data.first_guess`): fixed constants, like those that standardise the design.
It follows the covariates that are known exactly, whether the formula names them or not, the uncertain ones
before it, and a BYM2 field of the districts' own graph. Coefficients are Normal(0, 1), the intercept
Normal(0, 1.5^2); of the field's standard deviation tau, P(tau > 1) = 0.05; its spatial fraction has the PC
prior of Riebler et al. (2016).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from spatialvote.data.districts import Districts
from spatialvote.data.errors import ModelError, Problem, name_some
from spatialvote.data.scales import SCALES
from spatialvote.models.density import SPARSE
from spatialvote.models.design import Design
from spatialvote.models.posterior import Posterior
from spatialvote.models.priors import PCRho, PCSigma
from spatialvote.models.scaled_graph import scale_graph
from spatialvote.models.spectrum import spectrum
from spatialvote.models.unknowns.arrays import UnknownArrays
from spatialvote.models.unknowns.coordinates import blocks_of_values, design_at, hear_votes, without_votes
from spatialvote.models.unknowns.covariate import other_columns, uncertain_covariate
from spatialvote.models.unknowns.kernel import to_values

#: Priors of the covariates' own model, on standardised scales.
INTERCEPT_SD, COEFFICIENT_SD = 1.5, 1.0
TAU, SHARE = PCSigma(upper=1.0, tail=0.05), PCRho()
#: What a design may be off a straight line in a covariate, relative to its change.
_STRAIGHT = 1e-7


@dataclass(frozen=True, eq=False)
class Unknowns:
    """Unknown values as coordinates of a sampler.

    Attributes
    ----------
    columns
        Covariates of the formula that have unknown values, C.
    labels
        ``column[id]`` of each value, m.
    arrays
        What the density needs.
    """

    columns: tuple[str, ...]
    labels: tuple[str, ...]
    arrays: UnknownArrays

    @property
    def n_dim(self) -> int:
        """Coordinates: tau and spatial fraction of each covariate, and one for each value."""
        return 2 * len(self.columns) + len(self.labels)

    def start(self, rng: np.random.Generator) -> np.ndarray:
        """Coordinates near the first guesses, shape (n_dim,)."""
        count = len(self.columns)
        hyper = np.column_stack([rng.uniform(-1.0, 0.0, count), rng.uniform(-1.0, 1.0, count)])
        return np.concatenate([hyper.ravel(), rng.uniform(-0.5, 0.5, len(self.labels))])

    @cached_property
    def alone(self) -> UnknownArrays:
        """The same where votes have no say."""
        return without_votes(self.arrays)

    def draws(
        self, points: np.ndarray, sigma: np.ndarray | None = None, rho: np.ndarray | None = None
    ) -> dict[str, np.ndarray]:
        """Values in their units (..., m), tau and spatial fraction (..., C), at coordinates (..., n_dim).

        sigma and rho are those of the votes' field, on which the coordinates depend; None: 0, as without one.
        """
        return self._draws(points, self.arrays, sigma, rho)

    def draws_alone(self, points: np.ndarray) -> dict[str, np.ndarray]:
        """The same at coordinates where votes have no say."""
        return self._draws(points, self.alone, None, None)

    def _draws(
        self, points: np.ndarray, arrays: UnknownArrays, sigma: np.ndarray | None, rho: np.ndarray | None
    ) -> dict[str, np.ndarray]:
        count = 2 * len(self.columns)
        theta, flat = points[..., :count], points.reshape(-1, points.shape[-1])
        fields = [np.zeros(len(flat)) if one is None else one.ravel() for one in (sigma, rho)]
        values = [
            to_values(one[:count], one[count:], s, r, arrays)[1]
            for one, s, r in zip(flat, *fields, strict=True)
        ]
        return {
            "unknown": np.reshape(values, (*points.shape[:-1], -1)),
            "covariate_sigma": np.exp(theta[..., 0::2]),
            "covariate_rho": 1 / (1 + np.exp(-theta[..., 1::2])),
        }

    def design(self, values: np.ndarray) -> np.ndarray:
        """The votes' standardised design, intercept first (n, p), at some values (m,)."""
        return design_at(self.arrays, values)


def bind_unknowns(districts: Districts, posterior: Posterior, design: Design) -> Unknowns | None:
    """Unknown values of the covariates behind a design; None where there are none.

    Raises
    ------
    ModelError
        Where a column of the design is no straight line in an uncertain covariate, or is a product of two of
        them; where the structure has a sparse precision; where no district has a neighbour.
    """
    slopes = _slopes(districts, design)
    if not slopes:
        return None
    if posterior.arrays.switches[0] == SPARSE:
        raise ModelError(
            Problem(
                f"structure '{posterior.field.structure}' takes covariates as known, and "
                f"{name_some(slopes, 9)} have unknown values",
                "choose structure 'bym2', 'iid' or 'none'",
            )
        )
    if len(districts.edges[0]) == 0:
        raise ModelError(
            Problem(
                f"{name_some(slopes, 9)} have unknown values, and no district has a neighbour that tells",
                "read the districts with a neighbour graph",
            )
        )
    columns = tuple(slopes)
    frame = pd.concat([districts.unknown.of(one) for one in columns])
    at = districts.ids.get_indexer(pd.Index(frame["district"]))
    owner = np.array([columns.index(one) for one in frame["column"]])
    covariates = [uncertain_covariate(districts, one) for one in columns]
    constants = np.array([one.constants for one in covariates])
    slope = np.stack([slopes[column][district] for column, district in zip(frame["column"], at, strict=True)])
    graph = scale_graph(districts.n, *districts.edges)
    nodes = spectrum(graph)
    kinds = [one for covariate in covariates for one in covariate.rows()]
    others = other_columns(districts)
    prior_sd = np.r_[INTERCEPT_SD, np.full(others.shape[1] - 1 + len(columns), COEFFICIENT_SD)]
    together, blocks = blocks_of_values(graph, at, owner, kinds, covariates, others, prior_sd)
    prior = np.array([TAU.code(), SHARE.code(nodes)])
    width = posterior.design.shape[1]
    padded = np.zeros((len(at), width))
    # The intercept comes first, the levels of groups last: neither is of a covariate.
    padded[:, 1 : 1 + slope.shape[1]] = slope
    arrays = UnknownArrays(
        switches=np.array([0, len(columns)]),
        owner=owner,
        district=at.astype(np.int64),
        kind=np.array([one.kind for one in kinds]),
        estimated=np.array([one.estimated for one in kinds]),
        place=np.array([one.place for one in kinds], dtype=np.float64),
        estimate=np.array([one.estimate for one in kinds], dtype=np.float64),
        guess=np.concatenate([one.guess for one in covariates]),
        design=np.ascontiguousarray(posterior.design),
        slope=padded,
        scale=np.array([SCALES[one.scale] for one in covariates]),
        constants=constants,
        standardised=np.array([one.standardised for one in covariates]),
        others=others,
        prior_sd=prior_sd,
        prior_kind=prior[:, 0].astype(np.int64),
        prior_number=np.ascontiguousarray(prior[:, 1:]),
        node=nodes.value,
        node_weight=nodes.weight,
        component=graph.component,
        sizes=graph.sizes,
        together=np.concatenate(together),
        block=np.cumsum([0, *map(len, together)]),
        block_place=np.concatenate([one.place for one in blocks]),
        basis_first=np.cumsum([0, *(one.basis.size for one in blocks)]),
        basis=np.concatenate([one.basis.ravel() for one in blocks]),
        pattern=tuple(graph.pattern),
    )
    labels = tuple(f"{column}[{one}]" for column, one in zip(frame["column"], frame["district"], strict=True))
    return Unknowns(
        columns, labels, hear_votes(arrays, blocks, posterior) if len(arrays.together) else arrays
    )


def _slopes(districts: Districts, design: Design) -> dict[str, np.ndarray]:
    """Covariates with unknown values that the design depends on, to d X / d x of its columns, (n, p)."""
    table = pd.DataFrame(districts.table.drop(columns=districts.table.geometry.name))
    slopes: dict[str, np.ndarray] = {}
    for column in districts.unknown.columns:
        step = float(table[column].std(ddof=0))
        once, twice = (_change(design, table, {column: by * step}) for by in (1.0, 2.0))
        if not np.nan_to_num(once, nan=1.0).any():
            continue
        bent = [name for name, one, two in zip(design.names, once.T, twice.T, strict=True) if _bent(one, two)]
        if bent:
            raise ModelError(
                Problem(
                    f"columns {name_some(bent)} are no straight line in '{column}', which has unknown values",
                    f"let '{column}' enter the formula by itself or as a product with a known covariate; for "
                    "its logarithm, give a column of logarithms",
                )
            )
        slopes[column] = once / step / design.scale
    for number, one in enumerate(slopes):
        for other in list(slopes)[:number]:
            _refuse_product(design, table, one, other)
    return slopes


def _change(design: Design, table: pd.DataFrame, by: dict[str, float]) -> np.ndarray:
    """How columns of the design change, (n, p), as some covariates rise."""
    moved = table.assign(**{column: table[column].astype(np.float64) + step for column, step in by.items()})
    with np.errstate(divide="ignore", invalid="ignore"):
        return design.evaluate(moved) - design.evaluate(table)


def _bent(once: np.ndarray, twice: np.ndarray) -> bool:
    allowed = _STRAIGHT * np.abs(once).max()
    return not bool((np.abs(twice - 2 * once) <= allowed).all())


def _refuse_product(design: Design, table: pd.DataFrame, one: str, other: str) -> None:
    step = {column: float(table[column].std(ddof=0)) for column in (one, other)}
    apart = np.sum([_change(design, table, {column: by}) for column, by in step.items()], axis=0)
    if _bent(apart, 2 * _change(design, table, step)):
        raise ModelError(
            Problem(
                f"the formula multiplies '{other}' and '{one}', which both have unknown values",
                "leave their product out",
            )
        )
