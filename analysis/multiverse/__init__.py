"""The multiverse: one question asked with every combination of defensible choices (Steegen et al. 2016)."""
