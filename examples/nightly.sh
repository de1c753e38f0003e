#!/bin/sh
# A nightly batch from cron. Edit the lines below, then in `crontab -e`:
#   15 22 * * *  /srv/catalog/nightly.sh
# Use the same line every night: completed jobs stay completed, interrupted ones continue, new and edited rows are added.
manifest=/srv/catalog/catalog.yaml
folder=/srv/catalog/runs/catalog
key_file=/srv/catalog/vibedream.key
# Cron's PATH is short.
PATH=$PATH:/usr/local/bin:$HOME/.cargo/bin

VIBEDREAM_API_KEY=$(cat "$key_file") || exit 1
export VIBEDREAM_API_KEY
mkdir -p "${folder%/*}" || exit 1

dyehouse run "$manifest" -o "$folder" --deadline 8h --progress plain 2>>"$folder.log" >"$folder.summary"
code=$?
case $code in
    0) exit 0 ;;                                              # all completed: cron has nothing to mail
    3) echo "some jobs need attention: $folder/report/index.html" ;;
    4) echo "stopped early; the next run continues" ;;
    5) echo "the previous run is still working"; exit 0 ;;
    *) echo "could not run (code $code)"; tail -n 5 "$folder.log" ;;
esac
cat "$folder.summary"
exit $code
