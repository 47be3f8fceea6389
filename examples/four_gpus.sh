#!/bin/sh
# Train on the four GPUs of one machine: first a dry run, then the run. The GPUs share each batch,
# here of three photos for each GPU, and learn what one GPU learns with the same batch.
#
#   sh examples/four_gpus.sh --dataset cihp,atr,pascal --init runs/pretrain
#
# Stopped or killed, it goes on by: grapy train --resume runs/joint-four --gpus 4
set -eu
gpus=${GPUS:-4}

set -- --stage joint --gpus "$gpus" --batch-size $((3 * gpus)) --out runs/joint-four "$@"

grapy train "$@" --dry-run
grapy train "$@"
