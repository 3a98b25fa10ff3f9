"""Third-party models: their files, their stored inputs, their dynamic dimensions."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.test.case import node as node_cases

from tests import profiled

DATA = Path(onnx.__file__).parent / "backend" / "test" / "data"
SHARED = Path(__file__).parents[3] / "shared" / "models"
STORED = ("simple", "pytorch-operator", "pytorch-converted")

Feeds = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Stranger:
    """One model: its file or a way to create it, and its stored inputs if there are any."""

    name: str
    write: Callable[[Path], Path]  # -> the file, in the given folder if created
    feeds: Callable[[], Feeds] | None = None
    sizes: Mapping[str, Any] = field(default_factory=dict)  # bind and shape without stored inputs
    small: bool = True  # whether its conversion is also verified and measured


#: Sizes for the dynamic dimensions of models in ../shared.
SIZES: Mapping[str, Mapping[str, Any]] = {
    "ppocr_cls": {"shape": {"x": (1, 3, 48, 192)}},
    "ppocr_v3_det": {"shape": {"x": (1, 3, 64, 96)}},
    "silero_vad": {"shape": {"input": (1, 512), "state": (2, 1, 128)}},
    "silero_vad_16k_op15": {"bind": {"sequence": 512}},
    "silero_vad_half": {"bind": {"sequence": 512}},
    "silero_vad_op18_ifless": {"bind": {"sequence": 512}},
    "yunet_n_dynamic": {"bind": {"height": 96, "width": 64}},
}


def shared() -> Iterator[Stranger]:
    """Real networks from many exporters; none if the folder is missing."""
    for path in sorted(SHARED.glob("*.onnx")):
        yield Stranger(path.stem, partial(_there, path), None, SIZES.get(path.stem, {}), False)


def light() -> Iterator[Stranger]:
    """Classic networks whose weights are computed by nodes."""
    for path in sorted((DATA / "light").glob("*.onnx")):
        name = path.stem.removeprefix("light_")
        yield Stranger(name, partial(_there, path), small=False)


def stored() -> Iterator[Stranger]:
    """The models that the onnx wheel stores as files, with their inputs."""
    for kind in STORED:
        for folder in sorted((DATA / kind).iterdir()):
            path = folder / "model.onnx"
            if path.exists():
                yield Stranger(
                    f"{kind}/{folder.name.removeprefix('test_')}",
                    partial(_there, path),
                    partial(_stored_feeds, folder),
                )


def node() -> Iterator[Stranger]:
    """ONNX's own test cases of every operator, also expanded into simpler operators."""
    for case in sorted(_cases(), key=lambda case: str(case.name)):
        yield Stranger(
            case.name.removeprefix("test_"), partial(_saved, case.model), partial(_feeds, case)
        )


COLLECTIONS: Mapping[str, Callable[[], Iterator[Stranger]]] = {
    "shared": shared,
    "light": light,
    "stored": stored,
    "node": node,
}


@cache
def _cases() -> list[Any]:
    """Collect the cases once, because creating them takes seconds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # warnings of ONNX's own code do not matter here
        return list(node_cases.collect_testcases())


def _there(path: Path, _: Path) -> Path:
    return path


def _saved(model: onnx.ModelProto, folder: Path) -> Path:
    path = folder / "model.onnx"
    onnx.save(model, path)
    return path


def _stored_feeds(folder: Path) -> Feeds:
    model = onnx.load(folder / "model.onnx", load_external_data=False)
    return profiled.stored_feeds(model, folder / "test_data_set_0")


def _feeds(case: Any) -> Feeds:
    names = [value.name for value in case.model.graph.input]
    return dict(zip(names, map(_fed, case.data_sets[0][0]), strict=True))


def _fed(value: Any) -> Any:
    """Turn an input of a case into an array, unless it is a sequence or left out."""
    if isinstance(value, onnx.TensorProto):
        return numpy_helper.to_array(value)
    return value if value is None or isinstance(value, list) else np.asarray(value)
