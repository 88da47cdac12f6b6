"""``bsn export --format web``: what is written, from what, and what is refused; test_page_in_chromium runs the page."""

import hashlib
import io
import json
import re
import tarfile

import pytest

from bsn.data import DataError
from bsn.models import Model
from distill.export import ExportError, export_page
from distill.export import runtime as runtime_module
from distill.export import web as web_module
from distill.export.card import card_of
from distill.export.runtime import RUNTIME_FILES, read_runtime
from tests.helpers.command_line import complaint, run
from tests.helpers.networks import small

onnx = pytest.importorskip("onnx", reason="the extra [export] is not installed")


@pytest.fixture
def runtime(tmp_path, monkeypatch):
    """The archive of a release of other contents, and its contents."""
    contents = {name: f"// {name}".encode() for name in RUNTIME_FILES}
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    monkeypatch.setattr(runtime_module, "RUNTIME_FILES", digests)
    archive = tmp_path / runtime_module.ARCHIVE
    pack(archive, contents)
    return archive, contents


def pack(archive, contents):
    with tarfile.open(archive, "w:gz") as packed:
        for name, content in {**contents, "../../evil.mjs": b"x"}.items():
            member = tarfile.TarInfo(f"package/dist/{name}")
            member.size = len(content)
            packed.addfile(member, io.BytesIO(content))


@pytest.fixture
def without_export(monkeypatch):
    """An ONNX file with the card of the model and nothing else stands for the exported network."""

    def write(model, path, *, fp16=False):
        graph = onnx.helper.make_graph([], "empty", [], [])
        proto = onnx.helper.make_model(graph)
        card = card_of(model, "float", precision="float16" if fp16 else "float32")
        onnx.helper.set_model_props(proto, {"card": json.dumps(card)})
        onnx.save(proto, path)
        return 0.0

    monkeypatch.setattr(web_module, "export_onnx", write)


def student(channels=3):
    return Model(small("tiny", channels=channels), provenance={"trained_for": "stars"})


def test_the_page_is_whole_and_asks_no_other_host(tmp_path, runtime, without_export):
    archive, contents = runtime
    folder = tmp_path / "page"
    export_page(student(), folder, name="my camera", runtime=archive)
    written = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert {name: written[name] for name in contents} == contents
    card = json.loads(written["model.card.json"])
    assert (card["name"], card["made_for"]) == ("my camera", "stars")
    assert card["sha256"] == hashlib.sha256(written["model.onnx"]).hexdigest()
    ours = {name: text.decode() for name, text in written.items() if name.endswith((".html", ".js", ".css", ".svg"))}
    asked = {
        name for text in ours.values() for name in re.findall(r'(?:from|href=|src=|URL\()\s*"(?:\./)?([^"#]+)"', text)
    }
    assert {"page.js", "style.css", "tiles.js", "model.onnx", "worker.js", "NOTICE.txt", "ort.wasm.min.mjs"} <= asked
    assert asked <= {*written, "./"}
    hosts = {host for text in ours.values() for host in re.findall(r"https?://([^/\s<\"]+)", text)}
    assert hosts <= {"localhost:8000", "www.w3.org"}  # said to the reader; the name space of SVG


def test_the_page_has_strict_rules_and_nothing_inline(tmp_path, runtime, without_export):
    export_page(student(), tmp_path / "page", runtime=runtime[0])
    page = (tmp_path / "page" / "index.html").read_text()
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)[1]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["connect-src"] == rules["style-src"] == "'self'"
    assert "unsafe-inline" not in policy
    assert " 'unsafe-eval'" not in policy
    assert not re.findall(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=", page)


def test_the_runtime_is_taken_from_archive_package_or_folder(tmp_path, runtime, monkeypatch):
    archive, contents = runtime
    package = tmp_path / "node_modules" / "onnxruntime-web"
    (package / "dist").mkdir(parents=True)
    for name, content in contents.items():
        (package / "dist" / name).write_bytes(content)
    for place in (archive, package, package / "dist"):
        assert read_runtime(place) == contents
    monkeypatch.chdir(tmp_path)
    assert read_runtime() == contents
    archive.unlink()
    assert read_runtime() == contents
    assert not (tmp_path.parent / "evil.mjs").exists()


def test_a_runtime_that_is_missing_or_another_is_told_in_one_line(tmp_path, runtime, monkeypatch):
    archive, contents = runtime
    monkeypatch.chdir(tmp_path)
    command = re.escape(f"`npm pack onnxruntime-web@{runtime_module.RUNTIME_VERSION}`")
    name = next(iter(contents))
    pack(archive, {**contents, name: b"changed"})
    with pytest.raises(ExportError, match=f"{name} in {archive.name} is not that of.*{command}"):
        read_runtime()
    pack(archive, dict(list(contents.items())[1:]))
    with pytest.raises(ExportError, match=f"lacks files.*{command}"):
        read_runtime()
    archive.write_bytes(archive.read_bytes()[:60])
    with pytest.raises(ExportError, match=f"is no archive of npm.*{command}"):
        read_runtime()
    archive.unlink()
    with pytest.raises(ExportError, match=f"neither .* is here; get it with {command}"):
        read_runtime()
    with pytest.raises(ExportError, match=f"there is no elsewhere.*{command}"):
        read_runtime("elsewhere")


def test_folders_that_are_not_written(tmp_path, runtime, without_export):
    def export(folder, model=None, **options):
        export_page(model or student(), tmp_path / folder, runtime=runtime[0], **options)

    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(DataError, match="holds files that are not of a page"):
            export("mine", overwrite=overwrite)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(DataError, match="is a file, and a page is a folder"):
        export("file", overwrite=True)
    with pytest.raises(DataError, match="its parent folder does not exist"):
        export("none/page")
    with pytest.raises(ExportError, match="has 2 channels; export a model for 1 or 3"):
        export("page", student(2))
    assert not (tmp_path / "page").exists()


def test_a_page_is_replaced_only_on_request_and_keeps_what_was_added(tmp_path, runtime, without_export):
    folder = tmp_path / "page"
    folder.mkdir()
    export_page(student(), folder, runtime=runtime[0])
    (folder / "logo.png").write_bytes(b"mine")
    (folder / "page.js").write_text("changed")
    with pytest.raises(DataError, match="holds a page already and is not overwritten"):
        export_page(student(), folder, runtime=runtime[0])
    export_page(student(), folder, runtime=runtime[0], overwrite=True, fp16=True)
    assert (folder / "logo.png").read_bytes() == b"mine"
    assert (folder / "page.js").read_text() != "changed"
    assert json.loads((folder / "model.card.json").read_text())["precision"] == "float16"
    assert sorted(path.name for path in tmp_path.iterdir()) == [runtime[0].name, "page"]


def test_the_command(tmp_path, capsys, runtime, without_export, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["export", "--model", "photo-tiny", "-o", "page", "--format", "web"]
    code, out, err = run(capsys, *words)
    assert code == 0, err
    assert "see it with `python -m http.server --bind 127.0.0.1 --directory page`" in out
    assert json.loads((tmp_path / "page" / "model.card.json").read_text())["name"] == "photo-tiny"
    assert "holds a page already" in complaint(capsys, *words)
    words[4] = "other"
    assert "web takes float pixels" in complaint(capsys, *words, "--pixels", "uint8")
    assert "--half is for safetensors" in complaint(capsys, *words, "--half")
    assert "--runtime is for web" in complaint(capsys, *words[:5], "--runtime", "x")
    runtime[0].unlink()
    assert "get it with `npm pack" in complaint(capsys, *words)
    assert not (tmp_path / "other").exists()
