#!/bin/sh
# Your own parts as a fourth label set: from photos without labels to a network that knows them.
#
#   sh examples/own_label_set.sh photos/ --epochs 50
#
# The first argument is a folder of photos; all others go to `grapy train`.
set -eu
photos=${1:-$(dirname "$0")/photos}
[ $# -gt 0 ] && shift

# 1. The parts, in a file. Here it starts as a copy of PASCAL's: rename, add and remove as you like.
[ -e my-parts.toml ] || grapy labels pascal --template > my-parts.toml

# 2. A first draft of the label maps, to be corrected in any editor that keeps indexed PNGs.
mkdir -p own/images own/labels own/splits
cp "$photos"/*.jpg "$photos"/*.png own/images/ 2>/dev/null || true
grapy predict own/images --dataset pascal --out drafts
for draft in drafts/*.png; do
    [ -e "own/labels/$(basename "$draft")" ] || cp "$draft" own/labels/  # corrected ones stay
done

# 3. Which photos teach and which judge: the last one of the list judges.
ls own/labels | sed 's/\.png$//' > own/all
sed '$d' own/all > own/splits/train.txt
tail -n 1 own/all > own/splits/val.txt
rm own/all

# 4. From here on my-parts.toml stands wherever cihp, atr or pascal could.
grapy prepare --dataset my-parts.toml --source own
grapy train --stage joint --dataset my-parts.toml --out runs/own "$@"
grapy eval --dataset my-parts.toml --weights runs/own
grapy predict own/images --dataset my-parts.toml --weights runs/own --save mask,overlay --out own-masks
echo "Look at own-masks/overlay"
