"""The files inside the page: Plotly, DataTables, and the page's own style and script."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

from plotly.offline import get_plotlyjs

EXPORT = re.compile(r"export\{([^}]*)\};?")
"""The statement that ends DataTables' module in the package itables."""


@dataclass(frozen=True)
class Assets:
    """Texts that go into the page unchanged.

    Args:
        style: The page's CSS.
        plotly: Plotly's library.
        script: DataTables' library and the page's own script, as one module.
        policy: A Content Security Policy that allows these scripts only, and no other source.
    """

    style: str
    plotly: str
    script: str
    policy: str


@cache
def load() -> Assets:
    """Return the texts, read from the packages that contain them."""
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
    """Return DataTables from itables' files for offline use, with its class as ``DataTable``.

    DataTables is a module, and nothing inside a page can import its exports. The export statement
    therefore becomes a declaration, which the page's script, in the same module, uses.
    """
    text = (resources.files("itables") / "html" / "dt_bundle.js").read_text("utf-8")
    found = list(EXPORT.finditer(text))
    assert len(found) == 1, "the bundle in itables is one module with one list of exports"
    pairs = [entry.split(" as ") for entry in found[0][1].split(",")]
    names = {shown: name for name, shown in pairs}
    before, after = text[: found[0].start()], text[found[0].end() :]
    return f"{before}const DataTable = {names['default']};{after}"


def _inside_a_tag(script: str) -> str:
    """Return a script that cannot end the tag that it is in."""
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
