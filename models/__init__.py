"""What is estimated, and how: specification, structures, families, engines, fits."""
