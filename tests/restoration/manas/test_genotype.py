"""Genotypes as files and pictures, and what is said about bad ones."""

import dataclasses
import json
import xml.etree.ElementTree as ElementTree

import pytest

from restoration.manas.genotype import SHIPPED, Genotype, GenotypeError, shipped_genotype
from restoration.manas.genotype.drawing import draw_genotype
from restoration.manas.space.candidates import _candidates, candidate_names, make_candidate, register_candidate
from restoration.models import MANAS, MANASConfig


@pytest.mark.parametrize("name", SHIPPED)
def test_round_trip(name, tmp_path):
    genotype = shipped_genotype(name)
    genotype.save(tmp_path / "g.json")
    again = Genotype.load(tmp_path / "g.json")
    assert again == genotype
    assert again.about == genotype.about
    assert json.loads(genotype.to_json())["format"] == "manas-genotype-1"
    assert max(map(len, genotype.to_json().splitlines())) < 250, "a person reads it"


def test_model_files_hold_it():
    config = MANASConfig(shipped_genotype("tiny"), residual=True)
    fields = json.loads(json.dumps(dataclasses.asdict(config)))
    assert MANASConfig(**fields) == config


def test_widths_can_be_changed():
    network = MANAS(shipped_genotype("tiny"), widths=(16, 32, 16, 48))
    assert network.config.genotype.widths == (16, 32, 16, 48)
    assert network.config.genotype.edges == shipped_genotype("tiny").edges
    with pytest.raises(GenotypeError, match="3 widths make 2 cells"):
        MANAS(shipped_genotype("tiny"), widths=(16, 16, 16))


def changed(**entries):
    return json.dumps({**json.loads(shipped_genotype("tiny").to_json()), **entries})


def with_cell(number, **entries):
    cells = json.loads(shipped_genotype("tiny").to_json())["cells"]
    cells[number] = {key: value for key, value in {**cells[number], **entries}.items() if value is not None}
    return changed(cells=cells)


BAD = {
    "no json": ("{", "is not JSON"),
    "a list": ("[1, 2]", "is not a genotype of this program"),
    "another program": ('{"normal": [["sep_conv_3x3", 1]], "normal_concat": [2]}', "is not a genotype of this program"),
    "another version": (changed(format="manas-genotype-2"), "format 'manas-genotype-2' instead of"),
    "unknown entry": (changed(colour="red"), "unknown entry 'colour'"),
    "widths of words": (changed(widths=["16", 16, 24, 32]), "widths, stem_blocks and nodes are whole numbers"),
    "narrow": (changed(widths=[8, 16, 24, 32]), "width 8 cannot be split"),
    "odd": (changed(widths=[17, 16, 24, 32]), "width 17 cannot be split"),
    "no widths": (changed(widths=None), "malformed"),
    "stem of words": (changed(stem="yes"), "stem must be true or false"),
    "too few widths": (changed(widths=[16, 16, 16]), "3 widths make 2 cells"),
    "too few cells": (
        changed(cells=json.loads(shipped_genotype("tiny").to_json())["cells"][:2]),
        "4 widths make 3 cells",
    ),
    "no modules": (with_cell(0, modules=None), "lacks 'modules'"),
    "unknown module": (with_cell(0, modules=["serial"]), "has a module 'serial'; modules are parallel and fusion"),
    "no module": (with_cell(0, modules=[]), "must be 1 or more"),
    "module of letters": (with_cell(0, modules="parallel"), "must be lists of names"),
    "missing branch": (with_cell(1, attention=[["SE", "SE", "SE"]]), "attention for 1 branches; it has 3 branches"),
    "missing edge": (with_cell(0, attention=[["SE", "SE"]] * 2), "has 2 edges; 2 nodes make 3: X0→U0, X1→U1, U0→U1"),
    "unknown candidate": (with_cell(0, attention=[["SE", "SE", "CBAN"]] * 2), "no candidate 'CBAN'; did you mean CBAM"),
    "numbers": (with_cell(0, attention=[[2, 4, 8]] * 2), "must be lists of names"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_genotypes(name, tmp_path):
    text, message = BAD[name]
    (tmp_path / "g.json").write_text(text)
    with pytest.raises(GenotypeError) as caught:
        Genotype.load(tmp_path / "g.json")
    assert message in str(caught.value)
    assert "g.json" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(GenotypeError, match="cannot be read"):
        Genotype.load(tmp_path / "missing.json")
    (tmp_path / "g.json").write_bytes(b"\x80\x04\xff")
    with pytest.raises(GenotypeError, match="it is not text"):
        Genotype.load(tmp_path / "g.json")
    with pytest.raises(GenotypeError, match="there is no genotype 'huge'"):
        shipped_genotype("huge")


@pytest.mark.parametrize("name", SHIPPED)
def test_drawing(name):
    genotype = shipped_genotype(name)
    picture = draw_genotype(genotype)
    root = ElementTree.fromstring(picture)
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    shown = [text for text in texts if "→" in text]
    expected = [
        f"{edge} {name}"
        for cell in genotype.edges
        for branch in cell
        for edge, name in zip(genotype.shape.edge_names(), branch, strict=True)
    ]
    assert shown == expected
    letters = [name[0].upper() for s, cell in enumerate(genotype.modules) for name in cell for _ in range(s + 2)]
    assert [text for text in texts if text in ("P", "F")] == letters
    width = float(root.get("width"))
    right = [float(r.get("x", 0)) + float(r.get("width")) for r in root.iter("{http://www.w3.org/2000/svg}rect")]
    assert max(right) <= width


def test_a_further_candidate():
    """Another operator is a class under a decorator; genotypes, networks and searches then know it by name."""
    import torch

    @register_candidate("halve", "half of it")
    class Halve(torch.nn.Module):
        def __init__(self, channels):
            super().__init__()

        def forward(self, x):
            return x / 2

    try:
        assert candidate_names()[-1] == "halve"
        assert float(make_candidate("halve", 4)(torch.ones(1, 4, 1, 1)).sum()) == 2
        tiny = shipped_genotype("tiny")
        edges = (((("halve",) * 3),) * 2, *tiny.edges[1:])
        network = MANAS(dataclasses.replace(tiny, edges=edges))
        assert network(torch.rand(1, 3, 16, 16)).shape == (1, 3, 16, 16)
    finally:
        del _candidates["halve"]
