"""The engine agrees with a sampler on the same model, written in PyMC."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from scipy.special import expit

from spatialvote.data.turnout_simulate import simulate_register
from spatialvote.models.turnout.model import TurnoutModel
from spatialvote.models.turnout.posterior import TurnoutPosterior


@pytest.mark.slow
def test_rates_agree_with_nuts():
    cells = simulate_register(2, electorate=2500, areas=4).cells
    model = TurnoutModel(interactions=(("group", "area"),), area="iid")
    posterior = TurnoutPosterior.of(model, cells)
    index = [posterior.index[:, k] - start for k, start in enumerate(
        np.cumsum([0, *(term.size for term in posterior.terms)])[:-1])]  # fmt: skip
    curve, departure, area, both = posterior.terms
    constant = curve.variances({"sigma_age": 0.0})
    walk = curve.variances({"sigma_age": 1.0}) - constant
    level = departure.variances({"sigma_group": 1.0, "sigma_group_age": 0.0})
    with pm.Model():
        sd = {h.name: pm.Exponential(h.name, h.prior.code()[1]) for h in posterior.hypers}
        z = pm.Normal("z", 0, 1, shape=curve.nodes)
        common = pt.dot(curve.vectors, z * pt.sqrt(constant + sd["sigma_age"] ** 2 * walk))
        zg = pm.Normal("zg", 0, 1, shape=(departure.copies, departure.nodes))
        scale = pt.sqrt(sd["sigma_group"] ** 2 * level + sd["sigma_group_age"] ** 2 * walk)
        own = pt.dot(zg * scale, curve.vectors.T).ravel()
        eta = posterior.offset + common[index[0]] + own[index[1]]
        eta = eta + sd["sigma_area"] * pm.Normal("za", 0, 1, shape=area.size)[index[2]]
        eta = eta + sd["sigma_group_area"] * pm.Normal("zb", 0, 1, shape=both.size)[index[3]]
        eta = eta + sd["sigma_cell"] * pm.Normal("ze", 0, 1, shape=len(cells.table))
        eta = pm.Deterministic("eta", eta)
        pm.Binomial("y", n=cells.entitled.astype(int), logit_p=eta, observed=cells.voted.astype(int))
        drawn = pm.sample(
            600, tune=600, chains=2, cores=2, random_seed=1, nuts_sampler="nutpie", target_accept=0.9,
            progressbar=False,
        )  # fmt: skip
    reference = expit(drawn["posterior"]["eta"].to_numpy().reshape(-1, len(cells.table)))
    ours = model.fit(cells, seed=1, draws=2000).probability
    off = (ours.mean(axis=0) - reference.mean(axis=0)) / reference.std(axis=0)
    # Means of 1,200 autocorrelated draws are off by 0.1 of a standard deviation at most cells.
    assert np.abs(off).mean() < 0.1
    assert np.abs(off).max() < 0.4
    ratio = ours.std(axis=0) / reference.std(axis=0)
    assert np.median(ratio) == pytest.approx(1, abs=0.07)
