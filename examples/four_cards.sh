#!/bin/sh
# Train on the four cards of one machine: first what it will take, then the run. What is learned is
# what one card learns with the same batch, which the cards share.
#
#   sh examples/four_cards.sh --dataset cihp,atr,pascal --init runs/pretrain
#
# Stopped or killed, it goes on by: grapy train --resume runs/joint-four --gpus 4
set -eu
cards=${CARDS:-4}

grapy train --stage joint --gpus "$cards" --out runs/joint-four "$@" --dry-run
grapy train --stage joint --gpus "$cards" --out runs/joint-four "$@"
