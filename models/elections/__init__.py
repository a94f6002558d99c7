"""Elections over time: an effect's path, persistent and changing space, on the core of `models.latent`."""
