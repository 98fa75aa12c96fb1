"""PyTorch: the operators behind torch.nn.BatchNorm2d, as fast as they can be called from Python."""

from __future__ import annotations

import math
from typing import Any

import runner
from runner import EPSILON, UPDATE_WEIGHT, Call, Case

torch = runner.library("torch", "torch")

Tensor = Any  # torch.Tensor, where PyTorch can be imported
TYPES = {"f32": torch.float32, "f64": torch.float64}

# The forward operator writes into given tensors. The `out` form of the backward operator computes into new tensors and
# copies them, so it is called without: what it returns is freed at once, and the allocator hands the memory out again.
# torch.nn.functional.batch_norm and the modules end in the same kernels, a few microseconds later.
native_batch_norm = torch.native_batch_norm
native_batch_norm_backward = torch.ops.aten.native_batch_norm_backward.default


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
    x, gamma, beta = tensor(case, "x"), parameter(case, "gamma"), parameter(case, "beta")
    running_mean, running_var = parameter(case, "running_mean"), parameter(case, "running_var")
    training = case.pass_ == "forward-training"
    mean, inv_std = torch.empty(2, case.channels if training else 0, dtype=x.dtype)
    results = torch.empty_like(x), mean, inv_std
    return lambda: native_batch_norm(
        x, gamma, beta, running_mean, running_var, training, UPDATE_WEIGHT, EPSILON, out=results
    )


def backward(case: Case) -> Call:
    x, dy, gamma = tensor(case, "x"), tensor(case, "dy"), parameter(case, "gamma")
    _, mean, inv_std = native_batch_norm(x, gamma, None, None, None, True, UPDATE_WEIGHT, EPSILON)
    all_gradients = [True, True, True]
    return lambda: native_batch_norm_backward(dy, x, gamma, None, None, mean, inv_std, True, EPSILON, all_gradients)


def parameter(case: Case, name: str) -> Tensor:
    # Copied, for PyTorch's memory is aligned to 64 bytes and that of a bytearray is not.
    return torch.frombuffer(case.read(name), dtype=TYPES[case.type]).clone()


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
