#!/bin/sh
# Train the weights embedded in the package: prepare the data, then nine runs, thirteen hours of one core.
#
#   sh examples/grapy-lite.sh ENCODER.safetensors TEACHER.safetensors
#
# ENCODER is the encoder of Google's MoveNet SinglePose Thunder v4 (Apache-2.0), its tensors named as
# grapy_cli/model/movenet.py names them. TEACHER labels the tagged photos: ours was grapy-lite-ccp, the
# weights embedded before. In the working folder lie
#
#   CIHP_4w/ ATR/ pascal/  photos of Clothing Co-Parsing, labeled three times, as releases
#   tagged/                1,094 more photos of it, and tags.json with the garments that each shows
#   wild_people/           images/, pascal/ (parts), person/ (masks) and splits/train.txt
#   coco128/               photos/, and person/ with masks: 1 person, 0 none, 255 unknown
#   held-out.txt           keys of wild_people that also lie among the COCO photos kept for scoring
#   backgrounds/           photos of garments that nobody wears
#   objects/ scenes/       cut-out animals, food and tools (PNG); photos of places without people
#
# The run goes on by `grapy train --resume runs/grapy-lite` where it was stopped.
set -eu
here=$(dirname "$0")
teacher=$2

pack() {
    grapy weights pack "$@" --card "$here/grapy-lite-card.toml"
}

for dataset in cihp:CIHP_4w atr:ATR pascal:pascal; do
    grapy prepare --dataset "${dataset%%:*}" --source "${dataset#*:}"
done

# The photos in the wild by their origin, so that each gets a share of its own.
for origin in coco voc lspet; do
    raw=raw-$origin
    mkdir -p "$raw/JPEGImages" "$raw/SegmentationPart" "$raw/person" "$raw/list"
    grep "^${origin}_" wild_people/splits/train.txt | grep -v -x -F -f held-out.txt \
        > "$raw/list/train_id.txt"
    while read -r key; do
        ln -sf "$PWD/wild_people/images/$key.jpg" "$raw/JPEGImages"
        ln -sf "$PWD/wild_people/pascal/$key.png" "$raw/SegmentationPart"
        ln -sf "$PWD/wild_people/person/$key.png" "$raw/person"
    done < "$raw/list/train_id.txt"
    # Networks had labeled animals in people's arms as people, which teaches that of all animals.
    [ "$origin" != voc ] || python "$here/mend_labels.py" "$raw" "$here/grapy-lite-labels.toml"
    grapy prepare --dataset pascal --source "$raw" --data "data-$origin"
done

# Every second of the COCO photos teaches by its person mask alone; the others are for scoring.
mkdir -p raw-coco128/list
ln -sfn "$PWD/coco128/photos" raw-coco128/JPEGImages
ln -sfn "$PWD/coco128/person" raw-coco128/person
find coco128/photos -type f | sed 's|.*/||; s|\..*||' | sort | awk 'NR % 2' \
    > raw-coco128/list/train_id.txt
grapy prepare --dataset pascal --source raw-coco128 --data data-coco128

# Objects that are not people: before people, and in places without people.
python "$here/paste_objects.py" raw-objects raw-coco raw-voc --objects objects
python "$here/paste_objects.py" raw-nobody raw-coco raw-voc --nobody 800 \
    --objects objects --scenes scenes
for kind in objects nobody; do
    grapy prepare --dataset pascal --source "raw-$kind" --data "data-$kind"
done

grapy train --config "$here/grapy-lite.toml" --out runs/grapy-lite --init "$1"

# A short run with more street photos and crops around rare parts, for garments such as hats and
# scarves; half of it is mixed in, because people in the wild are found a little less well after it.
grapy train --config "$here/grapy-lite.toml" --out runs/grapy-lite-street --init runs/grapy-lite/last \
    --epochs 2 --lr 6e-4 --ema 0.99 --set data.more_shares=0.6,0.4,0.1,1.0 \
    --set train.schedule.warmup=20 --set train.loss.balance=0.45 --set train.augment.scale=0.4,1.2 \
    --set train.augment.rotate=6 --set train.augment.color=0.3 --set train.augment.blur=0.1 \
    --set train.augment.background_share=0.1 --set train.augment.copy_paste=0.1 \
    --set train.augment.occlude=0 --set train.augment.focus=0.8
pack runs/grapy-lite-street/last --mix runs/grapy-lite/last --share 0.5 \
    --out grapy-lite-mixed.safetensors

# The tagged photos, more garments, closer people and more objects in front of them; then the same with
# more photos that show nobody, while the rate falls to zero. Half of the weights before is mixed in:
# they take fewer animals for people.
grapy train --config "$here/grapy-lite-tagged.toml" --out runs/grapy-lite-tagged \
    --init grapy-lite-mixed.safetensors --set train.self_training.teacher="$teacher"
grapy train --config "$here/grapy-lite-tagged.toml" --out runs/grapy-lite-last \
    --init runs/grapy-lite-tagged/last --set train.self_training.teacher="$teacher" --epochs 4 --lr 4.5e-4 \
    --set data.more_shares=2.2,0.9,0.2,5.0 --set train.schedule.warmup=15 \
    --set train.schedule.power=0.9 \
    --set train.augment.background_share=0.15
pack runs/grapy-lite-last/last --mix grapy-lite-mixed.safetensors --share 0.5 \
    --out grapy-lite-before.safetensors

# The mended labels, the pasted objects and stronger augmentation: train_more NAME START OPTIONS...
train_more() {
    name=$1 start=$2
    shift 2
    grapy train --config "$here/grapy-lite-tagged.toml" --out "runs/grapy-lite-$name" --gpus 2 \
        --init "$start" --set train.self_training.teacher="$teacher" \
        --set data.more=data-coco,data-voc,data-lspet,data-coco128,data-nobody,data-objects \
        --set data.more_shares=2.2,0.9,0.25,4.0,0.22,0.5 --set train.self_training.share=0.35 \
        --set train.optimizer.weight_decay=0.03 --set train.schedule.power=0.9 \
        --set train.augment.rotate=16 --set train.augment.color=0.6 \
        --set train.augment.background_share=0.22 --set train.augment.copy_paste=0.3 \
        --set train.augment.occlude=0.2 "$@"
}

# From the run before the mixture; then larger crops, in which a table is seen below a head.
train_more objects runs/grapy-lite-last/last --epochs 8 --lr 4.5e-4 --set train.schedule.warmup=15
train_more large runs/grapy-lite-objects/last --epochs 2 --lr 2e-4 --ema 0.99 --crop 385,321 \
    --set train.schedule.warmup=10 --set train.augment.scale=0.5,1.6
# A short run with more photos of nobody; half of it is mixed in, because street garments are named a
# little less well after it.
train_more nobody runs/grapy-lite-large/last --epochs 1 --lr 2.5e-4 --ema 0.98 --crop 385,321 \
    --set train.schedule.warmup=10 --set train.loss.balance=0.45 \
    --set data.more_shares=1.8,0.8,0.2,4.0,0.35,0.4 --set train.self_training.share=0.4 \
    --set train.augment.scale=0.5,1.4 --set train.augment.rotate=10 --set train.augment.color=0.5 \
    --set train.augment.focus=0.6 --set train.augment.copy_paste=0.2 --set train.augment.occlude=0.15
pack runs/grapy-lite-nobody/last --mix runs/grapy-lite-large/last --share 0.5 \
    --out grapy-lite-seventh.safetensors

# Close people, cut off by the edge of the photo: those without a face were missed. Photos are larger in
# the crop, nearer to the size they are parsed at.
train_more close grapy-lite-seventh.safetensors --epochs 5 --lr 3e-4 --ema 0.995 --crop 385,321 \
    --set train.schedule.warmup=20 --set train.loss.balance=0.42 \
    --set data.more_shares=1.8,0.8,0.2,4.0,0.32,0.4 --set train.self_training.share=0.6 \
    --set train.augment.scale=0.65,2.0 --set train.augment.rotate=13 \
    --set train.augment.copy_paste=0.35 --set train.augment.copy_paste_size=0.35,2.4
# Then crops around whole people, weaker augmentation and more of the photos labeled by hand, for the
# garments of the street, while the rate falls to zero once more.
train_more garments runs/grapy-lite-close/last --epochs 2 --lr 2e-4 --ema 0.99 --crop 385,321 \
    --set train.schedule.warmup=10 --set train.loss.balance=0.45 \
    --set data.more_shares=1.2,0.5,0.15,3.0,0.3,0.3 \
    --set train.augment.scale=0.6,1.5 --set train.augment.rotate=8 --set train.augment.color=0.4 \
    --set train.augment.blur=0.15 --set train.augment.background_share=0.15 \
    --set train.augment.copy_paste=0.2 --set train.augment.copy_paste_size=0.35,1.8 \
    --set train.augment.occlude=0.1
pack runs/grapy-lite-garments/last --mix runs/grapy-lite-close/last --share 0.5 \
    --out grapy-lite-ninth.safetensors
# The run with large crops is best at garments, the two after the mixture at people anywhere.
pack grapy-lite-ninth.safetensors --mix runs/grapy-lite-large/last --share 0.4 --out grapy-lite.safetensors
