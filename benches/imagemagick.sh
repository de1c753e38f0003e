#!/usr/bin/env bash
# How long a check and a recoloring of a 1024 px picture take beside ImageMagick's -modulate on it, in one run and on one
# core each, pixels to pixels without any file.
#
#   DYEHOUSE_CATALOG=folder benches/imagemagick.sh
#
# takes a folder of renders as the benches do, and needs ImageMagick (6 or 7).
set -euo pipefail
cd "$(dirname "$0")/.."
catalog=${DYEHOUSE_CATALOG:?set it to a folder of renders}
magick=$(command -v magick || command -v convert)
product=$(find "$catalog" -mindepth 1 -maxdepth 1 -type d | sort | head -n 1)
picture=$(find "$product" -name '*-*.png' | sort | head -n 1)

# The least of several rounds, in milliseconds: the time of -modulate alone is that of eleven less that of one.
modulate() {
    local times=() options=()
    for _ in $(seq "$1"); do options+=(-modulate 100,120,110); done
    for _ in 1 2 3 4 5; do
        local begun=$EPOCHREALTIME
        MAGICK_THREAD_LIMIT=1 "$magick" "$picture" -resize 1024x1024 "${options[@]}" null:
        times+=("$(awk -v begun="$begun" -v ended="$EPOCHREALTIME" 'BEGIN { print (ended - begun) * 1000 }')")
    done
    printf '%s\n' "${times[@]}" | sort -n | head -n 1
}

export RAYON_NUM_THREADS=1
name=$(basename "$product")
check=$(cargo bench --quiet --bench measuring -- "$name" | awk '/a check of 1024 px/ { print $(NF - 1) }')
recolor=$(cargo bench --quiet --bench recoloring -- "$name" | awk '/a picture of 1024 px/ { print $(NF - 1) }')
one=$(modulate 1)
eleven=$(modulate 11)
awk -v one="$one" -v eleven="$eleven" -v check="$check" -v recolor="$recolor" 'BEGIN {
    modulate = (eleven - one) / 10
    printf "ImageMagick -modulate  %6.1f ms\n", modulate
    printf "dyehouse check         %6.1f ms   %.2f of it\n", check, check / modulate
    printf "dyehouse recolor       %6.1f ms   %.2f of it\n", recolor, recolor / modulate
}'
