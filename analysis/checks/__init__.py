"""The questions a reviewer asks of a fit; each file is one, with the same face: ``run(case) -> checks``."""
