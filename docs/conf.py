"""Sphinx's configuration: ``make docs`` builds the documentation with it.

In docstrings, double backticks mark a literal and single backticks mark a name. Sphinx turns a name
into a link to its entry in the reference. A dotted or capitalised name that does not exist in the
code is a warning, and a warning fails the build.
"""

from __future__ import annotations

import ast
import functools
import importlib.metadata
import inspect
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.transforms import SphinxTransform

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "docs" / "_extensions"))

project = "mobo-bench"
author = "the mobo-bench developers"
release = version = importlib.metadata.version("mobo-bench")
html_title = f"mobo-bench {release}"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "diagrams",  # in _extensions: draws Mermaid's flowcharts without network or script
]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
default_role = "py:obj"

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_theme_options = {"navigation_with_keys": True}
html_show_copyright = False
pygments_style, pygments_dark_style = "friendly", "github-dark"
# The prompt is not copied with a command.
copybutton_prompt_text, copybutton_prompt_is_regexp = r"\$ |>>> |\.\.\. ", True
copybutton_line_continuation_character = "\\"

autodoc_default_options = {"members": True, "show-inheritance": True, "member-order": "bysource"}
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_preserve_defaults = True
napoleon_google_docstring, napoleon_numpy_docstring = True, False

nitpicky = True
nitpick_ignore_regex = [
    # Types in signatures. Many belong to other projects, to which there are no links: no network.
    (r"py:(class|exc|data|meth|func)", r".*"),
    # Parameters, keys and attributes, which have no entry of their own.
    (r"py:obj", r"[a-z_0-9]+(=.*)?"),
    # Constants without a docstring.
    (r"py:obj", r"[A-Z_]+"),
    # Names of other projects: Ray Tune, Optuna, Lightning, the standard library.
    (r"py:obj", r"(tune|ray|optuna|contextlib|Tuner|ResultGrid|[A-Z]\w+Config)\..*"),
    (
        r"py:obj",
        r"(AxSearch|Client|HyperBandScheduler|OptunaSearch|FunctionTrainable|TuneBOHB|Tuner)",
    ),
]


FULL_NAME = re.compile(r"(mobo_core|bench)(\.[A-Za-z_]\w*)+")


@functools.cache
def _names_in_the_code() -> frozenset[str]:
    """Return the full name of every module, class, function and attribute of both packages."""
    names: set[str] = set()
    for package in ("mobo_core", "bench"):
        for path in (ROOT / package).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            module = ".".join(parts).removesuffix(".__init__")
            names.add(module)
            names.update(_names_in(ast.parse(path.read_text("utf-8")), module))
    return frozenset(names)


def _names_in(node: ast.AST, owner: str) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef | ast.FunctionDef):
            yield f"{owner}.{child.name}"
            if isinstance(child, ast.ClassDef):
                yield from _names_in(child, f"{owner}.{child.name}")
        elif isinstance(child, ast.Assign | ast.AnnAssign):
            targets = child.targets if isinstance(child, ast.Assign) else [child.target]
            yield from (f"{owner}.{name.id}" for name in targets if isinstance(name, ast.Name))


@functools.cache
def _public_names() -> frozenset[str]:
    """Return the names that users import: all of each ``__all__`` in `mobo_core`."""
    names: set[str] = set()
    for path in (ROOT / "mobo_core").rglob("*.py"):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                names.update(ast.literal_eval(node.value))
    return frozenset(names)


class LinkNames(SphinxTransform):
    """A transform that makes each literal which is a public name or a full name a link.

    So a page of Markdown needs no role for it, and reads well on GitHub too.
    """

    default_priority = 500

    def apply(self, **kwargs: Any) -> None:
        """Wrap the literals of one page."""
        for literal in list(self.document.findall(nodes.literal)):
            name = literal.astext()
            full = FULL_NAME.fullmatch(name) and self.env.docname != "changelog"  # old names
            inside = (nodes.title, nodes.reference, pending_xref)
            if isinstance(literal.parent, inside) or not (full or name in _public_names()):
                continue
            link = pending_xref(
                "", refdomain="py", reftype="obj", reftarget=name, refdoc=self.env.docname
            )
            literal.replace_self(link)
            link += literal


def _resolve_by_last_name(app: Any, env: Any, node: Any, contnode: Any) -> Any:
    """Resolve `HypervolumePromotion` or `aggregate.summarise` from anywhere.

    A name is linked to the one entry of the reference that ends with it. A public name has its
    entry under the path that users import it from, so the last part of a longer path is tried too,
    and for a field its class. An internal name has no entry: it is shown as a literal if it exists.
    """
    target = node.get("reftarget", "")
    ours = target.startswith(("mobo_core.", "bench."))
    public = target in _public_names()
    dotted = "." in target or target[:1].isupper()
    if not (ours or public or (node.get("reftype") == "obj" and dotted)):
        return None
    domain = env.get_domain("py")
    owner, _, last = target.rpartition(".")
    candidates = [target, *(name for name in (last, owner) if name[:1].isupper())]
    candidates += [owner.rpartition(".")[2]] if owner.rpartition(".")[2][:1].isupper() else []
    for name in candidates:
        found = [known for known in domain.objects if known.endswith(f".{name}")]
        if len(found) == 1:
            page = node["refdoc"]
            return domain.resolve_xref(env, page, app.builder, "obj", found[0], node, contnode)
    exists = any(f".{name}".endswith(f".{target}") for name in _names_in_the_code())
    return contnode if exists else None


def _without_inherited_text(
    app: Any, what: str, name: str, documented: Any, options: Any, lines: list[str]
) -> None:
    """Remove the docstrings of base classes of other projects, whose markup differs from ours."""
    if inspect.isfunction(documented) and not documented.__module__.startswith(("mobo_", "bench")):
        lines.clear()


COLON = "\ue000"


def _hide_colons(
    app: Any, what: str, name: str, documented: Any, options: Any, lines: list[str]
) -> None:
    """Hide colons from Napoleon, which takes what precedes one for the type of an attribute."""
    if what in ("attribute", "data", "property"):
        lines[:] = [line.replace(":", COLON) for line in lines]


def _show_colons(
    app: Any, what: str, name: str, documented: Any, options: Any, lines: list[str]
) -> None:
    """Bring the hidden colons back."""
    lines[:] = [line.replace(COLON, ":") for line in lines]


def setup(app: Any) -> None:
    """Register the functions above; Sphinx calls this."""
    app.add_transform(LinkNames)
    app.connect("autodoc-process-docstring", _hide_colons, priority=400)  # Napoleon has 500
    app.connect("autodoc-process-docstring", _show_colons, priority=600)
    app.connect("missing-reference", _resolve_by_last_name)
    app.connect("autodoc-process-docstring", _without_inherited_text)
