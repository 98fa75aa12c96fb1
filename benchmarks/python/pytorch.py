"""PyTorch: the operators behind torch.nn.BatchNorm2d, as fast as they can be called from Python."""

from __future__ import annotations

import math
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


class PyTorch:
    version = f"PyTorch {torch.__version__.split('+')[0]}"

    def prepare(self, case: Case) -> Call:
        if case.layout not in ("nchw", "nhwc"):
            raise runner.Unsupported(f"PyTorch has no layout {case.layout}")
        torch.set_num_threads(case.threads)
        return backward(case) if case.pass_ == "backward-training" else forward(case)

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
