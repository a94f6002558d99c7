"""From a fit to evidence: effects, checks, maps, reports."""
