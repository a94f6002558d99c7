"""The quadrature rule of one district: nine Gauss-Hermite nodes on the scale of a standard normal.

numba freezes these values into what is compiled with them.
"""

import numpy as np

_NODES, _WEIGHTS = np.polynomial.hermite.hermgauss(9)
#: Nodes in standard deviations, and log of weight / exp(-s^2), s = node / sqrt 2.
NODE = np.sqrt(2.0) * _NODES
LOG_WEIGHT = np.log(_WEIGHTS) + _NODES**2
