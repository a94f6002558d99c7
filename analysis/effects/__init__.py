"""Effects on the scale of the vote: what would be where covariates were other, by district and on average."""
