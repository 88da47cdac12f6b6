"""The comparison of networks with and without attention: what differs between them, and that its runs are kept."""

import json
import re

import pytest
import torch

from benchmarks.attention_pays import SIZES, main, preset_of
from bsn.models import TBSN, PhaseUNet, create, is_blind


def in_tbsn(name):
    """Name in a TBSN of a weight of the network without attention: blocks 2 b and 2 b + 1 are the halves of block b."""
    found = re.fullmatch(r"(.+)\.(\d+)\.(layers|norms)\.0\.(.+)", name)
    if not found:
        return name
    stage, block, kind, rest = found.groups()
    return f"{stage}.{int(block) // 2}.{kind}.{2 * (int(block) % 2) + 1}.{rest}"


@pytest.mark.parametrize("size", SIZES)
def test_without_attention_the_same_weights_are_there_but_those_of_attention(size):
    whole, rest = create(preset_of("attention", size)), create(preset_of("off", size))
    assert isinstance(whole, TBSN)
    assert type(rest) is PhaseUNet
    shapes = {name: weight.shape for name, weight in whole.named_parameters()}
    kept = {in_tbsn(name): weight.shape for name, weight in rest.named_parameters()}
    assert kept.items() <= shapes.items()
    gone = shapes.keys() - kept.keys()
    assert all(re.search(r"\.(layers|norms)\.[02]\.", name) for name in gone)
    assert sum("qkv.weight" in name for name in gone) == sum("qkv.weight" in name for name in shapes) > 0


def test_a_tbsn_whose_attentions_give_nothing_is_the_network_without_them():
    torch.manual_seed(0)
    whole, rest = create(preset_of("attention", "tiny")).eval(), create(preset_of("off", "tiny")).eval()
    weights = dict(whole.named_parameters())
    for name, weight in weights.items():
        if re.search(r"\.layers\.[02]\.project_out\.", name):
            weight.data.zero_()
    for name, weight in rest.named_parameters():
        weight.data.copy_(weights[in_tbsn(name)])
    x = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(rest(x), whole(x), rtol=1e-5, atol=1e-6)


def test_all_variants_but_the_global_one_are_blind():
    for variant in ("attention", "channel", "window", "off", "convolutions"):
        assert is_blind(create(preset_of(variant, "tiny")))


@pytest.mark.slow
def test_runs_are_written_one_by_one_and_kept(collection, tmp_path, capsys):
    results = tmp_path / "results"
    arguments = [
        "--data",
        str(collection),
        "--runs",
        str(tmp_path / "runs"),
        "--results",
        str(results),
        "--size",
        "tiny",
    ]
    arguments += ["--steps", "2", "--threads", "1", "--sets", "w2s", "polyu"]
    main([*arguments, "--variants", "attention", "off"])
    assert capsys.readouterr().out.count("steps in") == 4
    main([*arguments, "--variants", "attention", "off", "convolutions"])
    assert capsys.readouterr().out.count("steps in") == 2
    rows = json.loads((results / "attention_pays.json").read_text())["rows"]
    assert [(row["set"], row["variant"]) for row in rows][-2:] == [("w2s", "convolutions"), ("polyu", "convolutions")]
    assert all(row["steps"] == 2 and len(row["rows"]) == 1 and row["psnr"] > 5 for row in rows)
