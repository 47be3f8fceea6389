#!/usr/bin/env bash
# Make a small network of your own out of photos without labels and a network that others published:
# the large one labels the photos, the small one learns from them.
#
#   bash examples/distil.sh PHOTOS TEACHER [LABEL_SET] [OUT]
#   bash examples/distil.sh holiday/ hf:mattmdjaga/segformer_b2_clothes atr runs/mine
#
# PHOTOS     folder or archive (tar, zip) of photos that show people
# TEACHER    weights: hf:OWNER/NAME (needs: pip install 'grapy-cli[hub]'), a folder with config.json
#            and model.safetensors, a file of `grapy weights adopt`, or grapy's own
# LABEL_SET  what the small network learns: atr, cihp, lip, pascal or a label file. Where the teacher
#            has another one, labels are translated; pixels whose label has no counterpart are ignored
#
# The terms of the teacher and of the photos may also bind what learns from them: read them first.
set -euo pipefail
photos=$1 teacher=$2 labels=${3:-atr} out=${4:-runs/distilled}
recipe=$(dirname "$0")/distil.toml

grapy labels "$teacher"
grapy train --config "$recipe" --dataset "$labels" --out "$out" \
    --set "train.self_training.photos=$photos" \
    --set "train.self_training.teacher=$teacher" "${@:5}"
grapy weights pack "$out" --out "$out/distilled.safetensors"

echo "Try it:      grapy predict PHOTOS --weights $out/distilled.safetensors --dataset $labels"
echo "Compare it:  grapy bench PHOTOS --weights $out/distilled.safetensors,$teacher --dataset $labels"
