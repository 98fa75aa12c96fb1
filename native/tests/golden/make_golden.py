#!/usr/bin/env python3
"""Golden vectors: what PyTorch computes in float64, for the tests in C and in Java.

Run:   python3 make_golden.py        (needs PyTorch; rewrites the .txt files beside this script)
Rerun: the bytes are the same. Inputs come from Python's own generator; PyTorch runs its plain kernels
       on one thread, so neither the processor nor the number of threads shows in the files.

A file is text. First come lines `key value`, then each tensor as a line `tensor name type count` and
`count` bit patterns in hexadecimal (8 digits for f32, 16 for f64), separated by white space. An array
that a case does not have (gamma, beta: null pointers) is absent. Tensors are in the order of `layout`.
Inputs have the type `data_type` and are exact; results are computed from them in float64 and stored as
f64, also where the data type is f32.

batch_norm_*.txt
  keys     VERSION  n c s  data_type (f32|f64)  layout (ncs|nsc)  epsilon
           momentum (the weight that the OLD running value keeps; 1 - PyTorch's)  unbiased (of running_var)
  inputs   x dy gamma beta running_mean0 running_var0
  results  mean variance                     of the batch; variance is biased and without epsilon
           y dx dgamma dbeta                 forward and backward for training
           running_mean running_var          running_mean0 and running_var0 after one update
           y_inference dx_inference dgamma_inference dbeta_inference
                                             forward and backward by running_mean0 and running_var0
  dgamma and dbeta are there also where gamma and beta are not (ones and zeros then).

split_*.txt: one batch in parts along N, as in synchronized batch normalization; all of the above, and
  part_n                                     the n of each part, as f64; may be 0
  means variances                            parts * c: each part's own statistics; NaN where part_n is 0
  sums_dy sums_dy_x_hat                      parts * c: each part's sums, x_hat by the whole's statistics
  y, dx, dgamma, dbeta are those of the whole batch.

layer_norm_*.txt, rms_norm_*.txt
  keys     VERSION  rows length  data_type  epsilon
  inputs   x dy gamma beta                   no beta in rms_norm_*.txt, and no dbeta
  results  mean inv_std                      of the rows; in rms_norm_*.txt inv_rms
           y dx dgamma dbeta

group_norm_*.txt, instance_norm_*.txt
  keys     VERSION  n c s groups  data_type  layout  epsilon
  inputs   x dy gamma beta
  results  mean variance inv_std             n * groups: of the groups of the images; variance as above
           y dx dgamma dbeta
  instance_norm_*.txt have groups = c and, with the names that batch_norm_*.txt have, running statistics before and
  after one update, momentum, unbiased, and forward and backward by running_mean0 and running_var0.

gradient_descent_*.txt: torch.optim.SGD, velocity starting at zeros
  keys     VERSION  length steps data_type learning_rate momentum weight_decay nesterov (0|1)
           exact (1: every value of every step is exact in data_type, so compare at threshold zero)
  inputs   parameter0 (length)  gradients (steps * length, one step after the other)
  results  parameters, velocities (steps * length): after each step; no velocities where momentum is 0

How far the results themselves are from the formulas, measured in 200-bit arithmetic, in units of 2^-53,
of batch normalization:
  y                17 of max(|y|, |beta|, |y - beta|)     56 in the f32 files, 1e5 in the one with mean 1e4
  dx               6 of |gamma| / sqrt(variance + epsilon)  10 in the f32 files, 3e3 in the one with mean 1e4
  dgamma, dbeta    2 of the sum of the terms' magnitudes     3 in the f32 files, 2e3 in the one with mean 1e4
  mean, variance, running_mean, running_var   4 of max(1, magnitude)  1e3 in the one with mean 1e4
of the others:
  y                13 of max(|y|, |beta|, |y - beta|)     33 in the f32 files, 8e4 in those with mean 1e4
  dx               3 of the sum of its terms' magnitudes    11 in the f32 files, 6e3 in those with mean 1e4
  dgamma, dbeta    2 of the sum of the terms' magnitudes    70 in the f32 files, 2e4 in those with mean 1e4
  statistics       4 of max(1, magnitude), inv_std and inv_rms of themselves    8e3 in those with mean 1e4
The large ones come from PyTorch folding the mean into the offset; one unit of f32 is 5e8 of these units.
"""

import os
import platform
import random

os.environ["ATEN_CPU_CAPABILITY"] = "default"  # read when torch is imported

import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402

from golden_file import GoldenFile  # noqa: E402

TYPES = {"f32": torch.float32, "f64": torch.float64}
VERSION = f"torch-{torch.__version__},python-{platform.python_version()}"
UPDATE_WEIGHT = 0.1


class Inputs:
    """Seeded numbers, rounded to a data type and returned as float64: exact in both."""

    def __init__(self, seed, data_type):
        self.random = random.Random(seed)
        self.dtype = TYPES[data_type]

    def uniform(self, low, high, *shape):
        count = torch.Size(shape).numel()
        values = [low + (high - low) * self.random.random() for _ in range(count)]
        return torch.tensor(values, dtype=torch.float64).to(self.dtype).double().reshape(shape)

    def bell(self, mean, deviation, *shape):
        """About normal: the sum of twelve uniform numbers has variance one."""
        count = torch.Size(shape).numel()
        values = [mean + deviation * (sum(self.random.random() for _ in range(12)) - 6) for _ in range(count)]
        return torch.tensor(values, dtype=torch.float64).to(self.dtype).double().reshape(shape)


def in_layout(tensor, layout):
    """The elements of an N x C x ... tensor in the order they have in memory."""
    return (tensor if layout == "ncs" else tensor.movedim(1, -1)).contiguous()


def spatial_mean_and_variance(x):
    variance, mean = torch.var_mean(x, dim=[d for d in range(x.dim()) if d != 1], correction=0)
    return mean, variance


def to_differentiate(x, gamma, beta, shape):
    """Copies to take gradients by; ones and zeros of that shape where gamma and beta are not."""
    gamma = torch.ones(shape).double() if gamma is None else gamma
    beta = torch.zeros(shape).double() if beta is None else beta
    return (tensor.clone().requires_grad_() for tensor in (x, gamma, beta))


def run_batch_norm(x, dy, gamma, beta, running_mean, running_var, epsilon, training):
    """y, dx, dgamma and dbeta by automatic differentiation; in training the running statistics move."""
    x, gamma, beta = to_differentiate(x, gamma, beta, x.shape[1])
    y = F.batch_norm(x, running_mean, running_var, gamma, beta, training, UPDATE_WEIGHT, epsilon)
    y.backward(dy)
    return y.detach(), x.grad, gamma.grad, beta.grad


def add_tensors(file, data_type, **tensors):
    """Those that are there."""
    for name, values in tensors.items():
        if values is not None:
            file.tensor(name, data_type, values)


def add_gradients(file, layout, suffix, results):
    y, dx, dgamma, dbeta = results
    file.tensor("y" + suffix, "f64", in_layout(y, layout))
    file.tensor("dx" + suffix, "f64", in_layout(dx, layout))
    file.tensor("dgamma" + suffix, "f64", dgamma)
    file.tensor("dbeta" + suffix, "f64", dbeta)


def make_batch_norm(
    name, seed, shape, data_type="f32", layout="ncs", epsilon=1e-5, centre=0.5, affine="gamma beta", part_n=None
):
    channels = shape[1]
    inputs = Inputs(seed, data_type)
    x = inputs.bell(centre, 1.5, *shape)
    dy = inputs.bell(0.1, 1.0, *shape)
    gamma = inputs.uniform(-1.5, 1.5, channels)
    beta = inputs.uniform(-1.0, 1.0, channels)
    running_mean0 = inputs.uniform(centre - 1, centre + 1, channels)
    running_var0 = inputs.uniform(0.5, 3.0, channels)
    gamma = gamma if "gamma" in affine else None
    beta = beta if "beta" in affine else None

    mean, variance = spatial_mean_and_variance(x)
    running_mean, running_var = running_mean0.clone(), running_var0.clone()
    trained = run_batch_norm(x, dy, gamma, beta, running_mean, running_var, epsilon, training=True)
    inferred = run_batch_norm(x, dy, gamma, beta, running_mean0, running_var0, epsilon, training=False)

    file = GoldenFile(
        VERSION,
        n=shape[0],
        c=channels,
        s=torch.Size(shape[2:]).numel(),
        data_type=data_type,
        layout=layout,
        epsilon=epsilon,
        momentum=1 - UPDATE_WEIGHT,
        unbiased=1,
    )
    add_tensors(file, data_type, x=in_layout(x, layout), dy=in_layout(dy, layout), gamma=gamma, beta=beta)
    add_tensors(file, data_type, running_mean0=running_mean0, running_var0=running_var0)
    add_tensors(file, "f64", mean=mean, variance=variance, running_mean=running_mean, running_var=running_var)
    add_gradients(file, layout, "", trained)
    add_gradients(file, layout, "_inference", inferred)
    if part_n is not None:
        add_parts(file, x, dy, mean, variance, epsilon, part_n)
    file.write(name)


def add_parts(file, x, dy, mean, variance, epsilon, part_n):
    """What each part of the batch contributes: its own statistics, and its sums by the whole's."""
    column = [1, -1] + [1] * (x.dim() - 2)
    x_hat = (x - mean.reshape(column)) / torch.sqrt(variance + epsilon).reshape(column)
    rest = [d for d in range(x.dim()) if d != 1]
    means, variances, sums_dy, sums_dy_x_hat = [], [], [], []
    for part_x, part_dy, part_x_hat in zip(x.split(part_n), dy.split(part_n), x_hat.split(part_n)):
        empty = part_x.shape[0] == 0
        nothing = torch.full_like(mean, float("nan"))
        local_mean, local_variance = (nothing, nothing) if empty else spatial_mean_and_variance(part_x)
        means.append(local_mean)
        variances.append(local_variance)
        sums_dy.append(nothing if empty else part_dy.sum(dim=rest))
        sums_dy_x_hat.append(nothing if empty else (part_dy * part_x_hat).sum(dim=rest))
    file.tensor("part_n", "f64", torch.tensor(part_n, dtype=torch.float64))
    file.tensor("means", "f64", torch.stack(means))
    file.tensor("variances", "f64", torch.stack(variances))
    file.tensor("sums_dy", "f64", torch.stack(sums_dy))
    file.tensor("sums_dy_x_hat", "f64", torch.stack(sums_dy_x_hat))


def run_rows(x, dy, gamma, beta, shape, epsilon, rms):
    """y, the statistics of the rows by name, dx, dgamma, dbeta; `shape` is that of the axes normalized together."""
    x, gamma, beta = to_differentiate(x, gamma, beta, shape)
    if rms:
        y = F.rms_norm(x, shape, gamma, epsilon)
        mean_square = x.detach().square().mean(tuple(range(-len(shape), 0)))
        statistics = {"inv_rms": 1 / torch.sqrt(mean_square + epsilon)}
    else:
        y, mean, inv_std = torch.native_layer_norm(x, shape, gamma, beta, epsilon)
        statistics = {"mean": mean, "inv_std": inv_std}
    y.backward(dy)
    return y.detach(), statistics, x.grad, gamma.grad, beta.grad


def make_rows(name, seed, rows, *shape, data_type="f32", epsilon=1e-5, centre=0.5, affine="gamma beta"):
    """Layer normalization of so many rows of that shape; RMS normalization where the name says so."""
    rms = name.startswith("rms_norm")
    inputs = Inputs(seed, data_type)
    x = inputs.bell(centre, 1.5, rows, *shape)
    dy = inputs.bell(0.1, 1.0, rows, *shape)
    gamma = inputs.uniform(-1.5, 1.5, *shape) if "gamma" in affine else None
    beta = inputs.uniform(-1.0, 1.0, *shape) if "beta" in affine and not rms else None
    y, statistics, dx, dgamma, dbeta = run_rows(x, dy, gamma, beta, shape, epsilon, rms)

    file = GoldenFile(VERSION, rows=rows, length=torch.Size(shape).numel(), data_type=data_type, epsilon=epsilon)
    add_tensors(file, data_type, x=x, dy=dy, gamma=gamma, beta=beta)
    add_tensors(file, "f64", **statistics, y=y, dx=dx, dgamma=dgamma, dbeta=None if rms else dbeta)
    file.write(name)


def run_group_norm(x, dy, gamma, beta, groups, epsilon):
    """y, dx, dgamma, dbeta."""
    x, gamma, beta = to_differentiate(x, gamma, beta, x.shape[1])
    y = F.group_norm(x, groups, gamma, beta, epsilon)
    y.backward(dy)
    return y.detach(), x.grad, gamma.grad, beta.grad


def run_instance_norm(x, dy, gamma, beta, running_mean, running_var, epsilon, training):
    """The same; by the statistics of the images in training, when the running ones move, or without running ones."""
    x, gamma, beta = to_differentiate(x, gamma, beta, x.shape[1])
    y = F.instance_norm(x, running_mean, running_var, gamma, beta, training, UPDATE_WEIGHT, epsilon)
    y.backward(dy)
    return y.detach(), x.grad, gamma.grad, beta.grad


def make_group_norm(
    name, seed, shape, groups, data_type="f32", layout="ncs", epsilon=1e-5, centre=0.5, affine="gamma beta"
):
    """Group normalization; instance normalization with running statistics where the name says so."""
    instance = name.startswith("instance_norm")
    channels = shape[1]
    inputs = Inputs(seed, data_type)
    x = inputs.bell(centre, 1.5, *shape)
    dy = inputs.bell(0.1, 1.0, *shape)
    gamma = inputs.uniform(-1.5, 1.5, channels) if "gamma" in affine else None
    beta = inputs.uniform(-1.0, 1.0, channels) if "beta" in affine else None
    variance, mean = torch.var_mean(x.reshape(shape[0], groups, -1), dim=2, correction=0)

    file = GoldenFile(
        VERSION,
        n=shape[0],
        c=channels,
        s=torch.Size(shape[2:]).numel(),
        groups=groups,
        data_type=data_type,
        layout=layout,
        epsilon=epsilon,
        **(dict(momentum=1 - UPDATE_WEIGHT, unbiased=1) if instance else {}),
    )
    add_tensors(file, data_type, x=in_layout(x, layout), dy=in_layout(dy, layout), gamma=gamma, beta=beta)
    add_tensors(file, "f64", mean=mean, variance=variance, inv_std=1 / torch.sqrt(variance + epsilon))
    if instance:
        add_instance_norm(file, inputs, x, dy, gamma, beta, centre, layout, epsilon, data_type)
    else:
        add_gradients(file, layout, "", run_group_norm(x, dy, gamma, beta, groups, epsilon))
    file.write(name)


def add_instance_norm(file, inputs, x, dy, gamma, beta, centre, layout, epsilon, data_type):
    channels = x.shape[1]
    running_mean0 = inputs.uniform(centre - 1, centre + 1, channels)
    running_var0 = inputs.uniform(0.5, 3.0, channels)
    running_mean, running_var = running_mean0.clone(), running_var0.clone()
    trained = run_instance_norm(x, dy, gamma, beta, running_mean, running_var, epsilon, training=True)
    inferred = run_instance_norm(x, dy, gamma, beta, running_mean0, running_var0, epsilon, training=False)
    alone = run_instance_norm(x, dy, gamma, beta, None, None, epsilon, training=True)
    assert all(torch.equal(one, other) for one, other in zip(trained, alone)), "training follows running statistics"
    add_tensors(file, data_type, running_mean0=running_mean0, running_var0=running_var0)
    add_tensors(file, "f64", running_mean=running_mean, running_var=running_var)
    add_gradients(file, layout, "", trained)
    add_gradients(file, layout, "_inference", inferred)


def descend(parameter0, gradients, rule):
    """The parameter and the velocity after each step, in the type of parameter0."""
    parameter = parameter0.clone().requires_grad_()
    optimizer = torch.optim.SGD([parameter], foreach=False, **rule)
    parameters, velocities = [], []
    for gradient in gradients:
        parameter.grad = gradient.clone()
        optimizer.step()
        parameters.append(parameter.detach().clone())
        if rule["momentum"]:
            velocities.append(optimizer.state[parameter]["momentum_buffer"].clone())
    return torch.stack(parameters), torch.stack(velocities) if velocities else None


def make_gradient_descent(name, seed, data_type, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
    length, steps = 11, 5
    inputs = Inputs(seed, data_type)
    write_gradient_descent(
        name,
        data_type,
        inputs.bell(0.5, 1.0, length),
        inputs.bell(0.0, 2.0, steps, length),
        dict(lr=lr, momentum=momentum, weight_decay=weight_decay, nesterov=nesterov),
        exact=False,
    )


def make_exact_gradient_descent(name, data_type, nesterov):
    """Small multiples of 1/4 and rules that are powers of two: no step rounds anything."""
    parameter0 = torch.arange(-5, 6).double() / 4
    gradients = torch.stack([torch.roll(parameter0, k) * (k + 1) for k in range(3)])
    rule = dict(lr=0.25, momentum=0.5, weight_decay=0.125, nesterov=nesterov)
    rounded = descend(parameter0.float(), gradients.float(), rule)
    for in_float, in_double in zip(rounded, descend(parameter0, gradients, rule)):
        assert torch.equal(in_float.double(), in_double), "a step has rounded"
    write_gradient_descent(name, data_type, parameter0, gradients, rule, exact=True)


def write_gradient_descent(name, data_type, parameter0, gradients, rule, exact):
    parameters, velocities = descend(parameter0, gradients, rule)
    file = GoldenFile(
        VERSION,
        length=parameter0.numel(),
        steps=gradients.shape[0],
        data_type=data_type,
        learning_rate=rule["lr"],
        momentum=rule["momentum"],
        weight_decay=rule["weight_decay"],
        nesterov=int(rule["nesterov"]),
        exact=int(exact),
    )
    file.tensor("parameter0", data_type, parameter0)
    file.tensor("gradients", data_type, gradients)
    file.tensor("parameters", "f64", parameters)
    if velocities is not None:
        file.tensor("velocities", "f64", velocities)
    file.write(name)


def main():
    torch.set_num_threads(1)
    make_batch_norm("batch_norm_dense_f32", 1, (16, 5))
    make_batch_norm("batch_norm_nchw_f32", 2, (4, 3, 5, 7))
    make_batch_norm("batch_norm_nhwc_f32", 2, (4, 3, 5, 7), layout="nsc")  # the same values
    make_batch_norm("batch_norm_ncdhw_f32", 3, (2, 3, 2, 3, 4))
    make_batch_norm("batch_norm_one_sample_f32", 4, (1, 2, 67))
    make_batch_norm("batch_norm_one_position_f32", 5, (5, 37), layout="nsc")
    make_batch_norm("batch_norm_one_channel_f32", 6, (4, 1, 29))
    make_batch_norm("batch_norm_mean_1e4_f32", 7, (3, 4, 4, 5), centre=1e4)
    make_batch_norm("batch_norm_nchw_f64", 8, (3, 4, 3, 5), data_type="f64")
    make_batch_norm("batch_norm_nhwc_f64", 9, (3, 5, 2, 4), data_type="f64", layout="nsc")
    make_batch_norm("batch_norm_no_gamma_no_beta_f32", 10, (3, 3, 10), affine="")
    make_batch_norm("batch_norm_gamma_only_f32", 11, (3, 3, 10), affine="gamma")
    make_batch_norm("batch_norm_epsilon_1e-3_f32", 12, (3, 3, 10), epsilon=1e-3)

    make_batch_norm("split_nchw_f32", 13, (9, 4, 2, 3), part_n=[5, 0, 1, 3])
    make_batch_norm("split_dense_f64", 14, (11, 6), data_type="f64", layout="nsc", part_n=[1, 7, 0, 3])

    make_rows("layer_norm_f32", 30, 7, 33)
    make_rows("layer_norm_f64", 31, 6, 17, data_type="f64")
    make_rows("layer_norm_last_two_axes_f32", 32, 3, 4, 5)
    make_rows("layer_norm_one_row_f32", 33, 1, 129)
    make_rows("layer_norm_length_1_f32", 34, 5, 1)
    make_rows("layer_norm_mean_1e4_f32", 35, 4, 20, centre=1e4)
    make_rows("layer_norm_no_gamma_no_beta_f32", 36, 3, 10, affine="")
    make_rows("layer_norm_gamma_only_f32", 37, 3, 10, affine="gamma")
    make_rows("layer_norm_epsilon_1e-3_f64", 38, 3, 10, data_type="f64", epsilon=1e-3)

    make_rows("rms_norm_f32", 40, 7, 33)
    make_rows("rms_norm_f64", 41, 6, 17, data_type="f64")
    make_rows("rms_norm_last_two_axes_f32", 42, 3, 4, 5)
    make_rows("rms_norm_one_row_f32", 43, 1, 129)
    make_rows("rms_norm_length_1_f32", 44, 5, 1)
    make_rows("rms_norm_mean_1e4_f32", 45, 4, 20, centre=1e4)
    make_rows("rms_norm_no_gamma_f64", 46, 3, 10, data_type="f64", affine="")

    make_group_norm("group_norm_nchw_f32", 50, (3, 6, 4, 5), groups=2)
    make_group_norm("group_norm_nhwc_f32", 50, (3, 6, 4, 5), groups=2, layout="nsc")  # the same values
    make_group_norm("group_norm_one_group_f32", 51, (2, 4, 3, 5), groups=1)
    make_group_norm("group_norm_one_group_nhwc_f32", 51, (2, 4, 3, 5), groups=1, layout="nsc")
    make_group_norm("group_norm_a_group_per_channel_f32", 52, (2, 5, 3, 4), groups=5)
    make_group_norm("group_norm_a_group_per_channel_nhwc_f32", 52, (2, 5, 3, 4), groups=5, layout="nsc")
    make_group_norm("group_norm_dense_f32", 53, (5, 12), groups=3)
    make_group_norm("group_norm_nchw_f64", 54, (2, 6, 3, 3), groups=3, data_type="f64")
    make_group_norm("group_norm_nhwc_f64", 55, (2, 6, 3, 3), groups=3, data_type="f64", layout="nsc")
    make_group_norm("group_norm_mean_1e4_f32", 56, (2, 4, 4, 4), groups=2, centre=1e4)
    make_group_norm("group_norm_no_gamma_no_beta_f32", 57, (2, 4, 7), groups=2, affine="")
    make_group_norm("group_norm_gamma_only_f32", 58, (2, 4, 7), groups=2, affine="gamma")
    make_group_norm("group_norm_epsilon_1e-3_f32", 59, (2, 4, 7), groups=2, epsilon=1e-3)

    make_group_norm("instance_norm_nchw_f32", 60, (3, 4, 4, 5), groups=4)
    make_group_norm("instance_norm_nhwc_f32", 60, (3, 4, 4, 5), groups=4, layout="nsc")  # the same values
    make_group_norm("instance_norm_nchw_f64", 61, (2, 3, 3, 5), groups=3, data_type="f64")
    make_group_norm("instance_norm_nhwc_f64", 62, (2, 3, 3, 5), groups=3, data_type="f64", layout="nsc")
    make_group_norm("instance_norm_mean_1e4_f32", 63, (2, 3, 20), groups=3, centre=1e4)
    make_group_norm("instance_norm_no_gamma_no_beta_f32", 64, (2, 3, 10), groups=3, affine="")

    make_gradient_descent("gradient_descent_plain_f32", 20, "f32", lr=0.1)
    make_gradient_descent("gradient_descent_momentum_f32", 21, "f32", lr=0.05, momentum=0.9)
    make_gradient_descent(
        "gradient_descent_nesterov_f32", 22, "f32", lr=0.05, momentum=0.9, weight_decay=0.01, nesterov=True
    )
    make_gradient_descent("gradient_descent_decay_f64", 23, "f64", lr=0.1, weight_decay=0.01)
    make_gradient_descent(
        "gradient_descent_nesterov_f64", 24, "f64", lr=0.05, momentum=0.9, weight_decay=0.01, nesterov=True
    )
    make_exact_gradient_descent("gradient_descent_exact_momentum_f32", "f32", nesterov=False)
    make_exact_gradient_descent("gradient_descent_exact_nesterov_f32", "f32", nesterov=True)


if __name__ == "__main__":
    main()
