"""Denoise a picture (8 bits, or 16-bit grey) without this toolkit: python onnx_denoise.py student.onnx noisy.png clean.png"""

import json
import sys

import numpy as np
import onnxruntime
from PIL import Image


def main(model: str, source: str, target: str) -> None:
    """Read, denoise, write with the bits of the source; the file knows value scale, padding and the pixels it takes."""
    session, picture = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"]), Image.open(source)
    about, deep = session.get_modelmeta().custom_metadata_map, picture.mode.startswith("I")  # I;16 is 16-bit grey
    pixels = np.asarray(picture if deep else picture.convert("L" if about["channels"] == "1" else "RGB"))
    image = pixels.reshape(1, *pixels.shape[:2], -1).repeat(int(about["channels"]) if deep else 1, axis=-1)
    span = 65535 if deep else 255
    if about["pixels"] == "float":
        image = np.moveaxis(image.astype(np.float32) / span, -1, 1)
    elif deep:
        sys.exit(f"{source} has 16 bits and {model} takes 8; export the model again with --pixels float")
    (result,) = session.run(None, {"image": image})
    if about["pixels"] == "float":
        result = np.moveaxis(np.clip(result, 0, 1), 1, -1) * span + 0.5
    Image.fromarray(result[0].mean(-1).astype("uint16") if deep else result[0].squeeze().astype("uint8")).save(target)
    print(f"{target}: trained for {json.loads(about['provenance']).get('trained_for', 'images like its own')}")


if __name__ == "__main__":
    main(*sys.argv[1:4])
