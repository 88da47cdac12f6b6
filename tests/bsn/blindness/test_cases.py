"""Leaks that look harmless are found, by the check that can, at the module that causes them; other blind designs pass."""

import dataclasses

import pytest

from bsn.blindness import Condition, Subject, VerifyConfig, assert_blind, perturbation_check, verify
from tests.helpers.blindness_cases import blind_networks, leaking_networks

LEAKS = leaking_networks()
BLIND = blind_networks()
# Where gradients and finite changes in eval mode see nothing: the condition that does.
HIDDEN = {
    "batch statistics in train mode": "train mode",
    "train mode only": "train mode",
    "sizes off the window grid only": "odd size",
    "bf16 autocast only": "autocast",
    "behind a weight that starts at zero": "moved weights",
}


@pytest.mark.parametrize("name", LEAKS)
def test_leaks_are_caught(name):
    network, culprit = LEAKS[name]
    hidden = HIDDEN.get(name)
    checks = ("jacobian", "perturbation") if hidden is None else ("jacobian", "perturbation", "conditions")
    verdict = verify(network, 1, VerifyConfig((32, 32), checks))
    assert not verdict.blind
    failed = [check for check in verdict.checks if check.passed is False]
    if hidden is None:
        assert {check.check for check in failed} == {"jacobian", "perturbation"}
    else:
        assert [hidden in check.condition for check in failed] == [True]
        assert hidden in verdict.leak.condition
    assert verdict.leak.size > 0
    if culprit is not None:
        assert verdict.leak.culprit.module == culprit
        assert culprit in verdict.headline


def test_a_leak_at_the_border_is_at_the_border():
    network, _ = LEAKS["border only (replicate padding)"]
    verdict = verify(network, 1, VerifyConfig((24, 24), ("perturbation",)))
    assert verdict.pixels - verdict.certified == 4 * 24 - 4
    assert min(verdict.leak.position) == 0 or max(verdict.leak.position) == 23


def test_the_faint_leak_is_measured():
    verdict = verify(LEAKS["leak of 1e-12"][0], 1, VerifyConfig((16, 16), ("jacobian",)))
    assert verdict.leak.size == pytest.approx(1e-12, rel=1e-6)


@pytest.mark.parametrize("lattices", [[2], []], ids=str)
def test_finite_changes_see_the_faint_leak_without_gradients(lattices):
    subject = Subject(LEAKS["leak of 1e-12"][0], 1, Condition("test", (12, 12)))
    check = perturbation_check(subject, lattices)
    assert check.leaking == 144
    assert check.leaks[0].change < 1e-10


@pytest.mark.parametrize("name", BLIND)
def test_other_blind_networks_pass(name):
    network, channels, lattice = BLIND[name]
    verdict = assert_blind(network, size=16, channels=channels)
    assert verdict.exact
    assert verdict.lattice == lattice
    if lattice is not None:
        assert_blind(network, size=16, channels=channels, lattice=lattice, checks=("perturbation",))


def test_fewer_passes_than_pixels_is_no_proof_and_says_so():
    network, channels, _ = BLIND["shift U-Net"]
    verdict = verify(network, channels, VerifyConfig((16, 16), ("perturbation",), max_passes=20))
    assert verdict.blind
    assert not verdict.exact
    assert verdict.headline.endswith("is BLIND at 20 sampled pixels of 256 (16 x 16); the others were not looked at")


def test_a_lattice_that_is_not_blind_is_refused():
    network, channels, lattice = BLIND["dilated"]
    with pytest.raises(AssertionError, match="not to a lattice of side 3"):
        assert_blind(network, size=16, channels=channels, lattice=lattice + 1, checks=("perturbation",))


def test_assertion_shows_pixel_size_and_layer(assert_blind):
    """Through the fixture that the pytest plugin offers."""
    with pytest.raises(AssertionError) as failure:
        assert_blind(LEAKS["dilation 1 in the body"][0], size=16)
    text = str(failure.value)
    assert "LEAKS at body.1 (Conv2d), ratio 0." in text
    assert "at pixel (" in text
    assert "body.1 (Conv2d) is the first to mix pixel" in text


def test_verdicts_are_data():
    verdict = verify(LEAKS["unmasked head"][0], 1, VerifyConfig((16, 16), ("jacobian",)), name="mine")
    content = verdict.to_dict()
    assert content["name"] == "mine"
    assert content["leak"]["culprit"]["module"] == "head"
    assert dataclasses.replace(verdict, leak=None).headline.startswith("mine is NOT PROVED BLIND")
