"""The warning before a training in which global channel attention could copy the noise."""

import warnings

import pytest

from bsn.models import create
from bsn.training import ChannelLeakWarning
from bsn.training.leak_guard import predicted_leaks, warn_of_leaks


def test_small_crops_with_global_attention_are_warned_of():
    network = create("tbsn", channel_attention="global")
    with pytest.warns(ChannelLeakWarning, match="channel_attention='phase'.* or crops of 128 pixels"):
        warn_of_leaks(network, 64)
    leaks = dict(predicted_leaks(network, 64))
    assert leaks[2].positions == 256
    assert leaks[2].copied == pytest.approx(0.17)


@pytest.mark.parametrize(
    ("options", "crop"), [({"channel_attention": "phase"}, 32), ({"channel_attention": "global"}, 256)], ids=str
)
def test_silent_where_nothing_can_leak(options, crop):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_leaks(create("tbsn-small", **options), crop)
        warn_of_leaks(create("dbsnl", width=8), crop)
