"""libpysal's `Graph` without what libpysal imports beside it.

Its example data sets bring a web client, its kernels and matching scikit-learn and SciPy's statistics:
together about half of the time that importing it takes.
"""

from typing import TYPE_CHECKING

from spatialvote.data.put_off import put_off

if TYPE_CHECKING:
    from libpysal.graph import Graph
else:
    with put_off(
        {
            "requests": (),
            "bs4": ("BeautifulSoup",),
            "sklearn": (),
            "sklearn.metrics": ("pairwise_distances",),
            "sklearn.neighbors": (),
            "scipy.stats": (),
        }
    ):
        from libpysal.graph import Graph

__all__ = ["Graph"]
