r"""Models with several latent terms: fields, varying slopes and their products, beside an effect of each row.

    eta = X b + sum_k A_k z_k + e,      z_k ~ N(0, Q_k(theta)^-),   C_k z_k = 0,   e_i ~ N(0, s^2(theta))

A row is a district, or a district at an election. The parts, in the order in which they are used:

=============  =======================================================================================
`term`         `Hyper` and `Term`: what a latent term is; `terms` has the common ones
`posterior`    `LatentPosterior`: votes, sizes, X, terms, the variance of e, and priors
`layout`       all terms in one sparse system; found once for a posterior
`system`       compiled: one factor of Q + A'HA, constraints by projection, b by its Schur complement
`inner`        compiled: Newton's method on (z, b) with e integrated out row by row
`target`       the approximate log posterior of theta and its gradient; `fast` draws from it
`exact`        NUTS on (theta, eta) with z and b integrated out
=============  =======================================================================================

Both engines give `fast.Drawn`, from which `named.named_draws` makes named arrays:

    drawn = draw_fast(posterior, 1000, rng)    or    drawn, _ = draw_exact(posterior, NutsSettings(), rng)
    variables = named_draws(posterior, drawn)

Rows and z are not tied to districts: a term over districts and elections has its A, T_m and constraints over
both. Constraints are dense in the solves (some hundred at most); a term that sums to zero over time, too,
best takes orthonormal contrasts B of time: z = fields of each contrast, A = B (x) I, T = R / eigenvalue.
"""
