"""Small video clips for tests, made by PyAV itself."""

from fractions import Fraction

import numpy as np

UNEVEN = (0, 40, 90, 100, 160, 200, 250, 300, 340, 420, 500, 560)
"""When the frames of a clip of uneven times are shown, in milliseconds."""


def frames(count=12, height=48, width=64):
    """Frames (T, H, W, 3), uint8, in which something moves."""
    y, x = np.mgrid[:height, :width]
    found = np.stack([60 + x, 80 + y, 90 + 0 * x], -1)[None].repeat(count, 0)
    for t in range(count):
        left = 4 + t % (width - 16)
        found[t, 12:24, left : left + 8] += 40
        found[t, -8:, -8:] = t % 256
    return found.astype(np.uint8)


def make_clip(
    path, pixels, *, pix_fmt="yuv420p", codec="libx264", times=None, sound="aac", colours=(1, 1, 1, 1), **options
):
    """Write a clip; colours are matrix, range, primaries and transfer curve by number."""
    import av

    times = range(0, 40 * len(pixels), 40) if times is None else times
    with av.open(str(path), "w", **options) as file:
        video = file.add_stream(codec, rate=25, options={"crf": "1"} if codec == "libx264" else {})
        video.height, video.width = pixels.shape[1:3]
        video.pix_fmt, context = pix_fmt, video.codec_context
        context.time_base = Fraction(1, 1000)
        context.colorspace, context.color_range, context.color_primaries, context.color_trc = colours
        audio = file.add_stream(sound, rate=48000) if sound else None
        if audio is not None:
            audio.layout = "mono"
        for shown, time in zip(pixels, times, strict=True):
            frame = av.VideoFrame.from_ndarray(shown, format="rgb24" if shown.ndim == 3 else "gray")
            frame = (
                frame
                if shown.ndim == 2
                else frame.reformat(
                    format=pix_fmt,
                    dst_colorspace=colours[0],
                    dst_color_range=colours[1] if pix_fmt.startswith("yuv") else None,
                )
            )
            frame.pts, frame.time_base = time, context.time_base
            file.mux(video.encode(frame))
        file.mux(video.encode(None))
        if audio is not None:
            _add_sound(av, file, audio)


def _add_sound(av, file, audio):
    for number in range(20):
        wave = np.sin(np.arange(1024) / 20 + number)
        shape, kind = (
            (wave.astype(np.float32)[None], "fltp")
            if audio.name == "aac"
            else ((30_000 * wave).astype(np.int16)[None], "s16")
        )
        frame = av.AudioFrame.from_ndarray(shape, kind, "mono")
        frame.sample_rate, frame.pts, frame.time_base = 48000, 1024 * number, Fraction(1, 48000)
        file.mux(audio.encode(frame))
    file.mux(audio.encode(None))


def shown_at(path):
    """Seconds at which the frames of a clip are shown."""
    import av

    with av.open(str(path)) as file:
        return np.array([float(frame.pts * frame.time_base) for frame in file.decode(video=0)])


def sound_of(path):
    """Encoded sound of a clip, and the seconds at which its pieces are heard."""
    import av

    with av.open(str(path)) as file:
        packets = [packet for packet in file.demux(audio=0) if packet.dts is not None]
        return [bytes(packet) for packet in packets], np.array([float(p.pts * p.time_base) for p in packets])
