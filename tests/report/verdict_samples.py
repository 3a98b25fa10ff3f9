"""Sample checks for reports, with names that try to break out of each format."""

from hypothesis import strategies as st

from sepcost.budget.results import Cause, Location, Status, Verdict
from tests.budget.build import check, verdict

NASTY = (
    "a\x1b[31m", "]]>", "a\nb", "100%", "50%0A", "a:b,c", "::error::x", "<b>&amp;", '"q"', "\ud800",
    "`|`", "\x00", "\u202e", "\ufffe", "@me", "[x](http://y)", "\\", "%25", "\x85", "a\rb", "-->",
    "/", "./x", "/.//x",
)  # fmt: skip
names = st.text(st.characters(exclude_categories=()), min_size=1, max_size=12) | st.sampled_from(
    NASTY
)


def nasty(name):
    """One failure, one warning and one unknown, all with this name."""
    where = Location(f"dir/{name}.toml", 3)
    cause = Cause(name, name, None, "added")
    return check(
        verdict(model=name, causes=(cause,), location=where, detail=name),
        verdict(Status.WARN, model=name, location=where, metric="params"),
        verdict(
            Status.UNKNOWN, model=name, breaks=True, location=None, actual=None, metric="flops"
        ),
        verdict(Status.OK, model="fine.onnx"),
    )


def every(model: str = "m.onnx") -> list[Verdict]:
    """One verdict of each status."""
    return [verdict(status, model=model, metric=f"metric-{status}") for status in Status]
