"""nutpie without ArviZ, which takes seconds to load and serves a conversion that is not used here."""

from spatialvote.data.put_off import put_off

with put_off({"arviz": ()}):
    import nutpie
    from nutpie.compile_pymc import CompiledPyMCModel

__all__ = ["CompiledPyMCModel", "nutpie"]
