"""Denoise a picture with an exported student: onnxruntime, numpy and Pillow, nothing else.

python onnx_denoise.py student.onnx noisy.png clean.png
"""

import json
import sys

import numpy as np
import onnxruntime
from PIL import Image


def main(model: str, source: str, target: str) -> None:
    """Read, denoise, write; the file itself knows value scale, padding and whether it takes floats or bytes."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    about = session.get_modelmeta().custom_metadata_map
    pixels = np.asarray(Image.open(source).convert("L" if about["channels"] == "1" else "RGB"))
    image = pixels.reshape(1, *pixels.shape[:2], -1)
    if about["pixels"] == "float":
        image = np.moveaxis(image.astype(np.float32) / 255, -1, 1)
    (result,) = session.run(None, {"image": image})
    if about["pixels"] == "float":
        result = (np.moveaxis(np.clip(result, 0, 1), 1, -1) * 255 + 0.5).astype(np.uint8)
    Image.fromarray(result[0].squeeze()).save(target)
    print(f"{target}: trained for {json.loads(about['provenance']).get('trained_for', 'images like its own')}")


if __name__ == "__main__":
    main(*sys.argv[1:4])
