"""The report as one HTML file that works offline: `render` is all that others need of it."""

from bench.report.page.document import render

__all__ = ["render"]
