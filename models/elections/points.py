r"""Points of many hyperparameters with few evaluations: adaptive multiple importance sampling.

`spatialvote.models.laplace.outer.choose_points` keeps the points of its last round and asks that their
weights be even; with six hyperparameters, some of them near zero, that takes thousands of evaluations. Here
**every** evaluation counts: the points of all rounds are weighed against the mixture of the proposals that
made them (Cornuet et al. 2012; the balance heuristic of Veach and Guibas 1995), the weights are
Pareto-smoothed, and points are resampled to equal weights. Rounds go on until the shape of the weights' tail
says that they can be trusted and enough points share the weight.

References
----------
Cornuet, J.-M., Marin, J.-M., Mira, A., Robert, C. P. (2012). Adaptive multiple importance sampling.
Scandinavian Journal of Statistics 39.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy.special import logsumexp

from spatialvote.models.laplace.outer import Around, Explorable, Map, Points, look, split_t
from spatialvote.models.laplace.proposals import Mixture, SplitT, propose
from spatialvote.models.laplace.target import Start
from spatialvote.models.laplace.weigh import smooth
from spatialvote.models.latent.fast import Drawn, draw_fast
from spatialvote.models.latent.posterior import LatentPosterior

#: Proposals of a round (Sobol points come in powers of two), and rounds.
_ROUND, _LEAST_ROUNDS, _MOST_ROUNDS = 256, 3, 6
#: The next proposal is made of weights to this power: the density of a small standard deviation falls only
#: exponentially in its logarithm, and what a proposal does not reach no weight can restore.
_TEMPER = 0.5
#: Rounds end where the Pareto k is below this and so many points share the weight.
_TRUSTED_K, _EFFECTIVE = 0.5, 250.0


@dataclass
class Explorer:
    """Chooses points, and remembers how good they are.

    Attributes
    ----------
    report
        ``k_hat_points``, ``effective_points`` and ``evaluations``, once points were chosen.
    """

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

        def look_at(theta: np.ndarray) -> tuple[float, Start]:
            return look(target, around, theta)

        first = split_t(target, around, map_)
        proposals: list[SplitT | Mixture] = [first]
        thetas, values, starts = np.empty((0, len(target.names))), np.empty(0), []
        turn, weight, effective, k = 0, np.empty(0), 0.0, np.inf
        for turn in range(_MOST_ROUNDS):
            batch = propose(proposals[-1], _ROUND, rng)
            looked = map_(look_at, list(batch))
            thetas = np.vstack([thetas, batch])
            values = np.r_[values, [one[0] for one in looked]]
            starts += [one[1] for one in looked]
            made = logsumexp([one.log_density(thetas) for one in proposals], axis=0) - np.log(turn + 1)
            smoothed, k = smooth(values - made)
            weight = np.exp(smoothed - logsumexp(smoothed))
            effective = 1 / (weight**2).sum()
            if turn + 1 >= _LEAST_ROUNDS and k < _TRUSTED_K and effective >= _EFFECTIVE:
                break
            tempered = _TEMPER * smoothed
            proposals.append(Mixture.around(thetas, np.exp(tempered - logsumexp(tempered)), first))
        self.report = {
            "k_hat_points": float(k),
            "effective_points": float(effective),
            "evaluations": len(thetas),
        }
        # Systematic resampling: a point of weight w is taken floor(count w) or one more times.
        at = np.searchsorted(np.cumsum(weight), (rng.random() + np.arange(count)) / count)
        at = np.minimum(at, len(weight) - 1)
        # With its own value for a proposal a point's weight is one, as after resampling it is.
        return Points(thetas[at], values[at], dict(enumerate(starts[one] for one in at)), turn + 1)


def draw_points(
    posterior: LatentPosterior, draws: int, rng: np.random.Generator, cores: int | None = None
) -> Drawn:
    """The fast engine (`spatialvote.models.latent.fast`) on points that are chosen here.

    Raises
    ------
    ArithmeticError
        Where no Gaussian approximation exists near the start.
    """
    explorer = Explorer()
    drawn = draw_fast(posterior, draws, rng, cores, choose=explorer.choose)
    drawn.report |= explorer.report
    # NaN, where k-hat could not be estimated, must not be lost.
    drawn.report["k_hat"] = float(np.maximum(explorer.report["k_hat_points"], drawn.report["k_hat_draws"]))
    return drawn
