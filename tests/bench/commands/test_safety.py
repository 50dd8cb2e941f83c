"""Results, reports and configuration are data: nothing in them is run, or changes what is shown."""

from __future__ import annotations

import ast
import hashlib
import io
import pickle
import re
from dataclasses import replace
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from bench.errors import UserError
from bench.execution.ray.backend import RayBackend
from bench.formatting import code, markdown
from bench.matrix.files import load_matrix
from bench.records import folders, storage
from bench.report import report_data, terminal_text, write
from mobo_core.problems import images
from tests.bench.examples import record

ROOT = Path(__file__).resolve().parents[3]
HOSTILE = "a|b<script>alert(1)</script>`c`\n[/x] & *d* $\\input{e}$"


class Bomb:
    """An object that makes the file `trace` if it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.trace,)


def test_the_bomb_works(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Bomb(tmp_path / "trace")))
    assert (tmp_path / "trace").exists()


@pytest.mark.parametrize("file", ["run.json", "epochs.parquet", "matrix.json", "metadata"])
def test_no_pickle_is_read_from_results(tmp_path: Path, file: str) -> None:
    trace, folder = tmp_path / "trace", tmp_path / "results"
    folders_matrix = load_matrix("quick")
    path = storage.write(record(), folder)
    folders.open_folder(folder, folders_matrix)
    bomb = pickle.dumps(Bomb(trace))
    if file == "metadata":
        # Older versions of Arrow pickled Python types into a column's metadata.
        table = pq.read_table(path / "epochs.parquet")
        names = {b"ARROW:extension:name": b"arrow.py_extension_type"}
        field = table.schema.field(0).with_metadata(names | {b"ARROW:extension:metadata": bomb})
        table = pa.table(table.columns, schema=pa.schema([field, *list(table.schema)[1:]]))
        pq.write_table(table, path / "epochs.parquet")
    else:
        (folder / file if file == "matrix.json" else path / file).write_bytes(bomb)
    try:
        folders.read_settings(folder)
        storage.read_all(folder)
    except UserError:
        pass
    assert not trace.exists()


def calls(tree: ast.AST) -> set[str]:
    """Return the functions that are called, and all keyword arguments as ``name=value``."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            found.add(ast.unparse(node.func))
            found |= {f"{k.arg}={ast.unparse(k.value)}" for k in node.keywords if k.arg}
    return found


@pytest.mark.parametrize("package", ["bench", "mobo_core"])
def test_no_shell_and_no_code_from_data(package: str) -> None:
    forbidden = {"eval", "exec", "os.system", "os.popen", "shell=True", "yaml.load", "__import__"}
    forbidden |= {"pd.read_pickle", "np.load", "weights_only=False", "allow_pickle=True"}
    for path in (ROOT / package).rglob("*.py"):
        assert not calls(ast.parse(path.read_text("utf-8"))) & forbidden, path


PICKLES = ("pickle", "cloudpickle", "dill", "joblib", "ray.cloudpickle")
UNPICKLING = {f"{m}.{name}" for m in PICKLES for name in ("load", "loads", "Unpickler")}


def unpickles(tree: ast.AST) -> bool:
    """Return whether a module calls a function that reads pickles, or imports its name."""
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return bool(calls(tree) & UNPICKLING or imported & set(PICKLES))


def test_pickles_are_read_by_tunes_own_restore_alone() -> None:
    reading = {
        path.relative_to(ROOT).as_posix()
        for package in ("bench", "mobo_core")
        for path in (ROOT / package).rglob("*.py")
        if unpickles(ast.parse(path.read_text("utf-8")))
    }
    # A training reads what itself has put into a checkpoint of Tune, when Tune resumes the trial.
    assert "mobo_core/problems/learners/estimators.py" in reading
    reading.remove("mobo_core/problems/learners/estimators.py")
    assert reading
    assert all(name.startswith("mobo_core/tune/") for name in reading), reading


def test_hostile_text_is_shown_and_does_nothing() -> None:
    shown = markdown(HOSTILE)
    assert "<" not in shown
    assert "\n" not in shown
    assert shown.startswith(r"a\|b&lt;script&gt;alert(1)&lt;/script&gt;\`c\`")
    assert code("a`b\nc") == "`a'b c`"
    assert markdown("moasha-stopping η=3 (12.5 %)") == "moasha-stopping η=3 (12.5 %)"


def test_reports_escape_labels_titles_and_errors(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "results"
    label = HOSTILE.replace("\n", " ").replace("/", "")
    hostile = replace(record(), run_id="hostile", labels={"searcher": "ax", "scheduler": label})
    failed = replace(record(seed=1), result=None, error=f"Traceback\n{HOSTILE.splitlines()[0]}")
    matrix = replace(load_matrix("paper"), title=HOSTILE)
    matrix = replace(
        matrix, schedulers=(*matrix.schedulers, replace(matrix.schedulers[0], label=label))
    )
    folders.open_folder(folder, matrix.with_dataset("mnist"))
    for each in (record(), hostile, failed):
        storage.write(each, folder)
    write.write(folder, tmp_path / "reports", Console(file=io.StringIO()))
    text = (tmp_path / "reports" / "report.md").read_text("utf-8")
    assert "<script>" not in text
    assert text.count("&lt;script&gt;") >= 5
    widths = {line.replace(r"\|", "").count("|") for line in text.splitlines() if "script" in line}
    assert widths <= {0, 3, 5, 6, 7, 9, 12}
    latex = "".join(p.read_text("utf-8") for p in (tmp_path / "reports").glob("*.tex"))
    assert r"\input" not in latex
    assert r"\textbackslash{}input\{e\}\$" in latex
    printed = io.StringIO()
    terminal_text.show(report_data.gather(folder), Console(file=printed, width=10_000))
    assert label in printed.getvalue()


def test_a_record_of_another_matrix_is_named(tmp_path: Path) -> None:
    folders.open_folder(tmp_path, load_matrix("paper"))
    storage.write(record(), tmp_path)
    path = storage.write(record(scheduler="theirs"), tmp_path)
    foreign = re.escape(f"{path.name} belongs to no cell of this folder's matrix")
    with pytest.raises(UserError, match=foreign):
        write.write(tmp_path, tmp_path / "reports", Console(file=io.StringIO()))
    path.rename(tmp_path / "renamed")
    with pytest.raises(UserError, match=re.escape(f"it belongs to the run '{path.name}'")):
        storage.read_all(tmp_path)


@pytest.mark.ray
def test_ray_listens_on_the_loopback_alone(backend: RayBackend) -> None:
    ours = psutil.Process()
    family = [ours, *ours.children(recursive=True)]
    names = {process.name() for process in family}
    listening = {
        connection.laddr.ip.removeprefix("::ffff:")
        for process in family
        for connection in process.net_connections()
        if connection.status == psutil.CONN_LISTEN
    }
    assert {"raylet", "gcs_server"} <= names
    assert listening == {"127.0.0.1"}
    # Without a dashboard Ray still starts its server, with nothing to see on it.
    commands = [process.cmdline() for process in family]
    servers = [c for c in commands if any(part.endswith("dashboard/dashboard.py") for part in c)]
    assert all("--disable-frontend" in command for command in servers)


def test_mnist_that_differs_in_one_pixel_is_refused(mnist_dir: str, tmp_path: Path) -> None:
    raw, copied = Path(mnist_dir, "MNIST", "raw"), tmp_path / "MNIST" / "raw"
    copied.mkdir(parents=True)
    for name, _ in images.MNIST.resources:
        plain = name.removesuffix(".gz")
        content = bytearray((raw / plain).read_bytes())
        if plain == "t10k-images-idx3-ubyte":
            content[-1] ^= 1
        (copied / plain).write_bytes(content)
    with pytest.raises(images.DataDamagedError, match=f"expected {images.MNIST_SHA256}"):
        images.load("mnist", str(tmp_path))


def test_mnist_is_pinned_and_so_are_the_downloads() -> None:
    assert len(bytes.fromhex(images.MNIST_SHA256)) == hashlib.sha256().digest_size
    assert all(len(bytes.fromhex(md5)) == 16 for _, md5 in images.MNIST.resources)
