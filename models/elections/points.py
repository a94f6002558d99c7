r"""Points of many hyperparameters with few evaluations: adaptive multiple importance sampling on scores.

`spatialvote.models.laplace.outer.choose_points` keeps the points of its last round and asks that their
weights be even; with six hyperparameters, some of them near zero, that takes thousands of evaluations. Here
**every** evaluation counts: the points of all rounds are weighed against the mixture of the proposals that
made them (Cornuet et al. 2012; the balance heuristic of Veach and Guibas 1995), each without the kernel that
later proposals put around itself (`Mixture.log_density_without_own`), the weights are Pareto-smoothed, and
points are resampled to equal weights. Rounds go on until the shape of the weights' tail says that they can
be trusted and enough points share the weight.

Proposals live on **scores**: a standard deviation sigma ~ Exponential(r) has the score z with Phi(z) =
1 - exp(-r sigma), which its prior makes standard Normal. On the logarithm's scale the density of a sigma that
may be zero falls only exponentially to the left, and no proposal of a reasonable width reaches far enough.

References
----------
Cornuet, J.-M., Marin, J.-M., Mira, A., Robert, C. P. (2012). Adaptive multiple importance sampling.
Scandinavian Journal of Statistics 39.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.special import log_ndtr, logsumexp, ndtri

from spatialvote.models.laplace.outer import Around, Explorable, Map, Points, look
from spatialvote.models.laplace.proposals import Mixture, SplitT, log_density_of_rounds, propose
from spatialvote.models.laplace.tail import smooth
from spatialvote.models.laplace.target import Start
from spatialvote.models.latent.fast import Drawn, draw_fast
from spatialvote.models.latent.posterior import LatentPosterior
from spatialvote.models.latent.term import Hyper
from spatialvote.models.priors import EXPONENTIAL

#: Proposals of a round (Sobol points come in powers of two), and rounds.
_ROUND, _LEAST_ROUNDS, _MOST_ROUNDS = 128, 3, 8
#: Rounds end where the Pareto k is below this and so many points share the weight.
_TRUSTED_K, _EFFECTIVE = 0.5, 150.0
#: The next proposal is made of weights to this power: it is wider than what the weights say.
_TEMPER = 0.7
#: Distances from the mode at which the first proposal's scale is measured, and its limits.
_PROBES, _NARROWEST, _WIDEST = (1.5, 3.0), 0.5, 3.0
#: Least curvature of the first proposal; that of the prior of a score is one.
_FLATTEST = 0.5


@dataclass(frozen=True, eq=False)
class Scores:
    """Between theta and scores; what is no standard deviation stays as it is.

    Attributes
    ----------
    rate
        r of each standard deviation, NaN for the others, shape (h,).
    """

    rate: np.ndarray

    @classmethod
    def of(cls, hypers: Sequence[Hyper]) -> "Scores":
        """Scores of hyperparameters."""
        codes = [hyper.code() for hyper in hypers]
        return cls(np.array([code[1] if code[0] == EXPONENTIAL else np.nan for code in codes]))

    def score(self, theta: np.ndarray) -> np.ndarray:
        """Scores of theta, shape (..., h)."""
        with np.errstate(over="ignore"):
            left = self.rate * np.exp(theta)
        small = ndtri(np.clip(-np.expm1(-left), 1e-300, 0.5))
        large = -ndtri(np.clip(np.exp(-left), 1e-300, 0.5))
        return np.where(np.isnan(self.rate), theta, np.where(left < np.log(2), small, large))

    def theta(self, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Theta of scores, shape (..., h), and the derivative of each in its own score."""
        above = -log_ndtr(-score)
        slope = np.exp(-0.5 * score**2 - 0.5 * np.log(2 * np.pi) + above) / above
        plain = np.isnan(self.rate)
        theta = np.where(plain, score, np.log(above) - np.log(np.where(plain, 1.0, self.rate)))
        return theta, np.where(plain, 1.0, slope)


@dataclass
class Explorer:
    """Chooses points, and remembers how good they are.

    Attributes
    ----------
    hypers
        The hyperparameters.
    report
        ``k_hat_points``, ``effective_points`` and ``evaluations``, once points were chosen.
    """

    hypers: Sequence[Hyper]
    report: dict[str, float] = field(default_factory=dict)

    def choose(
        self, target: Explorable, around: Around, count: int, rng: np.random.Generator, map_: Map
    ) -> Points:
        """Equally weighted points, as many as asked for; some may be the same.

        Raises
        ------
        ArithmeticError
            Where no point has a Gaussian approximation.
        """
        scores = Scores.of(self.hypers)

        def look_at(score: np.ndarray) -> tuple[float, float, Start]:
            theta, slope = scores.theta(score)
            value, start = look(target, around, theta)
            return value, value + float(np.log(slope).sum()), start

        first = _first(scores, around, look_at, map_)
        mixtures: list[Mixture] = []
        at_scores, looked = np.empty((0, len(self.hypers))), []
        turn, weight, effective, k = 0, np.empty(0), 0.0, np.inf
        for turn in range(_MOST_ROUNDS):
            batch = propose(mixtures[-1] if mixtures else first, _ROUND, rng)
            looked += map_(look_at, list(batch))
            at_scores = np.vstack([at_scores, batch])
            made = log_density_of_rounds(at_scores, first, mixtures) - np.log(turn + 1)
            smoothed, k = smooth(np.array([one[1] for one in looked]) - made)
            weight = np.exp(smoothed - logsumexp(smoothed))
            effective = 1 / (weight**2).sum()
            if turn + 1 >= _LEAST_ROUNDS and k < _TRUSTED_K and effective >= _EFFECTIVE:
                break
            tempered = _TEMPER * smoothed
            mixtures.append(Mixture.around(at_scores, np.exp(tempered - logsumexp(tempered)), first))
        self.report = {
            "k_hat_points": float(k),
            "effective_points": float(effective),
            "evaluations": len(looked),
        }
        # Systematic resampling: a point of weight w is taken floor(count w) or one more times.
        at = np.searchsorted(np.cumsum(weight), (rng.random() + np.arange(count)) / count)
        at = np.minimum(at, len(weight) - 1)
        values = np.array([one[0] for one in looked])
        # With its own value for a proposal a point's weight is one, as after resampling it is.
        starts = {q: looked[one][2] for q, one in enumerate(at)}
        return Points(scores.theta(at_scores)[0][at], values[at], np.zeros(count), starts, turn + 1)


def _first(scores: Scores, around: Around, look_at, map_: Map) -> SplitT:
    """The first proposal: a Student-t around the mode, split along the axes of the curvature."""
    centre = scores.score(around.mode.theta)
    _, slope = scores.theta(centre)
    values, vectors = np.linalg.eigh(slope[:, None] * around.curvature * slope)
    axes = vectors / np.sqrt(np.maximum(values, _FLATTEST))
    d = len(values)
    sides = [sign * axes[:, q] for sign in (1, -1) for q in range(d)]
    probes = [centre, *(centre + far * side for far in _PROBES for side in sides)]
    top, *reached = (one[1] for one in map_(look_at, probes))
    drop = np.maximum(top - np.array(reached).reshape(len(_PROBES), 2 * d), 1e-3)
    scale = np.clip((np.array(_PROBES)[:, None] / np.sqrt(2 * drop)).max(axis=0), _NARROWEST, _WIDEST)
    return SplitT(centre, axes, scale[:d], scale[d:])


def draw_points(
    posterior: LatentPosterior, draws: int, rng: np.random.Generator, cores: int | None = None
) -> Drawn:
    """The fast engine (`spatialvote.models.latent.fast`) on points that are chosen here.

    Raises
    ------
    ArithmeticError
        Where no Gaussian approximation exists near the start.
    """
    explorer = Explorer(posterior.hypers)
    drawn = draw_fast(posterior, draws, rng, cores, choose=explorer.choose)
    drawn.report |= explorer.report
    # NaN, where k-hat could not be estimated, must not be lost.
    drawn.report["k_hat"] = float(np.maximum(explorer.report["k_hat_points"], drawn.report["k_hat_draws"]))
    return drawn
