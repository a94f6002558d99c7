"""spatialvote."""
