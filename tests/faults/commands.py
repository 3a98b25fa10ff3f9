"""Every command in each form that writes differently. A new command is one line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Command:
    """``words`` print to stdout; with ``writing`` the files ``outputs`` are written."""

    words: str
    writing: str = ""
    outputs: tuple[str, ...] = ()
    children: bool = False  # measures in child processes

    @property
    def prints(self) -> list[str]:
        """The command line that writes only to stdout."""
        return self.words.split()

    @property
    def writes(self) -> list[str]:
        """The command line that overwrites existing files."""
        return f"{self.words} {self.writing}".replace(" --dry-run", "").split()


COMMANDS: Mapping[str, Command] = {
    "analyze": Command("analyze m.onnx", "-f json -o out.json", ("out.json",)),
    "analyze-page": Command("analyze m.onnx -f html", "-o out.html", ("out.html",)),
    "analyze-stdin": Command("analyze -", "-f json -o out.json", ("out.json",)),
    "convert": Command(
        "convert m.onnx --rank 1 --no-verify --dry-run", "-o out.onnx --force", ("out.onnx",)
    ),
    "convert-apart": Command(
        "convert apart.onnx --rank 1 --no-verify --dry-run",
        "-o out.onnx --force",
        ("out.onnx", "out.onnx.data"),
    ),
    "bench": Command("bench m.onnx --max-time 0.1", "-f json -o out.json", ("out.json",), True),
    "check": Command("check m.onnx --max-macs 1G", "-f junit=out.xml", ("out.xml",)),
    "diff": Command("diff m.onnx n.onnx", "-f json -o out.json", ("out.json",)),
    "report": Command("report m.onnx --max-time 0.1", "-o out.html", ("out.html",), True),
    "networks": Command("networks small-cnn", "-o out.onnx --force", ("out.onnx",)),
    "providers": Command("providers", children=True),
}
QUICK = tuple(name for name, command in COMMANDS.items() if not command.children)
WRITING = tuple(name for name, command in COMMANDS.items() if command.outputs)
