#!/bin/sh
# Make a small network of your own out of photos without labels and a network that others published:
# the large one labels the photos, the small one learns from them.
#
#   sh examples/distil.sh PHOTOS TEACHER [LABEL_SET] [OUT]
#   sh examples/distil.sh holiday/ hf:mattmdjaga/segformer_b2_clothes atr runs/mine
#
# PHOTOS     folder or archive (tar, zip) of photos that show people
# TEACHER    weights: hf:OWNER/NAME (needs: pip install '.[hub]'), a folder with config.json
#            and model.safetensors, a file of `grapy weights adopt`, or grapy's own
# LABEL_SET  what the small network learns: atr, cihp, lip, pascal or a label file. Where the teacher
#            has another one, labels are translated; pixels whose label has no counterpart are ignored
#
# RECIPE=FILE.toml takes other settings than distil.toml. The terms of the teacher and of the photos
# may also bind what learns from them: read them first.
set -eu
photos=$1 teacher=$2 labels=${3:-atr} out=${4:-runs/distilled}
recipe=${RECIPE:-$(dirname "$0")/distil.toml}

grapy labels "$teacher"
grapy train --config "$recipe" --dataset "$labels" --out "$out" \
    --set "train.self_training.photos=$photos" --set "train.self_training.teacher=$teacher"
grapy weights pack "$out" --out "$out/distilled.safetensors"

echo "Try it:     grapy predict $photos --weights $out/distilled.safetensors --dataset $labels --out masks"
echo "Compare it: grapy bench $photos --weights $out/distilled.safetensors,$teacher --dataset $labels"
