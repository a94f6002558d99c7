// The binomial BYM2 for TMB, with the same likelihood and priors as the package's.
//
//   votes_i ~ Binomial(size_i, logit^-1(eta_i))
//   eta ~ N(X beta + sigma sqrt(rho) phi, sigma^2 (1 - rho) I),   phi ~ N(0, R^-1)
//
// eta, phi and beta are random effects, integrated out jointly by TMB's Laplace approximation; log sigma and
// logit rho are what the marginal likelihood is maximised over. eta rather than theta is what is integrated:
// the same approximation, but eta stays where the votes put it when sigma moves, so that fewer Newton steps
// are needed. R is the scaled Laplacian plus a small ridge (see bym2.R), a constant, so that its determinant
// is left out.
#include <TMB.hpp>

template <class Type>
Type objective_function<Type>::operator()() {
  DATA_VECTOR(votes);
  DATA_VECTOR(size);
  DATA_MATRIX(X);
  DATA_SPARSE_MATRIX(R);
  DATA_VECTOR(prior_mean);  // of the coefficients
  DATA_VECTOR(prior_sd);
  DATA_SCALAR(rate);  // of the exponential prior of sigma
  PARAMETER(log_sigma);
  PARAMETER(logit_rho);
  PARAMETER_VECTOR(beta);
  PARAMETER_VECTOR(phi);
  PARAMETER_VECTOR(eta);

  Type sigma = exp(log_sigma);
  Type rho = invlogit(logit_rho);
  vector<Type> mean = X * beta + sigma * sqrt(rho) * phi;

  Type density = dnorm(beta, prior_mean, prior_sd, true).sum();
  density += log_sigma - rate * sigma;        // exponential, Jacobian of log sigma
  density += log(rho) + log(Type(1) - rho);   // uniform, Jacobian of logit rho
  density -= Type(0.5) * (phi * (R * phi)).sum();
  density += dnorm(eta, mean, sigma * sqrt(Type(1) - rho), true).sum();
  density += dbinom_robust(votes, size, eta, true).sum();
  return -density;
}
