#!/bin/sh
# One photo, with the weights in the package: a mask, an overlay to look at, and the parts in JSON.
#
#   sh examples/parse_a_photo.sh me.jpg
set -eu
photo=${1:-$(dirname "$0")/photos/astronaut.png}

grapy predict "$photo" --dataset atr --save mask,overlay,summary --out parsed
# parsed/atr/*.png is indexed: pixel values are part ids, see `grapy labels atr`.
echo "Look at parsed/overlay"
