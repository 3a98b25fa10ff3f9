"""Jobs for child processes: plain data, sent as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from sepcost.latency.providers import CPU
from sepcost.network import Role, Value

#: Session option: the folder of external data when a model is passed as bytes.
FOLDER_KEY = "session.model_external_initializers_file_folder_path"


@dataclass(frozen=True, slots=True)
class ModelFile:
    """An ONNX file on disk with its inputs, every shape static."""

    name: str
    path: Path
    inputs: tuple[Value, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the file as JSON for the child.

        A link is not resolved: in a hub's cache, external data is next to the link.
        """
        inputs = [{"name": v.name, "shape": v.shape, "dtype": v.dtype} for v in self.inputs]
        return {"name": self.name, "path": str(Path(self.path).absolute()), "inputs": inputs}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ModelFile:
        """Read ``to_json`` back."""
        inputs = (
            Value(v["name"], tuple(v["shape"]), v["dtype"], Role.INPUT) for v in data["inputs"]
        )
        return cls(data["name"], Path(data["path"]), tuple(inputs))


@dataclass(frozen=True, slots=True)
class Runtime:
    """Settings of sessions; ``providers`` are short names in order of preference."""

    providers: tuple[str, ...] = (CPU,)
    provider_options: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    session_options: Mapping[str, str] = field(default_factory=dict)
    threads: int = 1  # 0 leaves it to ONNX Runtime
    optimization_level: str = "all"
    host: str | None = None  # an ssh destination: time on that machine

    @property
    def cpu_only(self) -> bool:
        """Whether the CPU is the only provider asked for."""
        return set(self.providers) == {CPU}

    def reading(self, folder: Path | None) -> Runtime:
        """Read the external data of models given as bytes from a folder."""
        return replace(
            self, session_options={**self.session_options, FOLDER_KEY: str(folder or "")}
        )


@dataclass(frozen=True, slots=True)
class Job:
    """The work of one child; ``task`` is a key of ``worker.TASKS``."""

    task: str
    models: Sequence[ModelFile] = ()
    runtime: Runtime = field(default_factory=Runtime)
    inputs: Path | None = None
    seed: int = 0  # of the inputs
    launch: int = 0  # number of the launch; each has a different order of turns
    slice_s: float = 0.3
    folder: Path | None = None  # for files that the caller reads
    data_folder: Path | None = None  # of the external data of a labelled copy
    most_runs: int = 0  # of a profile

    def to_json(self) -> dict[str, Any]:
        """Return the job as JSON for the child's standard input."""
        return {
            "task": self.task,
            "models": [model.to_json() for model in self.models],
            "runtime": asdict(self.runtime),
            "inputs": str(self.inputs) if self.inputs else None,
            "seed": self.seed,
            "launch": self.launch,
            "slice_s": self.slice_s,
            "folder": str(self.folder) if self.folder else None,
            "data_folder": str(self.data_folder) if self.data_folder else None,
            "most_runs": self.most_runs,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Job:
        """Read ``to_json`` back."""
        runtime = dict(data["runtime"])
        return cls(
            task=data["task"],
            models=[ModelFile.from_json(model) for model in data["models"]],
            runtime=Runtime(**runtime | {"providers": tuple(runtime["providers"])}),
            inputs=Path(data["inputs"]) if data["inputs"] else None,
            seed=data["seed"],
            launch=data["launch"],
            slice_s=data["slice_s"],
            folder=Path(data["folder"]) if data["folder"] else None,
            data_folder=Path(data["data_folder"]) if data["data_folder"] else None,
            most_runs=data["most_runs"],
        )
