"""Count, measure and cut the cost of ONNX models with depthwise-separable convolution."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

#: Module of each public name; a module is imported when its name is first used.
_HOMES = {
    "Aim": "sepcost.separable.settings",
    "Analysis": "sepcost.cost.analysis",
    "Bench": "sepcost.latency.results",
    "BindingError": "sepcost.errors",
    "BudgetError": "sepcost.errors",
    "Check": "sepcost.budget.results",
    "Conventions": "sepcost.cost.results",
    "Conversion": "sepcost.separable.conversion",
    "ConversionError": "sepcost.errors",
    "ConvertSettings": "sepcost.separable.settings",
    "CostRange": "sepcost.cost.ranges",
    "Diff": "sepcost.cost.diff",
    "Form": "sepcost.separable.factors.blocks",
    "Goal": "sepcost.separable.settings",
    "HostError": "sepcost.errors",
    "ImageFormat": "sepcost.separable.data.images",
    "Layer": "sepcost.network",
    "LayerCost": "sepcost.cost.results",
    "Loaded": "sepcost.model.load",
    "MeasurementError": "sepcost.errors",
    "ModelError": "sepcost.errors",
    "Network": "sepcost.network",
    "OPERATORS": "sepcost.cost.operators",
    "Plan": "sepcost.separable.plan.choices",
    "Runtime": "sepcost.latency.jobs",
    "Saving": "sepcost.separable.settings",
    "SepcostError": "sepcost.errors",
    "Settings": "sepcost.latency.settings",
    "SpecError": "sepcost.errors",
    "Symbolic": "sepcost.cost.symbolic",
    "Verdict": "sepcost.budget.results",
    "analyze": "sepcost.routes.analyze",
    "analyze_convolution": "sepcost.routes.analyze",
    "apply": "sepcost.routes.convert",
    "bench": "sepcost.routes.bench",
    "check": "sepcost.routes.check",
    "convert": "sepcost.routes.convert",
    "cost_range": "sepcost.routes.ranges",
    "diff": "sepcost.routes.diff",
    "factorize": "sepcost.separable.factors.kernels",
    "load": "sepcost.model.load",
    "networks": "sepcost.model.spec.shipped",
    "plan": "sepcost.routes.convert",
    "providers": "sepcost.latency.survey",
    "render": "sepcost.report.render",
    "save": "sepcost.model.save",
    "separate": "sepcost.separable.rewrite.separate",
    "sweep": "sepcost.routes.analyze",
    "symbolic": "sepcost.routes.symbolic",
}

if TYPE_CHECKING:
    from sepcost.budget.results import Check, Verdict
    from sepcost.cost.analysis import Analysis
    from sepcost.cost.diff import Diff
    from sepcost.cost.operators import OPERATORS
    from sepcost.cost.ranges import CostRange
    from sepcost.cost.results import Conventions, LayerCost
    from sepcost.cost.symbolic import Symbolic
    from sepcost.errors import (
        BindingError,
        BudgetError,
        ConversionError,
        HostError,
        MeasurementError,
        ModelError,
        SepcostError,
        SpecError,
    )
    from sepcost.latency.jobs import Runtime
    from sepcost.latency.results import Bench
    from sepcost.latency.settings import Settings
    from sepcost.latency.survey import providers
    from sepcost.model.load import Loaded, load
    from sepcost.model.save import save
    from sepcost.model.spec.shipped import networks
    from sepcost.network import Layer, Network
    from sepcost.report.render import render
    from sepcost.routes.analyze import analyze, analyze_convolution, sweep
    from sepcost.routes.bench import bench
    from sepcost.routes.check import check
    from sepcost.routes.convert import apply, convert, plan
    from sepcost.routes.diff import diff
    from sepcost.routes.ranges import cost_range
    from sepcost.routes.symbolic import symbolic
    from sepcost.separable.conversion import Conversion
    from sepcost.separable.data.images import ImageFormat
    from sepcost.separable.factors.blocks import Form
    from sepcost.separable.factors.kernels import factorize
    from sepcost.separable.plan.choices import Plan
    from sepcost.separable.rewrite.separate import separate
    from sepcost.separable.settings import Aim, ConvertSettings, Goal, Saving

__all__ = [
    "OPERATORS",
    "Aim",
    "Analysis",
    "Bench",
    "BindingError",
    "BudgetError",
    "Check",
    "Conventions",
    "Conversion",
    "ConversionError",
    "ConvertSettings",
    "CostRange",
    "Diff",
    "Form",
    "Goal",
    "HostError",
    "ImageFormat",
    "Layer",
    "LayerCost",
    "Loaded",
    "MeasurementError",
    "ModelError",
    "Network",
    "Plan",
    "Runtime",
    "Saving",
    "SepcostError",
    "Settings",
    "SpecError",
    "Symbolic",
    "Verdict",
    "__version__",
    "analyze",
    "analyze_convolution",
    "apply",
    "bench",
    "check",
    "convert",
    "cost_range",
    "diff",
    "factorize",
    "load",
    "networks",
    "plan",
    "providers",
    "render",
    "save",
    "separate",
    "sweep",
    "symbolic",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
