"""Put off what a library imports for parts of it that are not used here, and that takes seconds to load.

Nothing is left out: what stands for a module imports it when a name is looked up in it.
"""

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any


class PutOff(ModuleType):
    """Stands for a module, which is imported when a name is first looked up in it.

    Examples
    --------
    >>> PutOff("json").dumps([1])
    '[1]'
    """

    def __getattr__(self, name: str) -> Any:
        # Python asks for names with underscores while it imports what stands here.
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(importlib.import_module(self.__name__), name)


@contextmanager
def put_off(modules: dict[str, tuple[str, ...]]) -> Iterator[None]:
    """Put off modules while a library is imported that would import them.

    Parameters
    ----------
    modules
        Names of modules, parents first, with the functions that the library takes out of each as it is
        imported. What is imported already stays as it is.

    Examples
    --------
    >>> with put_off({"turtledemo": ()}):
    ...     import turtledemo
    >>> "turtledemo" in sys.modules
    False
    """
    standing = {name: PutOff(name) for name in modules if name not in sys.modules}
    for name, module in standing.items():
        for function in modules[name]:
            setattr(module, function, _called_later(name, function))
        parent, _, last = name.rpartition(".")
        if parent in standing:
            setattr(standing[parent], last, module)
    sys.modules.update(standing)
    try:
        yield
    finally:
        # What imports them from now on gets them.
        for name, module in standing.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]


def _called_later(module: str, name: str) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        return getattr(importlib.import_module(module), name)(*arguments, **named)

    return call
