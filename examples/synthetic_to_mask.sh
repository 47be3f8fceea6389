#!/bin/sh
# From nothing to a mask in five minutes: draw people, train a small network on them, score it, and
# parse some. Nothing is downloaded. To see how it all fits together: a network that has seen drawn
# people alone knows little of photos.
#
#   sh examples/synthetic_to_mask.sh
#   COUNT=1000 sh examples/synthetic_to_mask.sh --epochs 60
set -eu
here=$(dirname "$0")

grapy prepare --dataset synthetic --labels pascal --count "${COUNT:-500}"
grapy train --config "$here/synthetic.toml" --out runs/synthetic "$@"
grapy eval --dataset synthetic --weights runs/synthetic --parts
grapy predict data/synthetic/images --dataset synthetic --weights runs/synthetic \
    --save mask,overlay --contact-sheet --out masks-synthetic
echo "Look at masks-synthetic/contact-sheet.png, and at runs/synthetic/curves.svg"
