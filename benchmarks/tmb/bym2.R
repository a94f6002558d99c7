# Fit the binomial BYM2 with TMB and draw 1,000 times from its joint normal approximation.
#
#   Rscript bym2.R <folder of the compiled template> <folder of the data> <repeats>
#
# The folder of the data holds districts.csv (votes, size, columns of the design), links.csv (i, j from one,
# value: upper triangle of the scaled Laplacian) and priors.csv (mean, sd, rate). The results go to result.csv
# there: one line of name,value for every figure of every repeat.
#
# A ridge of 1e-6 on the Laplacian makes the level of phi proper: its other eigenvalues are above 1e-4, so they
# hardly move, and unlike a penalty on the sum, or an exact constraint, it leaves the Hessian sparse. What the
# level of phi adds to the intercept is a matter of the two alone; slopes, sigma and rho do not depend on it.

suppressPackageStartupMessages({
  library(TMB)
  library(Matrix)
})

RIDGE <- 1e-6
DRAWS <- 1000
BLOCK <- 100  # draws at a time, so that only eta is held for all of them

memory <- function(field) {
  # Kilobytes, from the kernel: VmRSS now, VmHWM the most since the last reset.
  line <- grep(paste0("^", field), readLines("/proc/self/status"), value = TRUE)
  as.numeric(gsub("[^0-9]", "", line))
}

fit <- function(data) {
  start <- list(log_sigma = log(0.5), logit_rho = 0, beta = data$prior_mean,
                phi = numeric(nrow(data$X)), eta = qlogis((data$votes + 0.5) / (data$size + 1)))
  object <- MakeADFun(data, start, random = c("beta", "phi", "eta"), DLL = "bym2", silent = TRUE)
  best <- nlminb(object$par, object$fn, object$gr)
  report <- sdreport(object, getJointPrecision = TRUE, skip.delta.method = TRUE)
  mode <- object$env$last.par.best
  precision <- report$jointPrecision
  name <- rownames(precision)
  stopifnot(identical(name, names(mode)))
  factor <- Cholesky(precision, LDL = FALSE, super = TRUE)
  slope <- which(name == "beta")[2]
  unit <- numeric(length(name))
  unit[slope] <- 1
  eta <- matrix(0, DRAWS, nrow(data$X))
  for (first in seq(1, DRAWS, BLOCK)) {
    white <- matrix(rnorm(length(name) * BLOCK), ncol = BLOCK)
    drawn <- solve(factor, solve(factor, white, system = "Lt"), system = "Pt")
    eta[first:(first + BLOCK - 1), ] <- t(mode[name == "eta"] + as.matrix(drawn)[name == "eta", ])
  }
  list(converged = best$convergence == 0,
       slope_mean = mode[slope],
       slope_sd = sqrt(as.numeric(solve(factor, unit)[slope])),
       log_sigma_mean = report$par.fixed[["log_sigma"]],
       log_sigma_sd = sqrt(report$cov.fixed["log_sigma", "log_sigma"]),
       logit_rho_mean = report$par.fixed[["logit_rho"]],
       logit_rho_sd = sqrt(report$cov.fixed["logit_rho", "logit_rho"]),
       share_mean = mean(plogis(eta)))
}

arguments <- commandArgs(trailingOnly = TRUE)
dyn.load(file.path(arguments[1], paste0("bym2", .Platform$dynlib.ext)))
districts <- read.csv(file.path(arguments[2], "districts.csv"))
links <- read.csv(file.path(arguments[2], "links.csv"))
priors <- read.csv(file.path(arguments[2], "priors.csv"))
laplacian <- sparseMatrix(links$i, links$j, x = links$value, dims = rep(nrow(districts), 2), symmetric = TRUE)
data <- list(votes = districts$votes, size = districts$size,
             X = as.matrix(districts[, -(1:2)]),
             R = as(laplacian + RIDGE * Diagonal(nrow(districts)), "generalMatrix"),
             prior_mean = priors$mean, prior_sd = priors$sd, rate = priors$rate[1])
set.seed(2026)

lines <- character(0)
for (turn in seq_len(as.integer(arguments[3]))) {
  invisible(gc(full = TRUE))
  if (file.access("/proc/self/clear_refs", 2) == 0) cat("5", file = "/proc/self/clear_refs")
  before <- memory("VmRSS")
  clock <- proc.time()
  result <- fit(data)
  spent <- proc.time() - clock
  result <- c(wall = spent[["elapsed"]], cpu = sum(spent[-3]),
              resident_kb = before, peak_kb = memory("VmHWM"), result)
  value <- vapply(result, function(x) format(as.numeric(x), digits = 12), "")
  lines <- c(lines, paste(turn, names(result), value, sep = ","))
  if (result$wall > 30) break
}
about <- c(R = paste(R.version$major, R.version$minor, sep = "."), TMB = format(packageVersion("TMB")),
           Matrix = format(packageVersion("Matrix")), BLAS = basename(dirname(normalizePath(extSoftVersion()[["BLAS"]]))))
writeLines(c(lines, paste("about", names(about), about, sep = ",")), file.path(arguments[2], "result.csv"))
