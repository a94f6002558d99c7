# The independent side of the table in docs/levels.md: Rscript benchmarks/levels_lme4.R de_btw2017_wahlkreis_joined.csv
suppressMessages(library(lme4))
d <- read.csv(commandArgs(trailingOnly = TRUE)[1])
for (v in c("foreign_pct","abitur_pct","unemp_pct")) { x <- d[[v]]; d[[v]] <- (x-mean(x))/sqrt(mean((x-mean(x))^2)) }
d$id <- factor(d$WKR_NR)
m <- glmer(cbind(afd, valid-afd) ~ foreign_pct + abitur_pct + unemp_pct + (1+foreign_pct|state) + (1|id), data=d, family=binomial, control=glmerControl(optimizer="bobyqa",optCtrl=list(maxfun=2e5)))
print(summary(m)$coefficients); print(VarCorr(m)); print(coef(m)$state)
