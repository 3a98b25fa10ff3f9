"""What a job needs on the far machine, by content: no name of a file or model travels as a path."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from sepcost.errors import ModelError
from sepcost.latency.jobs import Job, ModelFile

Key = tuple[Path, int, int]  # a file, its time and its size


@dataclass(slots=True)
class Hashes:
    """Hashes from earlier jobs of an open connection, as reading a large model takes long."""

    files: dict[Key, str] = field(default_factory=dict)
    models: dict[Key, str] = field(default_factory=dict)  # sent with all their data


@dataclass(slots=True)
class Parcel:
    """The files of a job by the hash of their content, and the job in terms of them."""

    blobs: PurePosixPath  # the folder there
    drafts: Path  # a folder here for models whose locations of data change
    hashes: Hashes
    files: dict[str, Path] = field(default_factory=dict)  # to send, unless they are there
    here: dict[str, str] = field(default_factory=dict)  # paths here of paths there, for messages

    def pack(self, job: Job) -> dict[str, Any]:
        """Collect a job's files; return the job as JSON with their paths there."""
        models = [
            {**model.to_json(), "path": self._model(model, job.data_folder)} for model in job.models
        ]
        inputs = self.add(job.inputs) if job.inputs else None
        data = str(self.blobs) if job.data_folder else None
        return {**job.to_json(), "models": models, "inputs": inputs, "data_folder": data}

    def add(self, path: Path) -> str:
        """Add one file; return its path there."""
        digest = self._digest(path)
        self.files[digest] = path
        return self._there(digest, path)

    def _digest(self, path: Path) -> str:
        key = _key(path)
        if key not in self.hashes.files:
            self.hashes.files[key] = digest_of(path)
        return self.hashes.files[key]

    def _there(self, digest: str, path: Path) -> str:
        there = str(self.blobs / digest)
        self.here[there] = str(path)
        return there

    def _model(self, model: ModelFile, data_folder: Path | None) -> str:
        key = _key(model.path)
        if key not in self.hashes.models:
            path = model.path
            if (whole := self._with_data(model, data_folder)) is not None:
                path = self.drafts / f"{len(self.files)}.onnx"
                path.write_bytes(whole)
            self.add(path)
            self.hashes.models[key] = self._digest(path)
        return self._there(self.hashes.models[key], model.path)

    def _with_data(self, model: ModelFile, data_folder: Path | None) -> bytes | None:
        """A model whose external data is named by hash; None if it has none."""
        import onnx

        from sepcost.model.graphs import tensors  # noqa: PLC0415
        from sepcost.model.values import text  # noqa: PLC0415

        home = data_folder or model.path.parent
        proto = onnx.load(model.path, load_external_data=False)
        places = [
            entry
            for tensor in tensors(proto)
            for entry in tensor.external_data
            if entry.key == "location"
        ]
        for place in places:
            data = (home / text(place.value)).resolve()
            if not data.is_file():
                raise ModelError(f"{model.name}: its data file {data} does not exist; put it there")
            place.value = PurePosixPath(self.add(data)).name
        return proto.SerializeToString() if places else None


def _key(path: Path) -> Key:
    facts = path.stat()
    return path, facts.st_mtime_ns, facts.st_size


def digest_of(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
