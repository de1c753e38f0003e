#!/bin/sh
# A night's batch from cron. Edit the lines below, then in `crontab -e`:
#   15 22 * * *  /srv/catalog/nightly.sh
# The same line every night is all it takes: what is done stays done, what was interrupted goes on, new and changed
# rows are added.
manifest=/srv/catalog/catalog.yaml
folder=/srv/catalog/runs/catalog
key_file=/srv/catalog/vibedream.key
# What cron looks through is short.
PATH=$PATH:/usr/local/bin:$HOME/.cargo/bin

VIBEDREAM_API_KEY=$(cat "$key_file") || exit 1
export VIBEDREAM_API_KEY
mkdir -p "${folder%/*}" || exit 1

dyehouse run "$manifest" -o "$folder" --deadline 8h --progress plain 2>>"$folder.log" >"$folder.summary"
code=$?
case $code in
    0) exit 0 ;;                                              # all done: cron has nothing to mail
    3) echo "some jobs need a look: $folder/report/index.html" ;;
    4) echo "stopped early; the next night goes on" ;;
    5) echo "the last night's run is still at it"; exit 0 ;;
    *) echo "could not run (code $code)"; tail -n 5 "$folder.log" ;;
esac
cat "$folder.summary"
exit $code
