#!/bin/sh
# Train on the four GPUs of one machine: first what it will take, then the run. What is learned is
# what one GPU learns with the same batch, which the GPUs share.
#
#   sh examples/four_gpus.sh --dataset cihp,atr,pascal --init runs/pretrain
#
# Stopped or killed, it goes on by: grapy train --resume runs/joint-four --gpus 4
set -eu
gpus=${GPUS:-4}

grapy train --stage joint --gpus "$gpus" --out runs/joint-four "$@" --dry-run
grapy train --stage joint --gpus "$gpus" --out runs/joint-four "$@"
