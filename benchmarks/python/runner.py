"""The protocol of ../README.md, for peers in Python: a peer prepares a call, all else is here.

Only Python's own library is used, so that a peer whose library is not installed can still say so.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import itertools
import os
import statistics
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Callable, Optional, Protocol, Sequence, TextIO

EPSILON = 1e-5
UPDATE_WEIGHT = 0.1  # by which a batch moves running statistics

BATCH_NORMS = ("batch-norm", "batch-norm-relu", "batch-norm-add-relu")
OF_ROWS = ("layer-norm", "rms-norm")  # of N rows of C elements
OF_GROUPS = ("group-norm", "instance-norm")
OPERATIONS = (*BATCH_NORMS, *OF_ROWS, *OF_GROUPS)
OUTPUTS = {
    "forward-training": ("y",),
    "forward-inference": ("y",),
    "backward-training": ("dx", "dgamma", "dbeta", "dresidual"),
}
TENSORS = ("x", "dy", "residual")  # of the inputs; the others are parameters
ITEM_BYTES = {"f32": 4, "f64": 8, "bf16": 2, "f16": 2}
PARAMETER_TYPES = {"f32": "f32", "f64": "f64", "bf16": "f32", "f16": "f32"}
LAYOUTS = ("nchw", "nhwc", "nChw16c")

WARM_UP_NS = 50_000_000
ESTIMATE_NS = 10_000_000
PARTS = 5  # of a turn
BATCH_NS = 10_000  # of calls between two looks at the clock: a look takes less than a hundredth of it

Call = Callable[[], Sequence[Any]]


class Refused(Exception):
    """A command that is not as the protocol says, or asks for what is not there."""


class Unsupported(Exception):
    """A case that the peer cannot compute."""


@dataclass(frozen=True)
class Case:
    """What is to be computed, and from what."""

    operation: str  # one of OPERATIONS
    pass_: str  # forward-training, forward-inference or backward-training
    type: str  # f32, f64, bf16 or f16
    layout: str  # nchw, nhwc or nChw16c
    batch: int
    channels: int
    spatial: int
    groups: int  # of channels, each normalized by itself; 1 where the operation has none
    threads: int
    inputs: Path

    @property
    def is_batch_norm(self) -> bool:
        return self.operation in BATCH_NORMS

    @property
    def has_relu(self) -> bool:
        return self.is_batch_norm and self.operation != "batch-norm"

    @property
    def has_residual(self) -> bool:
        return self.operation == "batch-norm-add-relu"

    def type_of(self, name: str) -> str:
        """The type of an input: parameters of tensors of 16 bits have 32."""
        return self.type if name in TENSORS else PARAMETER_TYPES[self.type]

    def read(self, name: str) -> bytearray:
        """The bytes of an input: N x C x S elements for a tensor, C for all others."""
        type_ = self.type_of(name)
        count = self.channels * (self.batch * self.spatial if name in TENSORS else 1)
        data = bytearray(count * ITEM_BYTES[type_])
        file = self.inputs / name
        size = file.stat().st_size
        if size != len(data):
            raise Refused(f"{file} has {size} bytes; expected {len(data)}: {count} elements of type {type_}")
        with file.open("rb") as stream:
            stream.readinto(data)
        return data

    def __str__(self) -> str:
        extents = f"{self.batch},{self.channels},{self.spatial},{self.groups}"
        return f"{self.operation},{self.pass_},{self.type},{self.layout},{extents},{self.threads}"


class Peer(Protocol):
    """What is measured."""

    version: str  # what it is, such as "PyTorch 2.13.0"

    def prepare(self, case: Case) -> Call:
        """Reads the inputs of a case and returns what is timed.

        The call returns the arrays that OUTPUTS names for the pass, in that order, dresidual where there is a
        residual, and dbeta and what follows not for rms-norm; what follows them is ignored.
        Raises Unsupported where the peer cannot compute the case.
        """

    def raw(self, case: Case, output: Any) -> Any:
        """An array that the call returned as a buffer of bytes, its elements in the order of the layout."""


def library(module: str, package: str) -> ModuleType:
    """Imports what a peer is about; where it cannot be imported the answer is `missing` and the runner ends."""
    try:
        return importlib.import_module(module)
    except Exception as e:
        python = sys.executable or "python3"
        _answer(f"missing,{_one_line(e)}: install it with {python} -m pip install {package}")
        sys.exit()


def serve(peer: Peer) -> None:
    """Answers commands until there are no more."""
    commands = _Commands(peer)
    _answer(f"ready,{peer.version}")
    for line in sys.stdin:
        _answer(commands.answer(line.rstrip("\r\n")))


class _Commands:
    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.case: Optional[Case] = None
        self.call: Optional[Call] = None

    def answer(self, line: str) -> str:
        name, *fields = line.split(",")
        try:
            if name == "prepare":
                return self.prepare(fields)
            if name == "time":
                return self.time(fields)
            if name == "release":
                return self.release(fields)
            raise Refused(f"'{name}' is no command; expected prepare, time or release")
        except Unsupported as e:
            return f"unsupported,{e}"
        except Refused as e:
            return f"failed,{_one_line(e)}"
        except Exception as e:
            traceback.print_exc()
            return f"failed,{type(e).__name__}: {_one_line(e)}"

    def prepare(self, fields: list[str]) -> str:
        self.release([])
        case, outputs = _parse_prepare(fields)
        call = self.peer.prepare(case)
        if outputs:
            self.write(case, call(), Path(outputs))
        nanoseconds = _time_of(call, WARM_UP_NS, ESTIMATE_NS)
        self.case, self.call = case, call
        return f"prepared,{nanoseconds:.0f}"

    def write(self, case: Case, results: Sequence[Any], folder: Path) -> None:
        for name, result in zip(OUTPUTS[case.pass_], results):
            (folder / name).write_bytes(self.peer.raw(case, result))

    def time(self, fields: list[str]) -> str:
        numbers = _expect(fields, "time,ROUND,NS")
        round_number = _whole_number("ROUND", numbers[0], 0)
        least_ns = _whole_number("NS", numbers[1], 1)
        if self.call is None:
            raise Refused("'time' without a case; expected 'prepare' before it")
        nanoseconds = _time_of(self.call, least_ns // 10, least_ns)
        # The last field is empty: arrays are not on a managed heap.
        return f"{self.case},{round_number},{nanoseconds:.1f},"

    def release(self, fields: list[str]) -> str:
        _expect(fields, "release")
        self.case = self.call = None
        _return_memory()
        return "released"


def _parse_prepare(fields: list[str]) -> tuple[Case, str]:
    form = "prepare,OPERATION,PASS,TYPE,LAYOUT,N,C,S,GROUPS,THREADS,INPUTS,OUTPUTS"
    operation, pass_, type_, layout, *numbers, inputs, outputs = _expect(fields, form)
    case = Case(
        _one_of("OPERATION", operation, OPERATIONS),
        _one_of("PASS", pass_, OUTPUTS),
        _one_of("TYPE", type_, ITEM_BYTES),
        _one_of("LAYOUT", layout, LAYOUTS),
        *(_whole_number(name, number, 1) for name, number in zip(("N", "C", "S", "GROUPS", "THREADS"), numbers)),
        Path(inputs),
    )
    _check(case)
    return case, outputs


def _check(case: Case) -> None:
    """Refuses what the operation does not have."""
    if case.pass_ == "forward-inference" and not case.is_batch_norm:
        raise Refused(f"{case.operation} has no pass {case.pass_}")
    if case.operation in OF_ROWS and case.spatial != 1:
        raise Refused(f"S is '{case.spatial}'; expected 1, for {case.operation} is of N rows of C elements")
    groups = {"group-norm": case.groups, "instance-norm": case.channels}.get(case.operation, 1)
    if case.groups != groups or case.channels % groups:
        raise Refused(
            f"GROUPS is '{case.groups}'; expected a divisor of C for group-norm, C for instance-norm, 1 for others"
        )


def _expect(fields: list[str], form: str) -> list[str]:
    expected = form.count(",")
    if len(fields) != expected:
        raise Refused(f"{len(fields)} fields after '{form.split(',')[0]}'; expected {expected}: '{form}'")
    return fields


def _one_of(name: str, text: str, known: Any) -> str:
    if text not in known:
        raise Refused(f"{name} is '{text}'; expected one of: {' '.join(known)}")
    return text


def _whole_number(name: str, text: str, least: int) -> int:
    if not (text.isascii() and text.isdigit() and int(text) >= least):
        raise Refused(f"{name} is '{text}'; expected a whole number that is {least} or more")
    return int(text)


def _time_of(call: Call, untimed_ns: int, timed_ns: int) -> float:
    """Nanoseconds of a call, after calls that are not counted for untimed_ns.

    It is measured for timed_ns, in parts of a call or more. The median of their means does not see what disturbs one of
    them, such as a thread that lost its processor for a moment.
    """
    gc.disable()
    try:
        batch = max(1, round(BATCH_NS / _repeat(call, untimed_ns, 1)))
        means = []
        start = time.perf_counter_ns()
        while not means or len(means) < PARTS and time.perf_counter_ns() - start < timed_ns:
            means.append(_repeat(call, timed_ns // PARTS, batch))
        return statistics.median(means)
    finally:
        gc.enable()


def _repeat(call: Call, least_ns: int, batch: int) -> float:
    """Nanoseconds of a call in batches of calls, at least one, until least_ns have passed.

    What a call returns is dropped before the next one, so that its memory can be used again.
    """
    calls = 0
    start = time.perf_counter_ns()
    while True:
        for _ in itertools.repeat(None, batch):
            call()
        calls += batch
        elapsed = time.perf_counter_ns() - start
        if elapsed >= least_ns:
            return elapsed / calls


def _return_memory() -> None:
    """Returns free memory to the system: the allocator's settings keep it for the next call, other runners need it."""
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if malloc_trim:
        malloc_trim(ctypes.c_size_t(0))


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _take_standard_output() -> TextIO:
    """Standard output, for answers alone: what libraries print there, also from C, goes to standard error."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="surrogateescape", newline="\n")
    os.dup2(2, 1)
    return answers


def _answer(line: str) -> None:
    _answers.write(line + "\n")
    _answers.flush()


_answers = _take_standard_output()
sys.stdin.reconfigure(encoding="utf-8", errors="surrogateescape")
