"""All benchmarks as one Markdown table: `python -m tests.benchmarks [--repeats 5]`.

Each file is also a program by itself. It takes about half an hour of one quiet core.
"""

import subprocess
import sys
from importlib.util import find_spec

from tests.benchmarks.contest import print_head

BENCHMARKS = (
    "network",
    "six_scales",
    "engines",
    "train",
    "confusion",
    "prepare",
    "files",
    "photo_sizes",
    "cores",
    "start",
    "gpu",
)


def main() -> None:
    """Run them one after the other, each in its own process."""
    print_head()
    for name in BENCHMARKS:
        if find_spec(f"tests.benchmarks.{name}"):
            command = [sys.executable, "-m", f"tests.benchmarks.{name}", "--bare", *sys.argv[1:]]
            subprocess.run(command, check=False)


if __name__ == "__main__":
    main()
