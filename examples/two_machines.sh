#!/bin/sh
# Train on two machines of four GPUs each, with two photos for each GPU in a step. Type this on both,
# with NODE=0 on the first machine and NODE=1 on the other; MAIN is the address of the first one.
# Both machines must see the same folders of data and runs.
#
#   NODE=0 MAIN=10.0.0.1 sh examples/two_machines.sh --dataset cihp,atr,pascal --init runs/pretrain
#
# Stopped or killed, it goes on by the same command with --resume runs/joint-two instead of --out.
set -eu

gpus=${GPUS:-4}

torchrun --nnodes 2 --node-rank "$NODE" --nproc-per-node "$gpus" \
    --master-addr "$MAIN" --master-port "${PORT:-29500}" \
    -m grapy_cli train --stage joint --batch-size $((4 * gpus)) --out runs/joint-two "$@"
