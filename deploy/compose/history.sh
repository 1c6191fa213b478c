#!/bin/sh
# Makes half a year of history of the simulated account for a Prometheus that has not run yet:
# blocks of usage from the text that the exporter writes, and of what the rules would have
# recorded. A second run does nothing.
set -eu

history=${HISTORY:-/history/usage.om}
data=${DATA:-/prometheus}
rules=${RULES:-/etc/prometheus/rules}
address=${ADDRESS:-127.0.0.1:9090}

say() { echo "history: $*"; }

if [ -e "$data/wal" ]; then
  say "Prometheus has data already; nothing to do"
  exit 0
fi

say "waiting for the exporter to write half a year of history; this takes about a minute"
waited=0
until [ -e "$history" ]; do
  if [ "$waited" -ge 300 ]; then
    say "no history has come; Prometheus starts without it"
    exit 0
  fi
  sleep 1
  waited=$((waited + 1))
done

# Prometheus has not run, so what is here is of a run that was stopped.
work=$data/history.partial
rm -rf "$work" "$data"/01*
mkdir -p "$work/data" "$work/recorded"

say "making blocks of usage"
for file in "$history" "$history".*; do
  if [ -e "$file" ]; then
    promtool tsdb create-blocks-from --quiet --max-block-duration=162h openmetrics "$file" "$work/data"
  fi
done

# promtool evaluates rules through a Prometheus. This one scrapes nothing.
echo 'global: {}' >"$work/prometheus.yml"
prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/data" --storage.tsdb.retention.time=1y \
  --web.listen-address="$address" --log.level=warn &
server=$!
trap 'kill "$server" 2>/dev/null || true' EXIT
waited=0
until promtool check ready --url="http://$address" >/dev/null 2>&1; do
  if [ "$waited" -ge 60 ]; then
    say "the Prometheus that evaluates the rules does not start"
    exit 1
  fi
  sleep 1
  waited=$((waited + 1))
done

now=$(date +%s)
# record has promtool record a file of rules over so many days until now.
record() {
  promtool tsdb create-blocks-from --quiet --max-block-duration=486h rules --url="http://$address" \
    --start=$((now / 3600 * 3600 - $2 * 86400)) --end="$now" --output-dir="$work/recorded" "$1" 2>"$work/log" ||
    { cat "$work/log" >&2; exit 1; }
}
say "recording the rules of capacity planning over half a year"
record "$rules/capacity.yml" 180
say "recording the rules of usage over a month"
# Prometheus looks back five minutes for a sample, so one in five minutes is enough.
sed 's/interval: 1m/interval: 5m/' "$rules/usage.yml" >"$work/usage.yml"
record "$work/usage.yml" 30

kill "$server"
wait "$server" || true
trap - EXIT
mv "$work"/data/01* "$work"/recorded/01* "$data"
rm -rf "$work"
say "done; Prometheus and Grafana start now"
