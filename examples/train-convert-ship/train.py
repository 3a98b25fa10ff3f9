"""Train a small CNN on scikit-learn's digits and export it with data for sepcost.

Writes digits.onnx, and calibration.npz and test.npz with images and labels not used in training.
"""

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn

EPOCHS, BATCH = 30, 64
CHANNELS = (32, 64, 64, 128, 128)


def network() -> nn.Sequential:
    """Five 3×3 convolutions; the third halves the image."""
    layers: list[nn.Module] = []
    width = 1
    for index, channels in enumerate(CHANNELS):
        stride = 2 if index == 2 else 1
        layers += [
            nn.Conv2d(width, channels, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
        ]
        width = channels
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 10))


def parts() -> dict[str, tuple[Tensor, Tensor]]:
    """600 images for training, 400 for calibration, 797 for the test; pixels in 0..1."""
    digits = load_digits()
    images = (digits.images / 16).astype(np.float32)[:, None]
    train, rest, train_labels, rest_labels = train_test_split(
        images, digits.target, train_size=600, stratify=digits.target, random_state=0
    )
    calibration, test, calibration_labels, test_labels = train_test_split(
        rest, rest_labels, train_size=400, stratify=rest_labels, random_state=0
    )
    named = {
        "train": (train, train_labels),
        "calibration": (calibration, calibration_labels),
        "test": (test, test_labels),
    }
    return {name: (torch.tensor(x), torch.tensor(y)) for name, (x, y) in named.items()}


def fit(model: nn.Module, images: Tensor, labels: Tensor) -> None:
    """Train with AdamW and one cycle of the learning rate."""
    steps = EPOCHS * (len(images) // BATCH)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=5e-3, total_steps=steps)
    for _ in range(EPOCHS):
        order = torch.randperm(len(images))
        for batch in order[: len(images) // BATCH * BATCH].split(BATCH):
            loss = nn.functional.cross_entropy(model(images[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()


def main() -> None:
    """Train, print the accuracy, write the files."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    data, model = parts(), network()
    fit(model, *data["train"])
    model.eval()
    images, labels = data["test"]
    with torch.no_grad():
        right = (model(images).argmax(1) == labels).float().mean().item()
    print(f"top-1 on {len(labels)} test images: {right:.1%}")
    torch.onnx.export(
        model, (images[:2],), "digits.onnx", input_names=["image"], output_names=["logits"],
        dynamic_shapes=({0: torch.export.Dim("N")},), external_data=False, verbose=False,
    )  # fmt: skip
    for name in ("calibration", "test"):
        samples, truth = data[name]
        np.savez(f"{name}.npz", image=samples.numpy(), labels=truth.numpy())


if __name__ == "__main__":
    main()
