"""Calibration and unseen data for the part ``jobs``, from the pictures and fonts of packages.

Runs in the environment of these packages, ``python job_data.py FOLDER``, and writes
``NAME-calibration.npz`` and ``NAME-unseen.npz`` for each job. Needs only numpy and Pillow. No
picture and no font is in both.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Array = NDArray[np.float32]
Random = np.random.Generator
Box = tuple[int, int, int]

HALVES = ("calibration", "unseen")
PACKAGES = Path(np.__file__).parents[1]
FACES: Sequence[Mapping[str, Sequence[Box]]] = (
    {
        "insightface/data/images/t1.jpg": (
            (118, 345, 120), (1180, 350, 110), (328, 217, 108), (513, 359, 123), (792, 426, 112),
            (962, 145, 120),
        ),
        "ultralytics/assets/bus.jpg": ((133, 445, 48), (286, 456, 45)),
        "matplotlib/mpl-data/sample_data/grace_hopper.jpg": ((262, 238, 204),),
    },
    {
        "skimage/data/astronaut.png": ((223, 131, 109),),
        "ultralytics/assets/zidane.jpg": ((982, 211, 160),),
        "insightface/data/images/Tom_Hanks_54745.png": ((56, 56, 90),),
    },
)  # fmt: skip
"""Pictures with people, and the faces in them (centre and size, in pixels), for either half."""

PHOTOGRAPHS = (
    (
        "skimage/data/coffee.png", "skimage/data/rocket.jpg", "skimage/data/motorcycle_left.png",
        "sklearn/datasets/images/flower.jpg", "ultralytics/assets/bus.jpg",
        "insightface/data/images/t1.jpg",
    ),
    (
        "skimage/data/chelsea.png", "skimage/data/astronaut.png", "ultralytics/assets/zidane.jpg",
        "sklearn/datasets/images/china.jpg", "skimage/data/hubble_deep_field.jpg",
        "matplotlib/mpl-data/sample_data/grace_hopper.jpg",
    ),
)  # fmt: skip
"""Photographs of either half."""
FONTS = PACKAGES / "matplotlib/mpl-data/fonts/ttf"
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
TYPES = (
    ("DejaVuSans", "DejaVuSerif-Bold", "DejaVuSansMono-Oblique", "STIXGeneral"),
    ("DejaVuSans-Bold", "DejaVuSerif", "DejaVuSansMono", "STIXGeneralItalic", "cmr10"),
)
"""Fonts of either half."""


def picture(name: str) -> Image.Image:
    """A picture of a package."""
    with Image.open(PACKAGES / name) as image:
        return image.convert("RGB")


def crop(image: Image.Image, centre: Sequence[float], side: float, size: int) -> NDArray[Any]:
    """A square of a picture, resized; black where it reaches over the edge."""
    x, y = centre
    box = tuple(round(v) for v in (x - side / 2, y - side / 2, x + side / 2, y + side / 2))
    return np.asarray(image.crop(box).resize((size, size), Image.Resampling.BILINEAR), np.float32)


def scenes(random: Random, half: int, count: int, size: int) -> dict[str, Any]:
    """Random squares of pictures with people, some mirrored, in 0..1 [count, 3, size, size]."""
    images = [picture(name) for name in FACES[half]]
    made = []
    for k in range(count):
        image = images[k % len(images)]
        side = max(image.size) * random.uniform(0.35, 1.0)
        centre = [random.uniform(0.25, 0.75) * extent for extent in image.size]
        found = crop(image, centre, side, size) / 255 * random.uniform(0.7, 1.1)
        made.append(found[:, :: random.choice([-1, 1])])
    pixels = np.clip(np.stack(made), 0, 1).transpose(0, 3, 1, 2).astype(np.float32)
    return {"images": pixels, "groups": np.arange(count) % len(images)}


def words(random: Random, half: int, count: int, size: int) -> tuple[Array, list[str]]:
    """Noisy words of 4 or 5 letters and digits, in 0..1 [count, 1, 64, size], and their letters."""
    fonts = [ImageFont.truetype(FONTS / f"{name}.ttf", 44) for name in TYPES[half]]
    made, texts = [], []
    for k in range(count):
        text = "".join(random.choice(list(LETTERS), random.integers(4, 6)))
        image = Image.new("L", (size, 64), int(random.integers(190, 256)))
        draw = ImageDraw.Draw(image)
        at = (size / 2 + random.uniform(-8, 8), 32 + random.uniform(-4, 4))
        draw.text(at, text, int(random.integers(0, 110)), fonts[k % len(fonts)], anchor="mm")
        for _ in range(3):
            ends = [(random.uniform(0, size), random.uniform(0, 64)) for _ in range(2)]
            draw.line(ends, int(random.integers(60, 200)), 2)
        pixels = np.asarray(image.rotate(random.uniform(-6, 6), fillcolor=230), np.float32)
        made.append(np.clip(pixels + random.normal(0, 12, pixels.shape), 0, 255) / 255)
        texts.append(text)
    return np.stack(made)[:, None].astype(np.float32), texts


def faces(random: Random, half: int, count: int, size: int) -> tuple[Array, NDArray[np.int64]]:
    """Half faces, half other squares, in -1..1 [count, size, size, 3], and which is a face."""
    places = [(picture(name), box, found) for name, found in FACES[half].items() for box in found]
    made = []
    for k in range(count):
        image, (x, y, side), every = places[int(random.integers(len(places)))]
        if k % 2:
            spot = [v + random.uniform(-0.12, 0.12) * side for v in (x, y)]
            found = crop(image, spot, side * random.uniform(0.9, 1.3), size)
        else:
            found = crop(image, *_elsewhere(random, image, every), size)
        made.append(found[:, :: random.choice([-1, 1])] * random.uniform(0.7, 1.1))
    labels = np.arange(count) % 2
    turned = np.clip(np.stack(made), 0, 255).transpose(0, 2, 1, 3)  # as the package does
    return ((turned - 127.5) / 128).astype(np.float32), labels


def _elsewhere(random: Random, image: Image.Image, every: Sequence[Box]) -> tuple[Any, float]:
    """Centre and side of a square clear of the faces of a picture; of an edge if need be."""
    for _ in range(100):
        side = random.uniform(0.1, 0.3) * min(image.size)
        x, y = (random.uniform(side / 2, extent - side / 2) for extent in image.size)
        if all(max(abs(x - a), abs(y - b)) > (side + s) / 2 for a, b, s in every):
            return (x, y), side
    return (random.uniform(0, 8), random.uniform(0, 8)), 16.0


def views(random: Random, half: int, count: int, size: int) -> Array:
    """Random squares of photographs, in 0..1 [count, size, size, 3]."""
    images = [picture(name) for name in PHOTOGRAPHS[half]]
    made = []
    for k in range(count):
        image = images[k % len(images)]
        side = min(image.size) * random.uniform(0.4, 1.0)
        centre = [random.uniform(side / 2, extent - side / 2) for extent in image.size]
        found = crop(image, centre, side, size)
        made.append(found[:, :: random.choice([-1, 1])] / 255)
    return np.stack(made).astype(np.float32)


def notes(random: Random, half: int, count: int, size: int) -> Array:
    """Decaying tones with noise at 22,050 Hz [count, size, 1]; unseen ones are brighter."""
    time, made = np.arange(size) / 22050, []
    for _ in range(count):
        sound = random.normal(0, 0.003, size)
        for _ in range(random.integers(3, 9)):
            key, start = int(random.integers(24, 64)), random.uniform(0, 1.5)
            since = np.maximum(time - start, 0) * (time >= start)
            rate = 27.5 * 2 ** (key / 12)
            fall = np.exp(-since * random.uniform(1, 4)) * (time >= start)
            tones = [
                np.sin(2 * np.pi * n * rate * since) / n ** random.uniform(1, 1.8 - 0.3 * half)
                for n in range(1, 7)
            ]
            sound = sound + random.uniform(0.05, 0.2) * fall * np.sum(tones, axis=0)
        made.append(np.clip(sound, -1, 1))
    return np.stack(made)[..., None].astype(np.float32)


def _ocr(random: Random, half: int, count: int) -> dict[str, Any]:
    pixels, texts = words(random, half, count, 160)
    return {"input1": pixels, "words": np.array(texts)}


def _faces(random: Random, half: int, count: int, size: int, name: str) -> dict[str, Any]:
    pixels, labels = faces(random, half, count, size)
    return {name: pixels, "labels": labels}


def _squeezenet(random: Random, half: int, count: int) -> dict[str, Any]:
    pixels = (views(random, half, count, 224) - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
    return {"data_0": pixels.transpose(0, 3, 1, 2).astype(np.float32)}


def _notes(random: Random, half: int, count: int) -> dict[str, Any]:
    return {"serving_default_input_2:0": notes(random, half, count, 43844)}


def _upscale(random: Random, half: int, count: int) -> dict[str, Any]:
    large = views(random, half, count, 3 * 224) @ np.array([0.299, 0.587, 0.114], np.float32)
    small = large.reshape(count, 224, 3, 224, 3).mean((2, 4))
    return {"input": small[:, None], "truth": large[:, None]}


#: Makes the inputs of each model, and what is right for them, from seed, half and count.
DATA: Mapping[str, tuple[Callable[[Random, int, int], dict[str, Any]], int]] = {
    "yolo": (lambda random, half, count: scenes(random, half, count, 320), 256),
    "ocr": (_ocr, 256),
    "rnet": (lambda random, half, count: _faces(random, half, count, 24, "input_2"), 1024),
    "onet": (lambda random, half, count: _faces(random, half, count, 48, "input_3"), 1024),
    "squeezenet": (_squeezenet, 256),
    "notes": (_notes, 64),
    "upscale": (_upscale, 32),
}


def main(folder: Path, names: Sequence[str]) -> None:
    """Write the data of some models: one archive for calibration and one of unseen samples."""
    for name in names:
        make, count = DATA[name]
        for half, title in enumerate(HALVES):
            arrays = make(np.random.default_rng(half), half, count)
            np.savez(folder / f"{name}-{title}.npz", **arrays)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
