"""Times of the sparse Cholesky core on planar maps, and of other libraries where they are installed.

    python benchmarks/cholesky.py [n ...]

The matrix is the Laplacian of a Delaunay triangulation of random points plus the identity. Each time is the
least of many repeats, in milliseconds, on one thread. Of a peer it is the time to factor a matrix with new
values, with the symbolic analysis kept where the library can keep it, and to solve for one right-hand side.
Peers: SciPy (always there), cvxopt, qdldl, cholespy, pypardiso.
"""

import os
import sys
from collections.abc import Callable
from time import perf_counter

import numpy as np
from scipy.sparse import coo_array, csc_array, csc_matrix, csr_matrix, diags_array, eye_array, tril, triu
from scipy.sparse.linalg import splu
from scipy.spatial import Delaunay

from spatialvote.models.cholesky import (
    analyse,
    factorise,
    selected_inverse,
    solve_in_place,
    solve_transposed_in_place,
)
from spatialvote.models.symbolic import COLUMNS, FIELDS, ROWS

#: Districts of the maps.
SIZES = (400, 3_000, 10_000, 35_000)


def planar(n: int) -> csc_array:
    """Laplacian of the Delaunay triangulation of n random points, plus the identity."""
    corners = Delaunay(np.random.default_rng(0).random((n, 2))).simplices
    links = np.unique(np.sort(corners[:, [[0, 1], [1, 2], [0, 2]]].reshape(-1, 2), axis=1), axis=0)
    half = coo_array((np.ones(len(links)), tuple(links.T)), shape=(n, n))
    adjacency = csc_array(half + half.T)
    degree = np.asarray(adjacency.sum(axis=0)).ravel()
    return csc_array(diags_array(degree + 1.0) - adjacency)


def least(call: Callable[[], object], seconds: float = 1.0) -> float:
    """Least time of a call in milliseconds, over at least three calls and the seconds given."""
    call()
    best, end, calls = np.inf, perf_counter() + seconds, 0
    while calls < 3 or perf_counter() < end:
        start = perf_counter()
        call()
        best, calls = min(best, perf_counter() - start), calls + 1
    return 1e3 * best


def ours(matrix: csc_array) -> dict[str, float]:
    """Times of this package."""
    n = matrix.shape[0]
    start = perf_counter()
    pattern = tuple(analyse(matrix))
    times = {"analyse": 1e3 * (perf_counter() - start)}
    factor = factorise(0.0, pattern)
    nodes = pattern[5].reshape(-1, FIELDS)[:-1]
    times["entries / n"] = float((nodes[:, COLUMNS] * nodes[:, ROWS]).sum()) / n
    times["factor"] = least(lambda: factorise(0.0, pattern))
    for columns in (1, 5, 64):
        rhs = np.ones((n, columns))
        times[f"solve {columns}"] = least(lambda rhs=rhs: solve_in_place(factor, pattern, rhs))
    white = np.random.default_rng(0).normal(size=(n, 1000)) if n <= 35_000 else np.ones((n, 0))
    times["1,000 draws"] = least(lambda: solve_transposed_in_place(factor, pattern, white))
    times["selected inverse"] = least(lambda: selected_inverse(factor, pattern))
    return times


def _scipy(matrix: csc_array, rhs: np.ndarray) -> Callable[[], object]:
    options = {"SymmetricMode": True}
    return lambda: splu(matrix, "MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=options).solve(rhs)


def _cvxopt(supernodal: int) -> Callable[[csc_array, np.ndarray], Callable[[], object]]:
    def prepare(matrix, rhs):
        from cvxopt import cholmod, spmatrix
        from cvxopt import matrix as dense

        cholmod.options["supernodal"] = supernodal
        entries = tril(matrix).tocoo()
        lower = spmatrix(entries.data, entries.row, entries.col)
        factor = cholmod.symbolic(lower)

        def call():
            cholmod.numeric(lower, factor)
            cholmod.solve(factor, dense(rhs))

        return call

    return prepare


def _qdldl(matrix: csc_array, rhs: np.ndarray) -> Callable[[], object]:
    from qdldl import Solver

    upper = csc_matrix(triu(matrix))
    solver = Solver(upper, upper=True)

    def call():
        solver.update(upper, upper=True)
        solver.solve(rhs)

    return call


def _cholespy(matrix: csc_array, rhs: np.ndarray) -> Callable[[], object]:
    from cholespy import CholeskySolverD, MatrixType

    start, index = matrix.indptr.astype(np.int32), matrix.indices.astype(np.int32)
    solution = np.empty(rhs.size)
    return lambda: CholeskySolverD(rhs.size, start, index, matrix.data, MatrixType.CSC).solve(rhs, solution)


def _pardiso(matrix: csc_array, rhs: np.ndarray) -> Callable[[], object]:
    from pypardiso import PyPardisoSolver

    upper, column = csr_matrix(triu(matrix)), rhs[:, None]
    solver = PyPardisoSolver(mtype=2)
    solver.factorize(upper)

    def call():
        # Phase 22 is the numerical factorisation alone, 33 the solve.
        for phase in (22, 33):
            solver.set_phase(phase)
            solver._call_pardiso(upper, column)

    return call


PEERS = {
    "SciPy SuperLU": _scipy,
    "CHOLMOD simplicial (cvxopt)": _cvxopt(0),
    "CHOLMOD supernodal (cvxopt)": _cvxopt(2),
    "QDLDL": _qdldl,
    "CHOLMOD (cholespy)": _cholespy,
    "PARDISO (pypardiso)": _pardiso,
}


def peers(matrix: csc_array) -> dict[str, float]:
    """Times of the libraries that are installed."""
    times = {}
    for name, prepare in PEERS.items():
        try:
            call = prepare(matrix, np.ones(matrix.shape[0]))
        except ImportError:
            continue
        times[name] = least(call)
    return times


def main() -> None:
    """Print one row for each size."""
    # Read by the peers when they are loaded.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"
    for n in [int(one) for one in sys.argv[1:]] or SIZES:
        matrix = planar(n)
        # Compiled, or read from the disk, before the first analysis is timed.
        analyse(csc_array(eye_array(3)))
        times = ours(matrix) | peers(matrix)
        print(f"n = {n:,}: " + "; ".join(f"{name} {time:.3g}" for name, time in times.items()), flush=True)


if __name__ == "__main__":
    main()
