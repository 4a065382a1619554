# shellcheck shell=bash
# Where the suite's programs are: FRAUDD_BIN_DIR, else the builds of this checkout, else PATH.
# Sourced by the scripts that have the names of the older service.

# find_program NAME: prints its path, or says what to do and returns 1.
find_program() {
	local root folder
	root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
	for folder in "${FRAUDD_BIN_DIR-}" "$root/build/release/bin" "$root/build/dev/bin"; do
		if [ -n "$folder" ] && [ -x "$folder/$1" ]; then
			printf '%s\n' "$folder/$1"
			return 0
		fi
	done
	if ! command -v "$1"; then
		echo "$1 is not there: install the suite, or build it (cmake --preset release)" >&2
		return 1
	fi
}
