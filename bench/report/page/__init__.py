"""The report as one HTML file that works offline; other modules only need `render`."""

from bench.report.page.document import render

__all__ = ["render"]
