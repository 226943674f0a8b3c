#!/bin/bash
# Many walks of the killing test, each with a stack and a seed of its own, so that
# a failing one can be gone again alone. Then the table of all of them.
#
#	BUILD=build/crash KILLS=10000 SEED=random tests/walks/crash/soak.sh
set -u -o pipefail

KILLS=${KILLS:-10000}
SEED=${SEED:-random}
WALK=500 # kills
[ "$SEED" != random ] || SEED=$((RANDOM * 32768 + RANDOM))

here=$(dirname "$0")
dir=$(mktemp -d /tmp/flowpin-soak.XXXXXX) || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
failed=()
walks=0
killed=0

# one_walk KILLS SEED: its last two lines, or all of it.
one_walk() {
	walks=$((walks + 1))
	if KILLS=$1 SEED=$2 COUNTS=$dir/$2.json "$here/run.sh" \
		>"$dir/log" 2>&1; then
		echo "seed=$2: $(tail -n 1 "$dir/log")"
	else
		failed+=("$2")
		cat "$dir/log"
	fi
}

for ((left = KILLS, seed = SEED; left > 0; left -= WALK, seed++)); do
	one_walk $((left < WALK ? left : WALK)) "$seed"
done
for seed in "${failed[@]}"; do
	echo "failed; again: make test-crash KILLS=$WALK SEED=$seed"
done
counts=("$dir"/*.json)
[ ! -e "${counts[0]}" ] || killed=$(jq -s 'map(.totals.kills) | add' "${counts[@]}")
echo "$((walks - ${#failed[@]})) of $walks walks, $killed of $KILLS kills"
[ ! -e "${counts[0]}" ] || PYTHONPATH=$here/../.. python3 -B -m walks.crash.table "${counts[@]}" || exit 1
# none at all is no success
[ "$walks" -gt 0 ] && [ ${#failed[@]} = 0 ] && [ "$killed" -ge "$KILLS" ]
