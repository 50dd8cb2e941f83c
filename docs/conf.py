"""How Sphinx builds the documentation: ``make docs``.

Docstrings here mark literals with double and names with single backticks. The latter become links,
and a dotted or capitalised name that leads nowhere is a warning, which fails the build.
"""

from __future__ import annotations

import importlib.metadata
import inspect
import os
from typing import Any

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

project = "mobo-bench"
author = "the mobo-bench developers"
release = version = importlib.metadata.version("mobo-bench")
html_title = f"mobo-bench {release}"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
default_role = "py:obj"

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["wide-tables.css"]
html_theme_options = {"navigation_with_keys": True}
html_show_copyright = False
pygments_style, pygments_dark_style = "friendly", "github-dark"

autodoc_default_options = {"members": True, "show-inheritance": True, "member-order": "bysource"}
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_preserve_defaults = True
napoleon_google_docstring, napoleon_numpy_docstring = True, False

nitpicky = True
nitpick_ignore_regex = [
    # Types in signatures, many of them of other projects, which are not linked to: no network.
    (r"py:(class|exc|data|meth|func)", r".*"),
    # Parameters, keys and attributes, which have no entry of their own.
    (r"py:obj", r"[a-z_0-9]+(=.*)?"),
    # Constants without a docstring.
    (r"py:obj", r"[A-Z_]+"),
    # Other people's: Ray Tune's names, Lightning's, the standard library's, matplotlib's.
    (r"py:obj", r"(tune|ray|optuna|contextlib|Tuner|ResultGrid|[A-Z]\w+Config)\..*"),
    (
        r"py:obj",
        r"(AxSearch|Client|HyperBandScheduler|OptunaSearch|FunctionTrainable|TuneBOHB|Tuner)",
    ),
]


def _link_by_last_name(app: Any, env: Any, node: Any, contnode: Any) -> Any:
    """Links `HypervolumePromotion` or `aggregate.summarise` from anywhere.

    That is, what exactly one documented name ends like. Names that a package only hands on are
    found by their last part, fields of a class by the class.
    """
    target = node.get("reftarget", "")
    if node.get("reftype") != "obj" or not ("." in target or target[:1].isupper()):
        return None
    domain = env.get_domain("py")
    owner, _, last = target.rpartition(".")
    candidates = [target, *(name for name in (last, owner) if name[:1].isupper())]
    for name in candidates:
        found = [known for known in domain.objects if known.endswith(f".{name}")]
        if len(found) == 1:
            page = node["refdoc"]
            return domain.resolve_xref(env, page, app.builder, "obj", found[0], node, contnode)
    return None


def _without_inherited_text(
    app: Any, what: str, name: str, documented: Any, options: Any, lines: list[str]
) -> None:
    """Drops docstrings of Ray's and other base classes: they are not ours, nor in our manner."""
    if inspect.isfunction(documented) and not documented.__module__.startswith(("mobo_", "bench")):
        lines.clear()


COLON = "\ue000"


def _hide_colons(
    app: Any, what: str, name: str, documented: Any, options: Any, lines: list[str]
) -> None:
    """Napoleon would take what comes before a colon for the type of an attribute."""
    if what in ("attribute", "data", "property"):
        lines[:] = [line.replace(":", COLON) for line in lines]


def _show_colons(
    app: Any, what: str, name: str, documented: Any, options: Any, lines: list[str]
) -> None:
    lines[:] = [line.replace(COLON, ":") for line in lines]


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", _hide_colons, priority=400)  # Napoleon has 500
    app.connect("autodoc-process-docstring", _show_colons, priority=600)
    app.connect("missing-reference", _link_by_last_name)
    app.connect("autodoc-process-docstring", _without_inherited_text)
