#!/bin/sh
# Train on two machines of four GPUs each. Type this on both, with NODE=0 on the first of them and
# NODE=1 on the other; MAIN is the first one's address. Data and runs lie where both see them.
#
#   NODE=0 MAIN=10.0.0.1 sh examples/two_machines.sh --dataset cihp,atr,pascal --init runs/pretrain
#
# Stopped or killed, it goes on by the same command with --resume runs/joint-two instead of --out.
set -eu

torchrun --nnodes 2 --node-rank "$NODE" --nproc-per-node "${GPUS:-4}" \
    --master-addr "$MAIN" --master-port "${PORT:-29500}" \
    -m grapy_cli train --stage joint --out runs/joint-two "$@"
