"""Draw pages of text for a detector: calibration.npz, and test.npz in other fonts."""

import shutil
from importlib.util import find_spec
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
PARTS = {
    "calibration": (192, ("DejaVuSans", "STIXGeneral")),
    "test": (128, ("DejaVuSerif", "cmr10")),
}
SIZE = 320
WORDS = "The detector marks where words stand on a page, so that another model can read them"


def page(random: np.random.Generator, fonts: tuple[str, ...]) -> np.ndarray:
    """A page [3, SIZE, SIZE] in -1..1: lines of words on a smooth background, a little turned."""
    shades = random.integers(120, 256, (4, 4, 3)).astype(np.uint8)
    image = Image.fromarray(shades).resize((SIZE, SIZE), Image.Resampling.BICUBIC)
    draw, y = ImageDraw.Draw(image), random.uniform(5, 40)
    while y < SIZE - 40:
        size = int(random.integers(12, 34))
        font = ImageFont.truetype(FONTS / f"{random.choice(fonts)}.ttf", size)
        line = " ".join(random.choice(WORDS.split(), random.integers(1, 6)))
        draw.text((random.uniform(-10, 90), y), line, tuple(random.integers(0, 90, 3)), font)
        y += size * random.uniform(1.3, 3)
    turned = image.rotate(random.uniform(-8, 8), fillcolor=(200, 200, 200))
    return np.asarray(turned, np.float32).transpose(2, 0, 1) / 127.5 - 1


def main() -> None:
    """Copy the model out of its package, and draw the pages."""
    package = Path(find_spec("rapidocr_onnxruntime").origin).parent  # without its needs
    shutil.copyfile(package / "models" / "ch_PP-OCRv4_det_infer.onnx", "detector.onnx")
    for seed, (name, (count, fonts)) in enumerate(PARTS.items()):
        random = np.random.default_rng(seed)
        np.savez(f"{name}.npz", x=np.stack([page(random, fonts) for _ in range(count)]))


if __name__ == "__main__":
    main()
