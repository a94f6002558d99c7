r"""The terms of a turnout model, each a Gaussian whose eigenvectors do not depend on its hyperparameters.

A term has ``copies`` independent vectors of ``nodes`` values each, with covariance V diag(variance) V', V
orthonormal and fixed, the variances functions of the hyperparameters: a walk has sigma^2 / lambda for the
nonzero eigenvalues lambda of its scaled structure matrix and a level's variance for its null space; BYM2 has
sigma^2 ((1 - rho) + rho / lambda), and sigma^2 (1 - rho) for the null vectors of the graph. Precision and
determinant of any hyperparameters then cost one small matrix product.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.special import expit, log_ndtr, ndtr

from spatialvote.data.errors import ModelError, Problem, name_some
from spatialvote.data.turnout import TurnoutCells
from spatialvote.models.priors import PCRho, PCSigma, rho_distance
from spatialvote.models.scaled_graph import scale_graph
from spatialvote.models.spectrum import Spectrum
from spatialvote.models.turnout.model import TurnoutModel

#: From values of the hyperparameters to the variances along a term's eigenvectors.
Variances = Callable[[Mapping[str, float]], np.ndarray]


@dataclass(frozen=True, eq=False)
class Term:
    """One term of the linear predictor.

    Attributes
    ----------
    name
        Name of its draws in a fit.
    dims
        Factors of its values, in order; the last is that of the nodes where there are copies.
    copies, nodes
        Independent vectors, and values of each.
    index
        Position of each cell's value among copies * nodes, shape (cells,).
    vectors
        V, shape (nodes, nodes); None for the identity.
    variances
        Variances along V, shape (nodes,), of given hyperparameters.
    scale
        Factor that a cell's value comes with, shape (cells,); None: one.
    """

    name: str
    dims: tuple[str, ...]
    copies: int
    nodes: int
    index: np.ndarray
    vectors: np.ndarray | None
    variances: Variances
    scale: np.ndarray | None = None

    @property
    def size(self) -> int:
        """Values of all copies."""
        return self.copies * self.nodes


@dataclass(frozen=True, eq=False)
class Hyper:
    r"""One hyperparameter, and the score by which it is explored: z = Phi^-1(F(value)), F its prior.

    Every score is a priori standard Normal. On the log scale a standard deviation that the data do not inform
    has a left tail that falls off exponentially, which proposals for a posterior miss; here no tail is
    heavier than a Normal one.

    Attributes
    ----------
    name
        Name of the hyperparameter.
    prior
        Its prior.
    table
        Of rho: logarithms of the prior's distance, ascending, and logits of rho.
    """

    name: str
    prior: PCSigma | PCRho
    table: PchipInterpolator | None = None
    rate: float = 1.0
    log_mass: float = 0.0

    @classmethod
    def of(cls, name: str, prior: PCSigma | PCRho, nodes: Spectrum | None = None) -> "Hyper":
        """A hyperparameter; rho comes with the eigenvalues of its graph, on which its prior depends."""
        if isinstance(prior, PCSigma):
            return cls(name, prior, None, prior.code()[1])
        if nodes is None:
            raise TypeError("rho needs a graph")
        _, rate, log_mass = prior.code(nodes)
        logits = np.linspace(-20, 20, 801)
        distance = np.array([rho_distance(one, nodes.value, nodes.weight)[0] for one in expit(logits)])
        # Towards rho = 1 distances differ by less than rounding.
        apart = np.append(True, np.diff(np.log(distance)) > 1e-12)
        return cls(name, prior, PchipInterpolator(np.log(distance[apart]), logits[apart]), rate, log_mass)

    def value(self, score: np.ndarray | float) -> np.ndarray:
        """The hyperparameter of a score."""
        if self.table is None:
            # 1 - exp(-rate sigma) = Phi(score)
            return -log_ndtr(-np.asarray(score)) / self.rate
        distance = -np.log1p(-ndtr(score) * np.exp(self.log_mass)) / self.rate
        ends = self.table.x[[0, -1]]
        return expit(self.table(np.clip(np.log(distance), *ends)))


def walk_structure(count: int, order: int) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvectors and eigenvalues of a random walk's structure matrix, scaled; null vectors first.

    Returns
    -------
    vectors, values
        Shapes (count, count) and (count,). The first ``order`` vectors are polynomials of the null space and
        their eigenvalues are zero; the geometric mean of the marginal variances is one.
    """
    differences = np.diff(np.eye(count), n=order, axis=0)
    values, vectors = np.linalg.eigh(differences.T @ differences)
    values[:order] = 0.0
    vectors[:, :order] = np.linalg.qr(np.vander(np.linspace(-1, 1, count), order, increasing=True))[0]
    marginal = (vectors[:, order:] ** 2 / values[order:]).sum(axis=1)
    return vectors, values * np.exp(np.log(marginal).mean())


def _walk(count: int, age: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vectors, 1 / eigenvalue of the walk (0 in its null space), and a level's factor there."""
    order = {"rw1": 1, "rw2": 2, "iid": 0}[age]
    if count < 2:
        return np.eye(count), np.zeros(count), np.ones(count)
    order = min(order, count - 1)
    inverse, null = np.zeros(count), np.zeros(count)
    if order == 0:
        # Independent ages around a level: the level is the first vector, the rest have variance one.
        vectors, _ = walk_structure(count, 1)
        inverse[:] = 1.0
        null[0] = count
        return vectors, inverse, null
    vectors, values = walk_structure(count, order)
    inverse[order:] = 1 / values[order:]
    # A constant c is c sqrt(count) along its unit vector; a line is scaled to reach one at the ends.
    reach = np.abs(vectors[:, :order]).max(axis=0)
    null[:order] = 1 / reach**2
    return vectors, inverse, null


def make_terms(model: TurnoutModel, cells: TurnoutCells) -> tuple[list[Term], list[Hyper]]:
    """Terms and hyperparameters of a model for some cells.

    Raises
    ------
    ModelError
        Where the model needs a factor or links that the cells do not have.
    """
    priors, levels = model.priors, {name: len(labels) for name, labels in cells.levels.items()}
    lacking = [pair for pair in model.interactions if not set(pair) <= set(levels)]
    given = [pair for pair in model.interactions if pair not in lacking]
    if lacking and model.interactions != TurnoutModel().interactions:
        raise ModelError(
            Problem(
                f"interaction {' x '.join(lacking[0])} needs factors that the cells do not have",
                f"the cells have {', '.join(cells.factors)}",
            )
        )
    area = model.area or ("bym2" if len(cells.edges) else "iid")
    if area == "bym2" and "area" in levels and not len(cells.edges):
        raise ModelError(
            Problem("area is 'bym2', and there are no links between areas", "give links, or area 'iid'")
        )
    n_ages = levels.get("age", 1)
    position = cells.index("age") if "age" in levels else np.zeros(len(cells.table), dtype=np.int64)
    vectors, inverse, null = _walk(n_ages, model.age)
    terms, hypers = [], []
    intercept = priors.intercept_sd**2

    def common(values: Mapping[str, float]) -> np.ndarray:
        return intercept * null + values.get("sigma_age", 0.0) ** 2 * inverse

    dims = ("age",) if "age" in levels else ()
    terms.append(Term("curve" if dims else "intercept", dims, 1, n_ages, position, vectors, common))
    if n_ages > 1:
        hypers.append(Hyper.of("sigma_age", priors.age))
    if levels.get("group", 1) > 1:
        hypers.append(Hyper.of("sigma_group", priors.group))
        if n_ages > 1:
            hypers.append(Hyper.of("sigma_group_age", priors.group_age))

        def departure(values: Mapping[str, float]) -> np.ndarray:
            walk = values.get("sigma_group_age", 0.0) ** 2 * inverse
            return values["sigma_group"] ** 2 * null + walk

        index = cells.index("group") * n_ages + position
        terms.append(Term("departure", ("group", *dims), levels["group"], n_ages, index, vectors, departure))
    for name, sd in (("sex", priors.sex_sd), ("election", priors.election_sd)):
        if levels.get(name, 1) > 1:
            terms.append(_iid(f"effect_{name}", (name,), cells.index(name), levels[name], fixed=sd))
    if levels.get("area", 1) > 1:
        hypers.append(Hyper.of("sigma_area", priors.area))
        if area == "iid":
            terms.append(
                _iid("effect_area", ("area",), cells.index("area"), levels["area"], sigma="sigma_area")
            )
        else:
            term, nodes = _bym2(cells)
            terms.append(term)
            hypers.append(Hyper.of("rho", priors.rho, nodes))
    for first, second in given:
        name = f"{first}_{second}"
        index = cells.index(first) * levels[second] + cells.index(second)
        size = levels[first] * levels[second]
        terms.append(_iid(f"effect_{name}", (first, second), index, size, sigma=f"sigma_{name}"))
        hypers.append(Hyper.of(f"sigma_{name}", priors.interaction))
    terms += _slopes(model, cells)
    if model.cell:
        hypers.append(Hyper.of("sigma_cell", priors.cell))
    return terms, hypers


def _slopes(model: TurnoutModel, cells: TurnoutCells) -> list[Term]:
    """For each moderator the slope of all, and the departures of groups from it."""
    unknown = [name for name in model.moderators if name not in cells.moderators]
    if unknown:
        raise ModelError(
            Problem(
                f"the cells have no moderator {name_some(unknown)}",
                f"choose from {name_some(cells.moderators, 12)}" if cells.moderators
                else "join a table of areas to the cells",
            )
        )  # fmt: skip
    groups = len(cells.levels.get("group", ()))
    if model.moderators and groups > 1 and {"group", "area"} not in [set(one) for one in model.interactions]:
        raise ModelError(
            Problem(
                "moderators without the interaction of group and area",
                "add ['group', 'area'] to the interactions: what areas differ in beside the moderator must "
                "have a place",
            )
        )
    sd, made = model.priors.moderator_sd, []
    for name in model.moderators:
        z = cells.standardised(name)[0][cells.index("area")]
        nobody = np.zeros(z.size, dtype=np.int64)
        made.append(_iid(f"slope_all_{name}", (), nobody, 1, fixed=sd, scale=z))
        if groups > 1:
            # The difference of two of them has the standard deviation sd.
            own = _iid(
                f"slope_group_{name}",
                ("group",),
                cells.index("group"),
                groups,
                fixed=sd / np.sqrt(2),
                scale=z,
            )
            made.append(own)
    return made


def _iid(
    name: str,
    dims: tuple[str, ...],
    index: np.ndarray,
    size: int,
    *,
    sigma: str = "",
    fixed: float = 0.0,
    scale: np.ndarray | None = None,
) -> Term:
    """A term of independent values, whose standard deviation is a hyperparameter or fixed."""

    def variances(values: Mapping[str, float]) -> np.ndarray:
        return np.full(size, (values[sigma] if sigma else fixed) ** 2)

    return Term(name, dims, 1, size, index, None, variances, scale)


def _bym2(cells: TurnoutCells) -> tuple[Term, Spectrum]:
    n = len(cells.levels["area"])
    graph = scale_graph(n, cells.edges[:, 0], cells.edges[:, 1])
    scaled = graph.matrix.toarray()
    values, vectors = np.linalg.eigh((scaled + scaled.T) / 2)
    null = values < 1e-9 * values.max()
    gain = np.where(null, 0.0, 1 / np.where(null, 1.0, values))

    def variances(hyper: Mapping[str, float]) -> np.ndarray:
        rho = hyper["rho"]
        return hyper["sigma_area"] ** 2 * ((1 - rho) + rho * gain)

    kept = values[~null]
    return Term("effect_area", ("area",), 1, n, cells.index("area"), vectors, variances), Spectrum(
        kept, np.ones(kept.size)
    )
