#!/bin/sh
# Score masks that another tool wrote, with the same arithmetic as one's own: SCHP's ATR model here.
#
#   sh examples/score_other_masks.sh masks-of-schp/ labels-of-atr/
#
# Masks and label maps are matched by their relative paths; `grapy labels` lists the orders known.
set -eu
masks=$1
truth=$2

grapy eval --pred "$masks" --truth "$truth" --dataset atr --remap schp-atr --parts --out scores
echo "Look at scores/report.html"
