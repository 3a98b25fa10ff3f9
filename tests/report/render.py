"""One way to write any result in any format."""

from sepcost.report.formats import renderer
from sepcost.report.view import View


def render(command, format_, result, **view):
    return renderer(command, format_)(result, View(**view))
