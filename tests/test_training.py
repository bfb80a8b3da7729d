"""Learned filters: principal components by hand, gradients by differences, files good and bad."""

import sys

import numpy as np
import pytest
from scipy.optimize import check_grad

import cnninv_lite
from cnninv_lite import FilterBank, load_filters, pca_filters
from cnninv_lite.book import dictionary_filters, digits, sample_photographs, supervised_filters
from cnninv_lite.book.training import _loss

pytest.importorskip("sklearn")
rng = np.random.default_rng(0)
SMALL = rng.random((3, 2, 9, 8))  # images with two channels


def all_patches(images, ell):
    """Collect every patch by loops."""
    h, w = ell
    return np.array(
        [
            x[:, r : r + h, c : c + w].ravel()
            for x in images
            for r in range(x.shape[1] - h + 1)
            for c in range(x.shape[2] - w + 1)
        ]
    )


def test_pictures():
    images, labels = digits(margin=1)
    assert images.shape == (1797, 1, 10, 10)
    assert sorted(set(labels.tolist())) == list(range(10))
    assert images.min() == 0
    assert images.max() == 1
    assert not images[:, :, 0].any()
    grey, colour = sample_photographs(shrink=4), sample_photographs(shrink=4, colour=True)
    assert (grey.shape, colour.shape) == ((2, 1, 106, 160), (2, 3, 106, 160))
    np.testing.assert_allclose(grey[:, 0], colour.mean(axis=1))
    assert 0 <= colour.min() < colour.max() <= 1


def test_principal_components_are_those_of_all_patches():
    ell = (3, 2)
    w = pca_filters(SMALL, 12, ell)
    assert w.shape == (12, 2, 3, 2)
    flat = w.reshape(12, -1)
    np.testing.assert_allclose(flat @ flat.T, np.eye(12), atol=1e-12)
    variance = np.var(all_patches(SMALL, ell) @ flat.T, axis=0)
    assert np.all(np.diff(variance) < 1e-12)
    values = np.linalg.eigvalsh(np.cov(all_patches(SMALL, ell).T, bias=True))[::-1]
    np.testing.assert_allclose(variance, values, atol=1e-12)
    assert (np.take_along_axis(flat, np.abs(flat).argmax(axis=1)[:, None], axis=1) > 0).all()
    np.testing.assert_array_equal(w[:5], pca_filters(SMALL, 5, ell))


def test_principal_components_of_signals():
    x = np.cumsum(rng.standard_normal((2, 3, 200)), axis=-1)
    assert pca_filters(x, 4, 7).shape == (4, 3, 7)
    np.testing.assert_allclose(pca_filters(x[0], 4, 7), pca_filters(x[:1], 4, 7))


def test_dictionary():
    images = sample_photographs(shrink=8)
    w = dictionary_filters(images, 6, (2, 2), rng=1)
    assert w.shape == (6, 1, 2, 2)
    np.testing.assert_allclose(np.linalg.norm(w.reshape(6, -1), axis=1), 1)
    np.testing.assert_allclose(w, dictionary_filters(images, 6, (2, 2), rng=np.random.default_rng(1)))
    assert not np.allclose(w, dictionary_filters(images, 6, (2, 2), rng=2))
    assert dictionary_filters(np.sin(np.arange(60.0))[None], 3, 5, rng=0).shape == (3, 1, 5)


@pytest.mark.parametrize(
    ("inputs", "shapes"),
    [((1, 8, 7), [(3, 1, 3, 3), (2, 28)]), ((2, 14), [(3, 2, 4), (2, 3, 3), (2, 5)])],
    ids=["one layer of images", "two layers of signals"],
)
def test_gradient(inputs, shapes):
    x = rng.standard_normal((6, *inputs))
    target = np.eye(2)[rng.integers(0, 2, 6)]
    vector = rng.standard_normal(sum(int(np.prod(shape)) for shape in shapes))
    args = (x, target, shapes)
    error = check_grad(lambda v: _loss(v, *args)[0], lambda v: _loss(v, *args)[1], vector)
    assert error < 1e-5 * np.linalg.norm(_loss(vector, *args)[1])


def test_training_learns_and_repeats():
    images, labels = digits()
    images, labels = images[:150], labels[:150]
    one = supervised_filters(images, labels, 6, 3, iterations=8, rng=0)
    assert one.shape == (6, 1, 3, 3)
    np.testing.assert_array_equal(one, supervised_filters(images, labels, 6, 3, iterations=8, rng=0))
    two = supervised_filters(images, labels, (4, 5), (3, 3), iterations=3, rng=0)
    assert [w.shape for w in two] == [(4, 1, 3, 3), (5, 4, 3, 3)]
    start, middle, end = supervised_filters(images, labels, 6, 3, iterations=(1, 4, 8), rng=0)
    assert not np.allclose(middle, start)
    np.testing.assert_array_equal(middle, supervised_filters(images, labels, 6, 3, iterations=4, rng=0))
    np.testing.assert_array_equal(end, one)


def test_load(tmp_path):
    w = rng.standard_normal((4, 3, 2, 5))
    np.save(tmp_path / "one.npy", w.astype(np.float32))
    np.savez(tmp_path / "one.npz", w=w)
    np.savez(tmp_path / "two.npz", first=w, second=w[:2])
    assert load_filters(tmp_path / "one.npy").dtype == np.float32
    np.testing.assert_array_equal(load_filters(str(tmp_path / "one.npz")), w)
    np.testing.assert_array_equal(load_filters(tmp_path / "two.npz", name="second"), w[:2])
    assert FilterBank(load_filters(w.tolist()), (3, 9, 9)).K == 4


def test_bad_files(tmp_path):
    np.savez(tmp_path / "two.npz", first=np.ones((2, 1, 3)), second=np.ones((2, 1, 3)))
    np.save(tmp_path / "flat.npy", np.ones(5))
    np.save(tmp_path / "object.npy", np.array([{}], dtype=object), allow_pickle=True)
    (tmp_path / "text.npy").write_text("hello")
    (tmp_path / "empty.npy").write_bytes(b"")
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04 no archive")
    for name, error, said in (
        ("missing.npy", FileNotFoundError, "no file .*missing.npy"),
        ("text.npy", ValueError, "not a .npy or .npz file"),
        ("empty.npy", ValueError, "not a .npy or .npz file"),
        ("object.npy", ValueError, "not a .npy or .npz file"),
        ("broken.npz", ValueError, "not a .npy or .npz file"),
        ("two.npz", ValueError, "'first', 'second'; but got None"),
        ("flat.npy", ValueError, r"filters must have shape .* \(5,\)"),
    ):
        with pytest.raises(error, match=said):
            load_filters(tmp_path / name)
    with pytest.raises(ValueError, match="'first', 'second'; but got 'third'"):
        load_filters(tmp_path / "two.npz", name="third")
    with pytest.raises(TypeError, match=r"name is for \.npz files"):
        load_filters(np.ones((2, 1, 3)), name="w")


LABELS = np.array([0, 1, 1])


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: pca_filters(SMALL, 13, (3, 2)), ValueError, r"K must be at most M \|ell\| = 12"),
        (lambda: pca_filters(SMALL, 2, (10, 2)), ValueError, "images must have shape"),
        (lambda: pca_filters(SMALL, 2, (2, 2, 2)), ValueError, "images must have shape"),
        (lambda: pca_filters(SMALL * np.nan, 2, (2, 2)), ValueError, "images must be finite"),
        (lambda: pca_filters(SMALL[:0], 2, (2, 2)), ValueError, "at least one image"),
        (lambda: pca_filters(SMALL, 0, (2, 2)), ValueError, "K must be an integer >= 1"),
        (lambda: dictionary_filters(SMALL, 2, (2, 2), alpha=0), ValueError, "alpha must be"),
        (lambda: dictionary_filters(SMALL, 2, (2, 2), alpha="much"), TypeError, "alpha must be"),
        (lambda: dictionary_filters(np.ones((1, 5, 5)), 2, (2, 2)), ValueError, "must not be constant"),
        (
            lambda: supervised_filters(SMALL, LABELS[:2], 2, 3),
            ValueError,
            r"shapes \(3, 2, 9, 8\) and \(2,\)",
        ),
        (lambda: supervised_filters(SMALL, LABELS / 2, 2, 3), ValueError, "float64"),
        (lambda: supervised_filters(SMALL, LABELS, 2, 10), ValueError, "leave room"),
        (lambda: supervised_filters(SMALL, LABELS, (2, 2), 6), ValueError, "leave room"),
        (lambda: supervised_filters(SMALL, LABELS, 2, 3, iterations=0), ValueError, "iterations must be"),
        (lambda: digits(margin=-1), ValueError, "margin must be"),
        (lambda: sample_photographs(shrink=500), ValueError, "shrink must be"),
    ],
)
def test_bad_calls(call, error, said):
    with pytest.raises(error, match=said):
        call()


def test_without_scikit_learn(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    monkeypatch.setitem(sys.modules, "sklearn.decomposition", None)
    for name, call in (
        ("digits", digits),
        ("sample_photographs", sample_photographs),
        ("dictionary_filters", lambda: dictionary_filters(SMALL, 2, (2, 2))),
    ):
        with pytest.raises(ImportError, match=rf"{name} needs scikit-learn.*pip install '\.\[book\]'"):
            call()


def test_without_matplotlib(monkeypatch):
    monkeypatch.setattr(cnninv_lite, "book", cnninv_lite.book)  # what is imported below is undone again
    for name in [
        m for m in sys.modules if m.split(".")[0] == "matplotlib" or m.startswith("cnninv_lite.book")
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    import cnninv_lite.book as book

    for name in ("use_style", "show_matrix"):
        with pytest.raises(ImportError, match=rf"{name} needs matplotlib.*pip install '\.\[book\]'"):
            getattr(book, name)
    with pytest.raises(ImportError, match="eeg needs matplotlib"):
        book.eeg()
