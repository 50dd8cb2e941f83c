"""What the page carries with it: Plotly, DataTables, and our own style and script."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

from plotly.offline import get_plotlyjs

EXPORT = re.compile(r"export\{([^}]*)\};?")
"""What ends DataTables' module as the package itables ships it."""


@dataclass(frozen=True)
class Assets:
    """Texts that go into the page as they are.

    Args:
        style: CSS.
        plotly: Plotly's library.
        script: DataTables' library and our own script, one module.
        policy: A Content Security Policy: these scripts and no other, and nothing from elsewhere.
    """

    style: str
    plotly: str
    script: str
    policy: str


@cache
def load() -> Assets:
    """All of them, read from the packages that ship them."""
    plotly = _inside_a_tag(get_plotlyjs())
    own = _own("page.js")
    script = _inside_a_tag(f"{_datatables()}\n{own}")
    hashes = " ".join(f"'sha256-{_digest(text)}'" for text in (plotly, script))
    policy = (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
    return Assets(_own("page.css"), plotly, script, policy)


def _own(name: str) -> str:
    return (resources.files("bench.report.page") / "templates" / name).read_text("utf-8")


def _datatables() -> str:
    """DataTables as itables ships it for use offline, its class named ``DataTable``.

    It is a module, whose exports nothing could import from within a page: the statement becomes
    the declaration that our script, in the same module, goes on from.
    """
    text = (resources.files("itables") / "html" / "dt_bundle.js").read_text("utf-8")
    found = list(EXPORT.finditer(text))
    assert len(found) == 1, "itables ships its bundle as one module with one list of exports"
    pairs = [entry.split(" as ") for entry in found[0][1].split(",")]
    names = {shown: name for name, shown in pairs}
    before, after = text[: found[0].start()], text[found[0].end() :]
    return f"{before}const DataTable = {names['default']};{after}"


def _inside_a_tag(script: str) -> str:
    """A script that cannot end its own tag."""
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
