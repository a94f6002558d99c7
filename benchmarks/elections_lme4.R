# Elections over time without space, by lme4: Rscript elections_lme4.R rows.csv
suppressMessages(library(lme4))
rows <- read.csv(commandArgs(trailingOnly = TRUE)[1])
rows$election <- factor(rows$election)
rows$row <- seq_len(nrow(rows))
fit <- glmer(
  cbind(votes, valid - votes) ~ 0 + election + election:z + w + (1 | district) + (1 | row),
  data = rows, family = binomial, control = glmerControl(optimizer = "bobyqa", calc.derivs = FALSE)
)
print(coef(summary(fit))[, 1:2], digits = 4)
print(VarCorr(fit), digits = 4)
