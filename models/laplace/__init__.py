r"""The fast engine: a nested Laplace approximation with each district's own effect integrated out first.

=========  =====================================================================================
district   log Z_i(m): the likelihood of one district with its iid effect integrated out
inner      the Gaussian approximation of (structured field, coefficients) at given hyperparameters
slope      the gradient of its log marginal likelihood in the hyperparameters
outer      the mode of the hyperparameters and points around it
draws      weighted joint draws and their weights
engine     all of it, as `fit_laplace`
=========  =====================================================================================
"""
