#!/bin/sh
# A folder of photos by every label set and at every level, with a page to look the run through.
# Stopped at any moment, the same command goes on.
#
#   sh examples/parse_a_folder.sh holiday/
set -eu
folder=${1:-$(dirname "$0")/photos}

grapy predict "$folder" --dataset all --levels 3,2,1 --save mask,overlay --gallery --out parsed-folder
# A row per photo; those of greatest doubt are the ones to look at first.
wc -l parsed-folder/manifest.jsonl
echo "Look at parsed-folder/gallery.html"
