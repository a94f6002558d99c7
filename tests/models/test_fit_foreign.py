"""Files that no fit was saved to: nothing in them is executed, and they are refused with one message."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from spatialvote.data.errors import FitError
from spatialvote.data.simulate import simulate_city
from spatialvote.models.fit import Fit
from spatialvote.models.vote_share import VoteShareModel


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return self.path.write_text, ("sprung",)


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> bytes:
    """A saved fit."""
    city = simulate_city(seed=2, n_districts=30).districts
    fit = VoteShareModel("national_list ~ migrant_share").fit(
        city, engine="laplace", seed=1, draws=100, progress=False
    )
    return fit.save(tmp_path_factory.mktemp("fit") / "fit.nc").read_bytes()


def opaque(file: h5py.File, payload: bytes) -> None:
    file["posterior"].create_dataset("extra", data=np.void(payload))


def sequence_of_bytes(file: h5py.File, payload: bytes) -> None:
    extra = file["posterior"].create_dataset("extra", (1,), dtype=h5py.vlen_dtype(np.uint8))
    extra[0] = np.frombuffer(payload, np.uint8)


def reference(file: h5py.File, payload: bytes) -> None:
    extra = file["posterior"].create_dataset("extra", (1,), dtype=h5py.ref_dtype)
    extra[0] = file["posterior"].ref


def compound(file: h5py.File, payload: bytes) -> None:
    file["posterior"].create_dataset("extra", data=np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]))


def pickled_model(file: h5py.File, payload: bytes) -> None:
    file.attrs["model"] = np.void(payload)


def long_record(file: h5py.File, payload: bytes) -> None:
    _text(file, "record", json.dumps({"note": "x" * 50_000_001}))


def nested_model(file: h5py.File, payload: bytes) -> None:
    _text(file, "model", "[" * 200_000)


def _text(file: h5py.File, name: str, text: str) -> None:
    del file.attrs[name]
    file.attrs.create(name, text, dtype=h5py.string_dtype())


FOREIGN = "holds what are neither numbers nor text .'posterior/extra'."


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (opaque, FOREIGN),
        (sequence_of_bytes, FOREIGN),
        (reference, FOREIGN),
        (compound, FOREIGN),
        (pickled_model, "contents of '.*' are damaged"),
        (long_record, "the record in '.*' has 50,000,0.. letters, and 50,000,000 at most are read"),
        (nested_model, "contents of '.*' are damaged"),
    ],
)
def test_what_a_fit_never_holds_is_refused(
    saved: bytes, tmp_path: Path, change: Callable[[h5py.File, bytes], None], told: str
):
    path, sprung = tmp_path / "fit.nc", tmp_path / "sprung"
    path.write_bytes(saved)
    with h5py.File(path, "r+") as file:
        change(file, pickle.dumps(Trap(sprung)))
    with pytest.raises(FitError, match=told):
        Fit.load(path)
    assert not sprung.exists()


def test_a_pickle_is_no_fit(tmp_path: Path):
    path, sprung = tmp_path / "fit.nc", tmp_path / "sprung"
    path.write_bytes(pickle.dumps(Trap(sprung)))
    with pytest.raises(FitError, match="cannot be read as netCDF"):
        Fit.load(path)
    assert not sprung.exists()
    # The trap itself works.
    pickle.loads(path.read_bytes())
    assert sprung.exists()
