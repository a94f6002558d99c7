"""nutpie without ArviZ, which takes seconds to load and serves a conversion that is not used here.

ArviZ is put off, not left out: nutpie's own conversion finds it when it is called.
"""

import importlib
import sys
from types import ModuleType


class PutOff(ModuleType):
    """Stands for a module, which is imported when a name is first looked up in it.

    Examples
    --------
    >>> PutOff("json").dumps([1])
    '[1]'
    """

    def __getattr__(self, name: str) -> object:
        # Python asks for names with underscores while it imports what stands here.
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(importlib.import_module(self.__name__), name)


_early = "arviz" not in sys.modules
if _early:
    sys.modules["arviz"] = PutOff("arviz")
try:
    import nutpie
    from nutpie.compile_pymc import CompiledPyMCModel
finally:
    # What imports ArviZ from now on gets it.
    if _early:
        del sys.modules["arviz"]

__all__ = ["CompiledPyMCModel", "nutpie"]
