"""Writes files of golden vectors; make_golden.py explains their format."""

import struct
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


class GoldenFile:
    """The text of one file: keys first, then tensors."""

    def __init__(self, version, **keys):
        self.lines = [f"VERSION {version}"] + [f"{key} {value}" for key, value in keys.items()]

    def tensor(self, name, data_type, values):
        code, per_line = {"f32": (">f", 10), "f64": (">d", 5)}[data_type]
        words = [struct.pack(code, value).hex() for value in values.flatten().tolist()]
        self.lines.append(f"tensor {name} {data_type} {len(words)}")
        self.lines += [" ".join(words[i : i + per_line]) for i in range(0, len(words), per_line)]

    def write(self, name):
        (FOLDER / f"{name}.txt").write_text("\n".join(self.lines) + "\n", encoding="ascii", newline="\n")
