"""Rules of gradients that tuning has of its own: the same values from fewer nodes."""

from __future__ import annotations

from collections.abc import Mapping

from sepcost.separable.runs.backward.rules import RULES
from sepcost.separable.runs.backward.tape import Rule

TUNING_RULES: Mapping[str, Rule] = {**RULES}
