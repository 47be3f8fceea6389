"""Score masks of any tool against label maps, from Python, and name the photos to look at first.

python examples/evaluate_masks.py masks data/atr/labels/level3 --dataset atr

`grapy eval --pred masks --truth data/atr/labels/level3 --dataset atr` gives the same numbers; this
shows the pieces they are made of, to build your own report from.
"""

import argparse
from pathlib import Path

import numpy as np

from grapy_cli import label_set
from grapy_cli.image_io.label_maps import load_label_map
from grapy_cli.metrics.confusion import count_pairs
from grapy_cli.metrics.scores import scores_of


def main():
    arguments = read_arguments()
    labels = label_set(arguments.dataset)
    counts = {}
    for truth in sorted(arguments.truth.rglob("*.png")):
        name = truth.relative_to(arguments.truth)
        mask = load_label_map(arguments.pred / name)
        counts[name] = count_pairs(mask, load_label_map(truth), labels.num_parts)

    # Counts of single photos add up to those of all; scores of single photos would not.
    scores = scores_of(sum(counts.values()), labels.names)
    print(f"{len(counts)} photos by the parts of {labels.name}:")
    print(f"  mean IoU {scores.mean_iou:.4f}, pixel accuracy {scores.pixel_accuracy:.4f}")
    for name, part in scores.parts.items():
        if part.iou is not None:
            print(f"  {name:16} IoU {part.iou:.4f}")

    worst = sorted(counts, key=lambda name: accuracy_of(counts[name]))[:3]
    print("Look first at", ", ".join(f"{name} ({accuracy_of(counts[name]):.2f})" for name in worst))


def accuracy_of(counts: np.ndarray):
    return counts.trace() / max(1, counts.sum())


def read_arguments():
    parser = argparse.ArgumentParser(description="Score masks against label maps.")
    parser.add_argument("pred", type=Path, help="folder of masks")
    parser.add_argument("truth", type=Path, help="folder of label maps of the same names")
    parser.add_argument("--dataset", required=True, help="cihp, atr, pascal or a label file")
    return parser.parse_args()


if __name__ == "__main__":
    main()
