"""VGG-16 on one photograph of 224 x 224 pixels, up and down, with the module and with torch."""

from dataclasses import replace

import numpy as np

from cnninv_lite import Network
from cnninv_lite.book import to_vgg, vgg16


def workloads(dtype):
    """Yield (workload, calls): ours first, then torch's.

    Up gives the last code. Down starts at this code, with its switches and masks. Both programs get ours
    there, because in 32 bit a near tie may be broken otherwise.
    """
    import torch
    import torch.nn.functional as F
    from sklearn.datasets import load_sample_image

    picture = load_sample_image("china.jpg")[100:324, 200:424].transpose(2, 0, 1) / 255
    x = to_vgg(picture).astype(dtype)
    layers = [replace(layer, filters=layer.filters.astype(dtype)) for layer in vgg16().layers]
    net = Network(layers, x.shape)
    codes = net.encode(x)
    tensor = lambda a: torch.from_numpy(np.array(a))  # noqa: E731
    windows = [layer.window for layer in layers]
    filters, biases = ([tensor(getattr(one, name)) for one in layers] for name in ("filters", "bias"))
    held = [(tensor(code.switches)[None], tensor(code.kept)[None]) for code in codes]

    def up():
        y = tensor(x)[None]
        for w, b, window in zip(filters, biases, windows):
            y = F.relu(F.conv2d(y, w, b, padding=1))
            if window[0] > 1:
                y, _ = F.max_pool2d(y, window, return_indices=True)
        return y.numpy()[0]

    def down():
        y = tensor(codes[-1].values)[None]
        for w, window, (switches, kept) in zip(filters[::-1], windows[::-1], held[::-1]):
            y = y * kept
            if window[0] > 1:
                y = F.max_unpool2d(y, switches, window)
            y = F.conv_transpose2d(y, w, padding=1)
        return y.numpy()[0]

    yield "up", {"ours": lambda: net.encode(x)[-1].values, "torch": up}
    yield "down", {"ours": lambda: net.decode(codes), "torch": down}
