#!/usr/bin/env python3
"""Golden vectors: the node tests of ONNX for its normalization operators, for the tests in C and in Java.

Run:   python3 make_onnx.py        (needs NumPy; rewrites the onnx_*.txt files beside this script)
Rerun: the bytes are the same.

The shapes, attributes and order of the cases are those of onnx/backend/test/case/node/layernormalization.py,
rmsnormalization.py, groupnormalization.py and instance_normalization.py, and so are the numbers: each function there
starts from seed 0 of NumPy's legacy generator, whose sequence does not change. A file has the name of its test, with
onnx_ for test_. Results are computed here in float64, by the formulas that the operators are defined by
(LayerNormalization-17, RMSNormalization-23, GroupNormalization-21, InstanceNormalization-22), from inputs in float32.

The format is that of layer_norm_*.txt, rms_norm_*.txt and group_norm_*.txt in make_golden.py, without dy and gradients.
Results are off by at most 4 units of 2^-53 of max(|y|, |gamma|, |beta|), or of the statistic.
"""

import numpy as np
from golden_file import GoldenFile

VERSION = f"numpy-{np.__version__}"
DEFAULT_EPSILON = 1e-5


def normal(*shape):
    return np.random.randn(*shape).astype(np.float32)


def add_float32(file, **tensors):
    for name, values in tensors.items():
        file.tensor(name, "f32", values)


def add_float64(file, **tensors):
    for name, values in tensors.items():
        file.tensor(name, "f64", values)


def make_layer_normalization(name, x, axis, epsilon):
    shape = x.shape[axis:]
    gamma, beta = normal(*shape), normal(*shape)
    rows = x.astype(np.float64).reshape(-1, np.prod(shape))
    mean = rows.mean(axis=1, keepdims=True)
    inv_std = 1 / np.sqrt(((rows - mean) ** 2).mean(axis=1, keepdims=True) + epsilon)
    y = (rows - mean) * inv_std * gamma.reshape(-1) + beta.reshape(-1)

    file = GoldenFile(VERSION, rows=rows.shape[0], length=rows.shape[1], data_type="f32", epsilon=epsilon)
    add_float32(file, x=x, gamma=gamma, beta=beta)
    add_float64(file, mean=mean, inv_std=inv_std, y=y)
    file.write("onnx_" + name)


def make_rms_normalization(name, x, axis, epsilon):
    shape = x.shape[axis:]
    gamma = normal(*shape)
    rows = x.astype(np.float64).reshape(-1, np.prod(shape))
    inv_rms = 1 / np.sqrt((rows**2).mean(axis=1, keepdims=True) + epsilon)
    y = rows * inv_rms * gamma.reshape(-1)

    file = GoldenFile(VERSION, rows=rows.shape[0], length=rows.shape[1], data_type="f32", epsilon=epsilon)
    add_float32(file, x=x, gamma=gamma)
    add_float64(file, inv_rms=inv_rms, y=y)
    file.write("onnx_" + name)


def make_group_normalization(name, x, gamma, beta, groups, epsilon):
    n, c = x.shape[:2]
    values = x.astype(np.float64).reshape(n, groups, -1)
    mean = values.mean(axis=2, keepdims=True)
    variance = ((values - mean) ** 2).mean(axis=2, keepdims=True)
    inv_std = 1 / np.sqrt(variance + epsilon)
    y = ((values - mean) * inv_std).reshape(n, c, -1) * gamma.reshape(-1, 1) + beta.reshape(-1, 1)

    file = GoldenFile(
        VERSION, n=n, c=c, s=x[0, 0].size, groups=groups, data_type="f32", layout="ncs", epsilon=epsilon
    )
    add_float32(file, x=x, gamma=gamma, beta=beta)
    add_float64(file, mean=mean, variance=variance, inv_std=inv_std, y=y)
    file.write("onnx_" + name)


def make_every_axis(make, operator, rank, shape, epsilon, suffix=""):
    """One x for all axes; counted from the end, an axis is a case of its own, with parameters of its own."""
    np.random.seed(0)
    x = normal(*shape)
    for axis in range(rank):
        make(f"{operator}_{rank}d_axis{axis}{suffix}", x, axis, epsilon)
        make(f"{operator}_{rank}d_axis_negative_{rank - axis}{suffix}", x, axis, epsilon)


def make_rows(make, operator):
    make_every_axis(make, operator, 2, (3, 4), DEFAULT_EPSILON)
    make_every_axis(make, operator, 3, (2, 3, 5), 1e-1, "_epsilon")
    make_every_axis(make, operator, 4, (2, 3, 4, 5), DEFAULT_EPSILON)
    np.random.seed(0)
    make(f"{operator}_default_axis", normal(2, 3, 4, 5), -1, DEFAULT_EPSILON)


def make_groups():
    for name, epsilon in (("example", DEFAULT_EPSILON), ("epsilon", 1e-2)):
        np.random.seed(0)
        x, gamma, beta = normal(3, 4, 2, 2), normal(4), normal(4)
        make_group_normalization("group_normalization_" + name, x, gamma, beta, 2, epsilon)


def make_instances():
    """Instance normalization is group normalization with a group for each channel."""
    np.random.seed(0)
    x = np.array([[[[-1, 0, 1]], [[2, 3, 4]]]], np.float32)
    gamma, beta = np.array([1, 1.5], np.float32), np.array([0, 1], np.float32)
    make_group_normalization("instancenorm_example", x, gamma, beta, 2, DEFAULT_EPSILON)
    x, gamma, beta = normal(2, 3, 4, 5), normal(3), normal(3)
    make_group_normalization("instancenorm_epsilon", x, gamma, beta, 3, 1e-2)


def main():
    make_rows(make_layer_normalization, "layer_normalization")
    make_rows(make_rms_normalization, "rms_normalization")
    make_groups()
    make_instances()


if __name__ == "__main__":
    main()
