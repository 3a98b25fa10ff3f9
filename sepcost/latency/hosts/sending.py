"""What a job needs on the far machine, by content: no name of a file or model travels as a path."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from sepcost.errors import ModelError
from sepcost.latency.jobs import Job, ModelFile


@dataclass(slots=True)
class Parcel:
    """The files of a job by the hash of their content, and the job in terms of them."""

    blobs: PurePosixPath  # the folder there
    drafts: Path  # a folder here for models whose locations of data change
    digests: dict[tuple[Path, int, int], str]  # known from earlier jobs
    files: dict[str, Path] = field(default_factory=dict)

    def pack(self, job: Job) -> dict[str, Any]:
        """Collect a job's files; return the job as JSON with their paths there."""
        models = [self._model(model, job.data_folder) for model in job.models]
        inputs = Path(self._path(self.add(job.inputs))) if job.inputs else None
        data = Path(str(self.blobs)) if job.data_folder else None
        return replace(job, models=models, inputs=inputs, data_folder=data).to_json()

    def add(self, path: Path) -> str:
        """Add one file; return its hash."""
        facts = path.stat()
        key = (path, facts.st_mtime_ns, facts.st_size)
        digest = self.digests.get(key) or self.digests.setdefault(key, digest_of(path))
        self.files[digest] = path
        return digest

    def known_here(self) -> Mapping[str, str]:
        """The path here of each path there, for messages."""
        return {str(self._path(digest)): str(path) for digest, path in self.files.items()}

    def _path(self, digest: str) -> PurePosixPath:
        return self.blobs / digest

    def _model(self, model: ModelFile, data_folder: Path | None) -> ModelFile:
        path = model.path
        if (whole := self._with_data(model, data_folder)) is not None:
            path = self.drafts / f"{len(self.files)}.onnx"
            path.write_bytes(whole)
        return replace(model, path=Path(self._path(self.add(path))))

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
            place.value = self.add(data)
        return proto.SerializeToString() if places else None


def digest_of(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
