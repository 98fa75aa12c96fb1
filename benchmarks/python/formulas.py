"""The formulas of batch normalization in NumPy, as texts walk through them.

Forward, the computation graph step by step; backward, the gradient of each step.
"""

from __future__ import annotations

from typing import Any

import runner
from runner import EPSILON, UPDATE_WEIGHT, Call, Case

np = runner.library("numpy", "numpy")

Array = Any  # numpy.ndarray, where NumPy can be imported
TYPES = {"f32": np.float32, "f64": np.float64}


def forward_training(
    x: Array, gamma: Array, beta: Array, running_mean: Array, running_var: Array, axis: tuple[int, int]
) -> tuple[Array, tuple[Array, ...]]:
    """Returns y and what the backward pass needs; parameters have the extents of x, and 1 along axis."""
    mean = np.mean(x, axis=axis, keepdims=True)
    x_mu = x - mean
    var = np.mean(x_mu**2, axis=axis, keepdims=True)
    std = np.sqrt(var + EPSILON)
    inv_std = 1.0 / std
    x_hat = x_mu * inv_std
    y = gamma * x_hat + beta

    running_mean[...] = (1.0 - UPDATE_WEIGHT) * running_mean + UPDATE_WEIGHT * mean
    running_var[...] = (1.0 - UPDATE_WEIGHT) * running_var + UPDATE_WEIGHT * var
    return y, (x_mu, std, inv_std, x_hat, gamma)


def forward_inference(x: Array, gamma: Array, beta: Array, running_mean: Array, running_var: Array) -> tuple[Array]:
    x_hat = (x - running_mean) / np.sqrt(running_var + EPSILON)
    y = gamma * x_hat + beta
    return (y,)


def backward_training(dy: Array, cache: tuple[Array, ...], axis: tuple[int, int]) -> tuple[Array, Array, Array]:
    x_mu, std, inv_std, x_hat, gamma = cache
    count = dy.size // gamma.size

    dbeta = np.sum(dy, axis=axis, keepdims=True)
    dgamma = np.sum(dy * x_hat, axis=axis, keepdims=True)
    dx_hat = dy * gamma
    dinv_std = np.sum(dx_hat * x_mu, axis=axis, keepdims=True)
    dstd = dinv_std * (-1.0 / std**2)
    dvar = dstd * 0.5 / std
    dx_mu = dx_hat * inv_std + 2.0 * x_mu * (dvar / count)
    dmean = -np.sum(dx_mu, axis=axis, keepdims=True)
    dx = dx_mu + dmean / count
    return dx, dgamma, dbeta


class Formulas:
    version = f"NumPy {np.__version__}"

    def prepare(self, case: Case) -> Call:
        if case.operation != "batch-norm":
            raise runner.Unsupported("the formulas are written for batch normalization alone")
        if case.type not in TYPES:
            raise runner.Unsupported(f"the formulas are written for f32 and f64, not for {case.type}")
        if case.layout not in ("nchw", "nhwc"):
            raise runner.Unsupported(f"the formulas are written for nchw and nhwc, not for {case.layout}")
        x, gamma, beta = tensor(case, "x"), parameter(case, "gamma"), parameter(case, "beta")
        running_mean, running_var = parameter(case, "running_mean"), parameter(case, "running_var")
        axis = (0, 2) if case.layout == "nchw" else (0, 1)
        if case.pass_ == "forward-training":
            return lambda: forward_training(x, gamma, beta, running_mean, running_var, axis)
        if case.pass_ == "forward-inference":
            return lambda: forward_inference(x, gamma, beta, running_mean, running_var)
        dy = tensor(case, "dy")
        _, cache = forward_training(x, gamma, beta, running_mean, running_var, axis)
        return lambda: backward_training(dy, cache, axis)

    def raw(self, case: Case, output: Array) -> Array:
        return np.ascontiguousarray(output)


def tensor(case: Case, name: str) -> Array:
    n, c, s = case.batch, case.channels, case.spatial
    return elements(case, name).reshape((n, c, s) if case.layout == "nchw" else (n, s, c))


def parameter(case: Case, name: str) -> Array:
    return elements(case, name).reshape((1, -1, 1) if case.layout == "nchw" else (1, 1, -1))


def elements(case: Case, name: str) -> Array:
    return np.frombuffer(case.read(name), dtype=TYPES[case.type])


if __name__ == "__main__":
    runner.serve(Formulas())
