#!/bin/sh
# Masks for virtual try-on: the 13 labels of VITON-HD and HR-VITON, one file for each photo.
#
#   sh examples/try_on_masks.sh people/
set -eu
folder=${1:-$(dirname "$0")/photos}

grapy labels viton-hd
grapy predict "$folder" --dataset cihp --remap viton-hd --out image-parse-v3
# What is worn on the upper body, cut out: what a try-on puts something else in the place of.
grapy predict "$folder" --dataset cihp --only upper-clothes,dress,coat --save cutouts --out worn
echo "Look at image-parse-v3 and worn"
