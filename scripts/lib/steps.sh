# shellcheck shell=bash
# Steps of a long script: each has a number, a log of its own and an advice for when it fails. On a
# terminal a line shows the seconds and the last line of the log; elsewhere one plain line a step.
# Sourced by scripts/demo; defines functions only.
#
#   steps_begin PROGRAM LOG_DIR COUNT   once
#   step NAME ADVICE COMMAND…           runs it in this shell's child with its output in the log;
#                                       ends the script with status 1 if it fails
#                                       ($steps_child: its process group while it runs)
#   steps_fail NAME ADVICE [LOG]        says it and ends the script with status 1

steps_begin() {
	steps_program="$1"
	steps_logs="$2"
	steps_count="$3"
	steps_number=0
	steps_child=
	steps_terminal=no
	if [ -t 2 ]; then
		steps_terminal=yes
	fi
	mkdir -p "$steps_logs"
}

steps_clear_line() {
	if [ "$steps_terminal" = yes ]; then
		printf '\r\033[K' >&2
	fi
}

# The last line of a log as far as it fits: progress bars overwrite theirs with carriage returns.
steps_last_line() {
	local width=$(($(tput cols 2>/dev/null || echo 80) - 40))
	if [ "$width" -gt 0 ]; then
		tail -c 400 "$1" 2>/dev/null | tr '\r' '\n' | sed '/^[[:space:]]*$/d' | tail -n 1 |
			tr -dc '[:print:]' | cut -c "1-$width"
	fi
}

# Ticks while the child runs.
steps_watch() {
	local name="$1" log="$2" began="$SECONDS"
	while kill -0 "$steps_child" 2>/dev/null; do
		if [ "$steps_terminal" = yes ]; then
			printf '\r\033[K[%d/%d] %s  %ds  %s' "$steps_number" "$steps_count" "$name" \
				"$((SECONDS - began))" "$(steps_last_line "$log")" >&2
		fi
		sleep 0.2
	done
}

step() {
	local name="$1" advice="$2" log status=0 began=$EPOCHREALTIME took
	shift 2
	steps_number=$((steps_number + 1))
	log="$steps_logs/$(printf '%02d' "$steps_number")-${name%% *}.log"
	: >"$log"
	set -m # a process group of its own, so that it can be ended whole: kill -- -$steps_child
	"$@" >"$log" 2>&1 </dev/null &
	steps_child=$!
	set +m
	if [ "$steps_terminal" = yes ]; then
		steps_watch "$name" "$log"
	fi
	wait "$steps_child" || status=$?
	steps_child=
	steps_clear_line
	if [ "$status" -ne 0 ]; then
		steps_fail "$name" "$advice" "$log"
	fi
	took="$(awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')"
	printf '[%d/%d] %s: done in %s s\n' "$steps_number" "$steps_count" "$name" "$took" >&2
}

steps_fail() {
	local name="$1" advice="$2" log="${3-}"
	steps_clear_line
	printf '%s: step "%s" failed\n' "$steps_program" "$name" >&2
	if [ -n "$log" ] && [ -s "$log" ]; then
		printf 'why (the end of %s):\n' "$log" >&2
		tail -c 4000 "$log" | tr '\r' '\n' | tail -n 15 | sed 's/^/    /' >&2
	fi
	printf 'what to do: %s\n' "$advice" >&2
	exit 1
}
