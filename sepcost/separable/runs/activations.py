"""Run a model for its outputs or any of its inner values, batch by batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sepcost.latency.jobs import Runtime
from sepcost.model.load import Loaded
from sepcost.separable.data.samples import Feeds
from sepcost.separable.runs.cuts import cut
from sepcost.separable.runs.output_loss import Run
from sepcost.separable.runs.sessions import LOADING, explained, opened

if TYPE_CHECKING:
    import onnxruntime as ort


def runner(
    model: Loaded,
    settings: Runtime,
    wanted: Sequence[str] = (),
    given: Mapping[str, int] | None = None,
    *,
    sparing: bool = False,
) -> Run:
    """Make a session; calling the result with inputs returns the outputs, or ``wanted`` values.

    Parameters
    ----------
    model
        It need not have been saved; external weights are read from their files.
    settings
        Settings of the session.
    wanted
        Values of the main graph; nodes that they do not need are cut away.
    given
        ONNX types of values that are fed instead of computed.
    sparing
        Run nodes in the order in which they are stored, so that values are not made long before
        they are read.

    Raises
    ------
    ModelError
        ONNX Runtime cannot load the model; the result raises it if the model cannot run.
    """
    from sepcost.latency import runtime  # noqa: PLC0415 - the import of ONNX Runtime

    proto = cut(model.proto, wanted, given) if wanted else model.proto

    def adjust(options: ort.SessionOptions) -> None:
        if sparing:
            options.execution_order = runtime.IN_GIVEN_ORDER
        options.enable_cpu_mem_arena = False  # it would keep the memory of the largest run

    session = opened(proto, model, settings, adjust)
    with explained(LOADING, model.source):
        inputs = {one.name for one in session.get_inputs()}  # ``cut`` may have cut some away

    def run(feeds: Feeds) -> Sequence[Any]:
        needed = {name: array for name, array in feeds.items() if name in inputs or not wanted}
        with explained("running", model.source):
            outputs: Sequence[Any] = session.run(list(wanted) or None, needed)
        return outputs

    return run
