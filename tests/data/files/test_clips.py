"""Clips: frames, times, sound and colours survive, and broken ones are told in a line."""

import builtins
import importlib

import numpy as np
import pytest

from bsn.data import DataError, Image, list_images, open_image, open_writer, read_image, write_image
from bsn.data.files.formats import clip_frames
from tests.helpers.clips import UNEVEN, frames, make_clip, shown_at, sound_of

av = pytest.importorskip("av", reason="PyAV is not installed")
# Half a step of 8 bits, and what fewer samples of colour lose where it changes.
NEARLY = 3.0


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    make_clip(path, frames(), times=UNEVEN)
    return path


def copied(source, target, rows=20):
    """Write a clip band by band, as results are written."""
    with (
        open_image(source) as reader,
        open_writer(target, reader.shape, reader.axes, reader.dtype, reader.metadata) as out,
    ):
        height, width = reader.size
        for plane in range(reader.planes):
            for top in range(0, height, rows):
                out.write(plane, top, 0, reader.read(plane, top, 0, min(rows, height - top), width))
    return target


def test_grey_clips_have_no_channels(tmp_path):
    grey = frames(3)[..., 0].copy()
    make_clip(tmp_path / "a.mkv", grey, pix_fmt="gray", codec="ffv1", sound=None)
    found = read_image(tmp_path / "a.mkv")
    assert found.axes == "TYX"
    np.testing.assert_array_equal(found.pixels, grey)
    np.testing.assert_array_equal(read_image(copied(tmp_path / "a.mkv", tmp_path / "b.mkv")).pixels, grey)


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv444p", "yuv422p10le"])
@pytest.mark.parametrize(("space", "limits"), [(1, 1), (6, 1), (1, 2)])
def test_pixels_are_those_that_were_encoded(pix_fmt, space, limits, tmp_path):
    pixels = frames(3)
    make_clip(tmp_path / "a.mp4", pixels, pix_fmt=pix_fmt, colours=(space, limits, space, space), sound=None)
    found = read_image(tmp_path / "a.mp4")
    assert found.axes == "TYXC"
    scale = 257 if pix_fmt.endswith("10le") else 1
    assert found.pixels.dtype == (np.uint16 if scale > 1 else np.uint8)
    error = found.pixels / scale - pixels
    assert np.abs(error).mean() < NEARLY / 2
    assert np.abs(error.mean((0, 1, 2))).max() < 1


@pytest.mark.parametrize(("suffix", "loss"), [(".mkv", 0.8), (".mp4", 1.5), (".mov", 1.5)])
def test_times_sound_and_colours_are_kept(clip, suffix, loss, tmp_path):
    out = copied(clip, tmp_path / f"out{suffix}")
    before, after = read_image(clip), read_image(out)
    assert np.abs(before.pixels.astype(float) - after.pixels).mean() < loss
    shift = (
        sound_of(out)[1][0] - sound_of(clip)[1][0]
    )  # no time before zero in Matroska: picture and sound move together
    np.testing.assert_allclose(shown_at(out) - shift, shown_at(clip), atol=0.0011)
    np.testing.assert_allclose(np.diff(shown_at(clip)), np.diff(UNEVEN) / 1000, atol=1e-6)
    assert sound_of(out)[0] == sound_of(clip)[0]
    np.testing.assert_allclose(sound_of(out)[1] - shift, sound_of(clip)[1], atol=0.0011)
    assert 0 <= shift < 0.03
    was, now = before.metadata["clip"].colours, after.metadata["clip"].colours
    assert (now.pix_fmt, now.space, now.range, now.primaries, now.transfer) == ("yuv420p", 1, 1, 1, 1)
    assert was == now


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_the_same_frames_give_the_same_file(clip, suffix, tmp_path):
    first, second = (copied(clip, tmp_path / f"{number}{suffix}", rows) for number, rows in enumerate((20, 48)))
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("pix_fmt", ["yuvj420p", "yuv420p10le", "yuv444p", "nv12"])
def test_a_lossless_copy_of_a_copy_is_the_copy(pix_fmt, tmp_path):
    make_clip(tmp_path / "a.mp4", frames(4), pix_fmt=pix_fmt, colours=(6, 2, 5, 6), sound=None)
    first = copied(tmp_path / "a.mp4", tmp_path / "b.mkv")
    found, again = read_image(first), read_image(copied(first, tmp_path / "c.mkv"))
    levels = 257 if found.pixels.dtype == np.uint16 else 1
    assert np.abs(found.pixels.astype(float) - again.pixels).mean() < 0.6 * levels
    original = read_image(tmp_path / "a.mp4").pixels.astype(float)
    assert np.abs((found.pixels - original).mean()) < 0.3 * levels
    colours = found.metadata["clip"].colours
    assert (colours.space, colours.range, colours.primaries, colours.transfer) == (6, 2, 5, 6)


def test_frames_are_found_in_any_order(tmp_path):
    pixels = frames(260, 32, 32)
    make_clip(tmp_path / "long.mp4", pixels, sound=None)
    with open_image(tmp_path / "long.mp4") as image:
        assert image.planes == 260
        for number in (0, 250, 3, 249, 120, 121, 122, 259):
            corner = image.read(number, 26, 26, 5, 5).astype(float)
            assert corner.mean() == pytest.approx(number % 256, abs=6)
        assert len(image._boxes._held) <= 4


def test_frames_are_decoded_once_where_they_follow_each_other(clip, monkeypatch):
    count = []
    real = clip_frames.to_pixels
    monkeypatch.setattr(clip_frames, "to_pixels", lambda frame, *rest: count.append(frame.pts) or real(frame, *rest))
    with open_image(clip) as image:
        for plane in range(image.planes):
            for top in (0, 16, 32):
                image.read(plane, top, 0, 16, 64)
    assert len(count) == len(set(count)) == 12


@pytest.mark.parametrize(("degrees", "matrix", "turns"), [(90, (0, 1, -1, 0), -1), (180, (-1, 0, 0, -1), 2)])
def test_a_clip_of_a_turned_camera_is_shown_upright(degrees, matrix, turns, tmp_path):
    make_clip(tmp_path / "a.mp4", frames(3), sound=None)
    raw = bytearray((tmp_path / "a.mp4").read_bytes())
    at = (
        raw.index(b"tkhd") + 4 + 40
    )  # version, flags, times, track, duration, layer, volume: 40 bytes before the matrix
    a, b, c, d = (int(value * 65536).to_bytes(4, "big", signed=True) for value in matrix)
    zero, one = bytes(4), (1 << 30).to_bytes(4, "big")
    raw[at : at + 36] = a + b + zero + c + d + zero + zero + zero + one
    (tmp_path / "turned.mp4").write_bytes(raw)
    plain, turned = read_image(tmp_path / "a.mp4").pixels, read_image(tmp_path / "turned.mp4").pixels
    np.testing.assert_array_equal(turned, np.rot90(plain, turns, (1, 2)))
    out = copied(tmp_path / "turned.mp4", tmp_path / "out.mkv")
    again = read_image(out)
    assert again.pixels.shape == turned.shape
    assert np.abs(again.pixels.astype(float) - turned).mean() < 1


def test_a_stack_becomes_a_lossless_clip_and_a_clip_a_stack(clip, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 65535, (5, 20, 24), dtype=np.uint16)
    write_image(tmp_path / "a.mkv", Image(pixels, "TYX"))
    np.testing.assert_array_equal(read_image(tmp_path / "a.mkv").pixels, pixels)
    colour = frames(3)
    write_image(tmp_path / "b.mkv", Image(colour, "TYXC"))
    np.testing.assert_array_equal(read_image(tmp_path / "b.mkv").pixels, colour)
    with pytest.warns(match="sound, times and colour tags of the video"):
        write_image(tmp_path / "c.tif", read_image(clip))


def test_folders_stand_for_clips_only_where_there_is_nothing_else(clip, tmp_path):
    (tmp_path / "x.mp4").write_bytes(clip.read_bytes())
    assert [p.name for p in list_images(tmp_path)] == ["x.mp4"]
    np.save(tmp_path / "y.npy", np.zeros((8, 8), np.uint8))
    assert [p.name for p in list_images(tmp_path)] == ["y.npy"]
    assert [p.name for p in list_images(tmp_path / "x.mp4")] == ["x.mp4"]


def broken(kind, folder, clip):
    raw = clip.read_bytes()
    if kind == "text.mp4":
        (folder / kind).write_text("no video")
    elif kind == "cut.mp4":
        (folder / kind).write_bytes(raw[: len(raw) // 2])
    elif kind == "cut.mkv":
        make_clip(folder / "whole.mkv", frames(60), sound=None)
        whole = (folder / "whole.mkv").read_bytes()
        (folder / kind).write_bytes(whole[: len(whole) // 2])
    elif kind == "empty.mkv":
        (folder / kind).write_bytes(b"")
    elif kind == "sound.mkv":
        with av.open(str(folder / kind), "w") as file:
            from tests.helpers.clips import _add_sound

            audio = file.add_stream("aac", rate=48000)
            audio.layout = "mono"
            _add_sound(av, file, audio)
    return folder / kind


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("text.mp4", "cannot be read as a video"),
        ("cut.mp4", "cannot be read as a video|its video is damaged|header tells of"),
        ("cut.mkv", "it ends after .* frames, and its header tells of 2.4 s|its video is damaged"),
        ("empty.mkv", "cannot be read as a video"),
        ("sound.mkv", "there is no video in it, but audio"),
    ],
)
def test_broken_files_are_told_in_a_line(kind, said, clip, tmp_path):
    with pytest.raises(DataError, match=said) as told:
        open_image(broken(kind, tmp_path, clip))
    assert "\n" not in str(told.value)


def test_what_cannot_be_written_is_told_and_nothing_is_left(clip, tmp_path):
    image = read_image(clip)
    cases = {
        "a.webm": (image, "its? .*sound of clip.mp4 \\(aac\\): a .webm file cannot hold it|the sound of clip.mp4"),
        "a.avi": (image, "does not tell when its frames are shown; write a .mkv file"),
        "b.mp4": (Image(image.pixels, "TYXC"), "of an image that is no video"),
        "c.mkv": (Image(image.pixels.astype(np.float32), "TYXC"), "a video holds 8 or 16 bits"),
        "d.mkv": (Image(image.pixels[0], "YXC"), "one after the other; write a TIFF file"),
        "e.mkv": (Image(image.pixels.astype(np.uint16), "TYXC", image.metadata), "the video has uint8"),
    }
    for name, (what, said) in cases.items():
        with pytest.raises(DataError, match=said):
            write_image(tmp_path / name, what)
    assert not list(tmp_path.iterdir())
    with pytest.raises(DataError, match="holds one image without a name"):
        read_image(clip, key="x")


def test_frames_of_odd_sizes_are_lossless_and_refused_by_h264(tmp_path):
    make_clip(tmp_path / "odd.mkv", frames(3, 45, 63), codec="ffv1", sound=None)
    before, after = read_image(tmp_path / "odd.mkv"), read_image(copied(tmp_path / "odd.mkv", tmp_path / "out.mkv"))
    assert np.abs(before.pixels.astype(float) - after.pixels).mean() < 0.2
    with pytest.raises(DataError, match="H.264 needs even numbers of rows and columns"):
        copied(tmp_path / "odd.mkv", tmp_path / "out.mp4")


def test_what_ffmpeg_refuses_is_told_in_a_line(tmp_path):
    make_clip(tmp_path / "flac.mkv", frames(3), codec="ffv1", sound="flac")
    with pytest.raises(DataError, match="a .mov file cannot hold what the clip has") as told:
        copied(tmp_path / "flac.mkv", tmp_path / "out.mov")
    assert "\n" not in str(told.value)
    assert [path.name for path in tmp_path.iterdir()] == ["flac.mkv"]


def test_without_the_package_it_is_said_how_to_get_it(clip, monkeypatch):
    real = importlib.import_module
    monkeypatch.setattr(
        "bsn.data.files.formats.extras.importlib.import_module",
        lambda name: real(name) if name != "av" else builtins.__import__("av_is_not_there"),
    )
    clip_frames._facts.cache_clear()
    with pytest.raises(DataError, match=r'install it with pip install "blindspot-denoising\[video\]"'):
        open_image(clip)
