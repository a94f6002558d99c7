"""Values of covariates that are not known exactly, as unknowns of the model."""
