"""PyTorch: the operators behind torch.nn.BatchNorm2d, as fast as they can be called from Python."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import Any, Sequence

import runner
from runner import EPSILON, UPDATE_WEIGHT, Call, Case

torch = runner.library("torch", "torch")

Tensor = Any  # torch.Tensor, where PyTorch can be imported
TYPES = {"f32": torch.float32, "f64": torch.float64, "bf16": torch.bfloat16, "f16": torch.float16}

# The forward operator writes into given tensors. The `out` form of the backward operator computes into new tensors and
# copies them, so it is called without: what it returns is freed at once, and the allocator hands the memory out again.
# torch.nn.functional.batch_norm and the modules end in the same kernels, a few microseconds later. The residual is
# added and ReLU taken in place, and backward ReLU writes into a given tensor.
native_batch_norm = torch.native_batch_norm
native_batch_norm_backward = torch.ops.aten.native_batch_norm_backward.default
threshold_backward = torch.ops.aten.threshold_backward.grad_input

# The `out` forms of these compute into new tensors and copy them, forward too. torch.nn.functional ends in them.
native_layer_norm = torch.native_layer_norm
native_layer_norm_backward = torch.ops.aten.native_layer_norm_backward.default
native_group_norm = torch.native_group_norm
native_group_norm_backward = torch.ops.aten.native_group_norm_backward.default


class PyTorch:
    version = f"PyTorch {torch.__version__.split('+')[0]}"

    def prepare(self, case: Case) -> Call:
        if case.layout not in ("nchw", "nhwc"):
            raise runner.Unsupported(f"PyTorch has no layout {case.layout}")
        torch.set_num_threads(case.threads)
        is_backward = case.pass_ == "backward-training"
        if case.is_batch_norm:
            return backward(case) if is_backward else forward(case)
        if case.operation == "layer-norm":
            return layer_norm_backward(case) if is_backward else layer_norm(case)
        if case.operation == "rms-norm":
            return rms_norm_backward(case) if is_backward else rms_norm(case)
        return group_norm_backward(case) if is_backward else group_norm(case)

    def raw(self, case: Case, output: Tensor) -> bytearray:
        if case.layout == "nhwc" and output.dim() == 4:
            output = output.movedim(1, -1)
        data = bytearray(output.numel() * output.element_size())
        torch.frombuffer(data, dtype=output.dtype).copy_(output.reshape(-1))
        return data


def forward(case: Case) -> Call:
    """Returns y, and what native_batch_norm gives beside it."""
    x, gamma, beta = tensor(case, "x"), parameter(case, "gamma"), parameter(case, "beta")
    running_mean, running_var = parameter(case, "running_mean"), parameter(case, "running_var")
    training = case.pass_ == "forward-training"
    mean, inv_std = torch.empty(2, case.channels if training else 0, dtype=gamma.dtype)
    results = torch.empty_like(x), mean, inv_std

    def normalize() -> Sequence[Tensor]:
        return native_batch_norm(
            x, gamma, beta, running_mean, running_var, training, UPDATE_WEIGHT, EPSILON, out=results
        )

    if not case.has_relu:
        return normalize
    residual = tensor(case, "residual") if case.has_residual else None

    def normalize_and_rectify() -> Sequence[Tensor]:
        y = normalize()[0]
        if residual is not None:
            y.add_(residual)
        y.relu_()
        return results

    return normalize_and_rectify


def backward(case: Case) -> Call:
    x, dy, gamma = tensor(case, "x"), tensor(case, "dy"), parameter(case, "gamma")
    y, mean, inv_std = forward(replace(case, pass_="forward-training"))()
    passed = torch.empty_like(dy) if case.has_relu else dy
    all_gradients = [True, True, True]

    def normalize_backward() -> Sequence[Tensor]:
        return native_batch_norm_backward(
            passed, x, gamma, None, None, mean, inv_std, True, EPSILON, all_gradients
        )

    if not case.has_relu:
        return normalize_backward

    def rectify_and_normalize_backward() -> Sequence[Tensor]:
        threshold_backward(dy, y, 0, grad_input=passed)
        return *normalize_backward(), passed

    return rectify_and_normalize_backward


def layer_norm(case: Case) -> Call:
    """Returns y, the mean and the inverse deviation."""
    x, gamma, beta = tensor(case, "x"), parameter(case, "gamma"), parameter(case, "beta")
    return lambda: native_layer_norm(x, [case.channels], gamma, beta, EPSILON)


def layer_norm_backward(case: Case) -> Call:
    x, dy = tensor(case, "x"), tensor(case, "dy")
    gamma, beta = parameter(case, "gamma"), parameter(case, "beta")
    _, mean, inv_std = layer_norm(case)()
    all_gradients = [True, True, True]
    return lambda: native_layer_norm_backward(dy, x, [case.channels], mean, inv_std, gamma, beta, all_gradients)


# PyTorch has no kernel of RMS normalization for the CPU: torch.rms_norm is a sequence of operators, each with a new
# tensor. These write into given tensors and are several times as fast; like torch.rms_norm, they compute tensors of 16
# bits in float.
def rms_norm(case: Case) -> Call:
    """Returns y."""
    x, gamma = tensor(case, "x"), parameter(case, "gamma")
    y, exact = torch.empty_like(x), exact_like(x, gamma)
    inv_rms = torch.empty(case.batch, 1, dtype=gamma.dtype)
    if exact is x:
        return lambda: (normalize_rms(x, gamma, inv_rms, y),)
    return lambda: (y.copy_(normalize_rms(exact.copy_(x), gamma, inv_rms, exact)),)


def normalize_rms(x: Tensor, gamma: Tensor, inv_rms: Tensor, y: Tensor) -> Tensor:
    put_inv_rms(x, inv_rms)
    return torch.mul(x, inv_rms, out=y).mul_(gamma)


def put_inv_rms(x: Tensor, inv_rms: Tensor) -> None:
    """By the norm of a row, which one operator takes."""
    torch.linalg.vector_norm(x, dim=1, keepdim=True, out=inv_rms)
    inv_rms.square_().div_(x.shape[1]).add_(EPSILON).rsqrt_()


def rms_norm_backward(case: Case) -> Call:
    """Returns dx and dgamma."""
    x, dy, gamma = tensor(case, "x"), tensor(case, "dy"), parameter(case, "gamma")
    exact_x, exact_dy, dx = exact_like(x, gamma), exact_like(dy, gamma), torch.empty_like(x)
    inv_rms = torch.empty(case.batch, 1, dtype=gamma.dtype)
    put_inv_rms(x.to(gamma.dtype), inv_rms)
    room = torch.empty_like(exact_x), torch.empty_like(gamma), torch.empty(case.batch, dtype=gamma.dtype)
    if exact_x is x:
        return lambda: go_back_rms(x, dy, gamma, inv_rms, dx, *room)

    def convert_and_go_back() -> Sequence[Tensor]:
        exact_dx, dgamma = go_back_rms(
            exact_x.copy_(x), exact_dy.copy_(dy), gamma, inv_rms, exact_dy, *room
        )
        return dx.copy_(exact_dx), dgamma

    return convert_and_go_back


def go_back_rms(
    x: Tensor, dy: Tensor, gamma: Tensor, inv_rms: Tensor, dx: Tensor, product: Tensor, dgamma: Tensor, slope: Tensor
) -> Sequence[Tensor]:
    """The sums of dy * x_hat over rows, and of gamma * dy * x_hat over each, as products of one matrix with vectors."""
    inv = inv_rms.view(-1)
    torch.mul(dy, x, out=product)
    torch.mv(product.t(), inv, out=dgamma)
    torch.mv(product, gamma, out=slope).mul_(inv).mul_(inv).div_(-x.shape[1])
    torch.mul(dy, gamma, out=dx).addcmul_(x, slope.view(-1, 1)).mul_(inv_rms)
    return dx, dgamma


def exact_like(x: Tensor, gamma: Tensor) -> Tensor:
    """x, or room for its elements in the type of the parameters, where that is another one."""
    return x if x.dtype == gamma.dtype else torch.empty_like(x, dtype=gamma.dtype)


def group_norm(case: Case) -> Call:
    """Returns y, the mean and the inverse deviation. Instance normalization is a group of every channel."""
    x, gamma, beta = tensor(case, "x"), parameter(case, "gamma"), parameter(case, "beta")
    n, c, s, groups = case.batch, case.channels, case.spatial, case.groups
    return lambda: native_group_norm(x, gamma, beta, n, c, s, groups, EPSILON)


def group_norm_backward(case: Case) -> Call:
    """The fastest of several ways: which one that is depends on type, layout and shape."""
    x, dy, gamma = tensor(case, "x"), tensor(case, "dy"), parameter(case, "gamma")
    extents = case.batch, case.channels, case.spatial, case.groups
    _, mean, inv_std = group_norm(case)()
    all_gradients = [True, True, True]

    def directly() -> Sequence[Tensor]:
        return native_group_norm_backward(dy, x, mean, inv_std, gamma, *extents, all_gradients)

    if case.layout == "nhwc":
        return fastest(directly, with_channels_first(x, dy, mean, inv_std, gamma, extents))
    if case.operation == "instance-norm":
        return fastest(directly, as_batch_norm(x, dy, mean, inv_std, gamma))
    return directly


def with_channels_first(
    x: Tensor, dy: Tensor, mean: Tensor, inv_std: Tensor, gamma: Tensor, extents: tuple[int, ...]
) -> Call:
    """The kernel for channels last is slow where groups are narrow, and for 16 bits: copies may be faster."""
    other_x, other_dy = (torch.empty_like(each, memory_format=torch.contiguous_format) for each in (x, dy))
    dx = torch.empty_like(x)

    def convert_and_go_back() -> Sequence[Tensor]:
        other_dx, dgamma, dbeta = native_group_norm_backward(
            other_dy.copy_(dy), other_x.copy_(x), mean, inv_std, gamma, *extents, [True, True, True]
        )
        return dx.copy_(other_dx), dgamma, dbeta

    return convert_and_go_back


def as_batch_norm(x: Tensor, dy: Tensor, mean: Tensor, inv_std: Tensor, gamma: Tensor) -> Call:
    """As torch.nn.functional.instance_norm does: channels of images are channels of one batch."""
    n, c = x.shape[:2]
    one_x, one_dy = (each.view(1, n * c, *x.shape[2:]) for each in (x, dy))
    gammas, means, inv_stds = gamma.repeat(n), mean.view(-1), inv_std.view(-1)

    def go_back() -> Sequence[Tensor]:
        dx, dgammas, dbetas = native_batch_norm_backward(
            one_dy, one_x, gammas, None, None, means, inv_stds, True, EPSILON, [True, True, True]
        )
        return dx.view_as(x), dgammas.view(n, c).sum(0), dbetas.view(n, c).sum(0)

    return go_back


def fastest(*calls: Call) -> Call:
    def least_time(call: Call) -> int:
        times = []
        for _ in range(5):
            start = time.perf_counter_ns()
            call()
            times.append(time.perf_counter_ns() - start)
        return min(times)

    return min(calls, key=least_time)


def parameter(case: Case, name: str) -> Tensor:
    # Copied, for PyTorch's memory is aligned to 64 bytes and that of a bytearray is not.
    return torch.frombuffer(case.read(name), dtype=TYPES[case.type_of(name)]).clone()


def tensor(case: Case, name: str) -> Tensor:
    """N x C if S is 1, else N x C x H x W; nhwc is PyTorch's channels_last, which only tensors with H and W have."""
    n, c, s = case.batch, case.channels, case.spatial
    elements = parameter(case, name)
    if s == 1:
        return elements.view(n, c)
    h = math.isqrt(s) if math.isqrt(s) ** 2 == s else 1
    if case.layout == "nhwc":
        return elements.view(n, h, s // h, c).movedim(-1, 1)
    return elements.view(n, c, h, s // h)


if __name__ == "__main__":
    with torch.inference_mode():
        runner.serve(PyTorch())
