#!/usr/bin/env bash
# A report with its thumbnails, beside `vipsthumbnail` making the same thumbnails of the same pictures, in turns.
#
#     benches/thumbnails.sh [JOBS] [SIDE] [ROUNDS]        500 results of 1024 px, 3 rounds
#
# Needs vipsthumbnail, which Debian has in libvips-tools. The times are medians; only the ratio means anything.
set -euo pipefail
cd "$(dirname "$0")/.."
jobs=${1:-500} side=${2:-1024} rounds=${3:-3}
command -v vipsthumbnail >/dev/null || { echo "vipsthumbnail is missing: apt install libvips-tools" >&2; exit 1; }
cargo build --release --quiet --bin dyehouse --example batch
target=${CARGO_TARGET_DIR:-target}/release
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$target/examples/batch" "$folder/run" --jobs "$jobs" --side "$side" >/dev/null
# Both read from memory.
cat "$folder"/run/results/* >/dev/null

report() { "$target/dyehouse" report "$folder/run" >/dev/null; }
vips() {
    find "$folder/run/results" -name '*.png' -print0 |
        VIPS_CONCURRENCY=1 xargs -0 -P "$(nproc)" -n 50 vipsthumbnail --size 320 -o "$folder/vips/%s.jpg[Q=82]"
}
# Appends the milliseconds that a command takes to a file.
timed() {
    local began=$EPOCHREALTIME
    "$2"
    awk -v began="$began" -v ended="$EPOCHREALTIME" 'BEGIN {print int((ended - began) * 1000)}' >>"$folder/$1"
}
median() { sort -n "$folder/$1" | awk '{all[NR] = $1} END {print all[int((NR + 1) / 2)]}'; }

for _ in $(seq "$rounds"); do
    rm -rf "$folder/run/report" "$folder/vips"
    mkdir "$folder/vips"
    timed ours report
    timed theirs vips
    timed again report
done
made=$(find "$folder/run/report/thumbs" -name '*.jpg' | wc -l)
echo "$made thumbnails of $side px and the report of $jobs jobs: $(median ours) ms"
echo "vipsthumbnail, on all cores, the thumbnails alone: $(median theirs) ms"
echo "the report again, with nothing new: $(median again) ms"
awk -v ours="$(median ours)" -v theirs="$(median theirs)" 'BEGIN {printf "ratio: %.2f\n", ours / theirs}'
