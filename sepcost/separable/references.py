"""The original's answers that plans are chosen on and results are judged on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sepcost.errors import ConversionError
from sepcost.latency.inputs import feeds as make_feeds
from sepcost.model.load import Loaded
from sepcost.network import Network, Value
from sepcost.separable.data.samples import BATCH, Calibration, Feeds
from sepcost.separable.quality.answers import gathered
from sepcost.separable.quality.labels import check_folders, check_labels
from sepcost.separable.quality.row_groups import row_groups
from sepcost.separable.runs.activations import runner
from sepcost.separable.runs.output_loss import Outputs, Reference, Run, Wish, reference, scored
from sepcost.separable.settings import ConvertSettings
from sepcost.separable.verify import outputs
from sepcost.separable.watch import Watch

RANDOM_BATCHES = 4
JUDGED = 2048  # maximum number of calibration samples to compare outputs on
JUDGED_BYTES = 1 << 28
NOTHING = Reference((), (), (), ())  # for a model that need not or cannot be run


@dataclass(frozen=True, slots=True)
class References:
    """The original's answers: to judge results on, and to choose plans on."""

    kind: str
    judged_on: Reference
    chosen_on: Reference
    notes: tuple[str, ...] = ()


def references(
    loaded: Loaded,
    network: Network,
    settings: ConvertSettings,
    fit: Calibration | None,
    held_out: Calibration | None,
    *,
    watch: Watch,
) -> References:
    """Run the original on data, on the given inputs or on random ones.

    Parameters
    ----------
    loaded, network
        The original.
    settings
        The metric, the output of the classes and the inputs.
    fit, held_out
        Calibration data, if there are any: to choose plans on, and to judge results on.
    watch
        Asked between runs.

    Raises
    ------
    ConversionError
        The labels cannot fit the model, or the metric does not apply.
    TimeUpError
        The time is up.
    """
    run, names = runner(loaded, settings.runtime), outputs(loaded)
    run = watch.told(_checked(run, watch), "running the original", _runs(settings, fit, held_out))
    wish = Wish(settings.metric, settings.class_output, groups=row_groups(network))
    if settings.class_output is not None and settings.class_output not in names:
        known = ", ".join(map(repr, names[:8]))
        raise ConversionError(
            f"--class-output {settings.class_output}: not an output; choose from {known}"
        )
    if fit is not None and held_out is not None:
        return _on_data(run, names, wish, settings, (fit, held_out))
    if settings.inputs is not None:
        given, _ = make_feeds(network.inputs, Path(settings.inputs), settings.seed)
        answers = reference(names, run, [given], wish)
        return References("given", answers, answers)
    random = [_gaussian(network.inputs, k) for k in range(RANDOM_BATCHES)]
    answers = reference(names, run, random, wish)
    return References("random", answers, answers)


def _checked(run: Run, watch: Watch) -> Run:
    def checked(feeds: Feeds) -> Outputs:
        watch.check()
        return run(feeds)

    return checked


def _runs(settings: ConvertSettings, *halves: Calibration | None) -> int:
    """How often the original runs."""
    known = [one for one in halves if one is not None]
    if not known:
        return 1 if settings.inputs is not None else RANDOM_BATCHES
    return sum(-(-min(len(one), _most(one)) // min(BATCH, one.batch)) for one in known)


def _most(data: Calibration) -> int:
    """Samples that outputs are compared on, at most."""
    return max(1, min(JUDGED, JUDGED_BYTES // max(1, data.sample_bytes)))


def _on_data(
    run: Run,
    names: Sequence[str],
    wish: Wish,
    settings: ConvertSettings,
    halves: tuple[Calibration, Calibration],
) -> References:
    """Choose on the samples that are fitted to, judge on those held out."""
    fit, held_out = halves
    first, second = map(_most, halves)
    wish = replace(wish, stacked=fit.stacked, labels=fit.known(first))
    chosen_on = reference(names, run, fit.batches(first), wish)
    _check_classes(settings, chosen_on)
    judged_on = reference(names, run, held_out.batches(second), wish, like=chosen_on)
    wish = replace(wish, labels=held_out.known(second))
    notes = _checked_labels(settings, chosen_on, fit)
    if notes:
        wish = replace(wish, labels=None)
    kind = "fitted" if held_out is fit else "calibration"
    return References(kind, scored(judged_on, wish), chosen_on, notes)


def _check_classes(settings: ConvertSettings, original: Reference) -> None:
    """Refuse --class-output if that output has no classes."""
    named = settings.class_output
    if named is not None and (original.chosen is None or original.chosen.name != named):
        raise ConversionError(f"--class-output {named}: has no classes")


def _checked_labels(
    settings: ConvertSettings, original: Reference, data: Calibration
) -> tuple[str, ...]:
    """Refuse labels that cannot fit, unless they are not used, which is noted."""
    if data.labels is None or settings.metric not in {None, "top1"}:
        return ()
    if original.chosen is None:
        return ("labels are not used: no output has classes; name one with --class-output",)
    whole = gathered(original.names, original.answers, original.rows)
    if original.chosen.classes.decided:
        return ()
    scores = original.chosen.classes.view(whole[original.chosen.name])
    if scores.shape[1] > 1:
        return ("labels are not used: they are per sample, the classes per position",)
    source = str(settings.calibrate)
    if data.folders is not None:
        check_folders(source, data.folders, scores.shape[2])
    known = data.known(len(scores))
    assert known is not None
    check_labels(source, known, scores)
    return ()


def _gaussian(inputs: tuple[Value, ...], seed: int) -> Feeds:
    """Standard normal numbers for float inputs, else the inputs of ``bench``."""
    arrays, _ = make_feeds(inputs, None, seed)
    random = np.random.default_rng(seed)
    return {
        name: np.asarray(random.standard_normal(a.shape), a.dtype) if a.dtype.kind == "f" else a
        for name, a in arrays.items()
    }
