"""Parse a photo from Python: which parts are there, how sure the network is, and the mask.

python examples/parse_a_photo.py examples/photos/astronaut.png
python examples/parse_a_photo.py me.jpg --weights runs/joint --dataset cihp --out me
"""

import argparse
from pathlib import Path

from grapy_cli import HumanParser


def main():
    arguments = read_arguments()
    parser = HumanParser.load(arguments.weights)
    dataset = arguments.dataset or parser.datasets[0]
    parsing = parser.parse(arguments.photo, dataset)

    print(f"{arguments.photo} by the parts of {dataset}:")
    for name, share in sorted(parsing.shares.items(), key=lambda item: -item[1]):
        part = parsing.label_map == parsing.label_set.names.index(name)
        sure = parsing.confidence[part].mean()
        print(f"  {name:16} {100 * share:5.1f} % of the photo, {100 * sure:3.0f} % sure")
    people = parsing.label_map_at(level=1)
    print(f"  somebody         {100 * people.mean():5.1f} % of the photo")

    arguments.out.mkdir(parents=True, exist_ok=True)
    parsing.save_mask(arguments.out / "mask.png")
    parsing.overlay().save(arguments.out / "overlay.png")
    print(f"Look at {arguments.out / 'overlay.png'}; {arguments.out / 'mask.png'} has the ids.")


def read_arguments():
    parser = argparse.ArgumentParser(description="Parse a photo.")
    parser.add_argument("photo", type=Path)
    parser.add_argument("--weights", type=Path, help="the embedded ones unless said")
    parser.add_argument("--dataset", help="the weights' first label set unless said")
    parser.add_argument("--out", type=Path, default=Path("parsed"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
