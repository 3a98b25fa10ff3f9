"""The words that options take, and the panels of ``--help``."""

from __future__ import annotations

from enum import StrEnum

MODEL, CALIBRATION, ROWS, COUNTING = "Model", "Calibration data", "Rows", "Counting"
RUNTIME, MEASUREMENT = "Runtime", "Measurement"
BUDGETS, CHECKING = "Budgets", "Checking"
GOAL, LAYERS = "Goals (at most one cost goal and one quality goal)", "Layers"
OUTPUT = "Output"


class Format(StrEnum):
    """Formats of most reports."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"
    HTML = "html"


class CheckFormat(StrEnum):
    """Formats of verdicts."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"
    JUNIT = "junit"
    SARIF = "sarif"
    GITHUB = "github"
    GITLAB = "gitlab"
    HTML = "html"


class DiffFormat(StrEnum):
    """Formats of a diff."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"
    HTML = "html"


class ListFormat(StrEnum):
    """Formats of a list."""

    TABLE = "table"
    JSON = "json"


class HostAction(StrEnum):
    """What to do on another machine."""

    SETUP = "setup"
    CHECK = "check"


class By(StrEnum):
    """What one row shows."""

    LAYER = "layer"
    OP = "op"
    SCOPE = "scope"
    KERNEL = "kernel"
    MODEL = "model"


class Sort(StrEnum):
    """The order of rows."""

    ORDER = "order"
    MACS = "macs"
    PARAMS = "params"
    BYTES = "bytes"
    ELEMENTWISE = "elementwise"
    INTENSITY = "intensity"
    SAVING = "saving"
    NAME = "name"
    OP = "op"


class Unit(StrEnum):
    """Units of operations."""

    MACS = "macs"
    FLOPS = "flops"


class Positions(StrEnum):
    """Positions at which a ConvTranspose is counted."""

    INPUT = "input"
    OUTPUT = "output"


class IfBranch(StrEnum):
    """Branches of an If that count."""

    MAX = "max"
    SUM = "sum"
    THEN = "then"
    ELSE = "else"


class Optimization(StrEnum):
    """Levels of graph optimization in ONNX Runtime."""

    DISABLE = "disable"
    BASIC = "basic"
    EXTENDED = "extended"
    ALL = "all"


class Inconclusive(StrEnum):
    """Statuses of a measurement whose interval contains the limit."""

    WARN = "warn"
    FAIL = "fail"
    OK = "ok"


class Init(StrEnum):
    """Sources of the new weights."""

    FACTORS = "factors"
    RANDOM = "random"


class Reduced(StrEnum):
    """What replacing a layer has to reduce."""

    MACS = "macs"
    PARAMS = "params"
    LATENCY = "latency"


class Emitted(StrEnum):
    """Ways to write a rank above 1."""

    SUM = "sum"
    POINTWISE_FIRST = "pointwise-first"
    CONCAT = "concat"
    GROUPED = "grouped"


class ImageLayout(StrEnum):
    """Axis orders of an image batch."""

    NCHW = "nchw"
    NHWC = "nhwc"
