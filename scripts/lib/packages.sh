# shellcheck shell=bash
# shellcheck disable=SC2034 # the lists are read by who sources this
# What Debian 12 must have, by package name, in the one place. Sourced by scripts/demo and
# scripts/test; defines lists and functions only.
#
#   packages_install NAME…   installs those that are missing (root, or a user with sudo); says on
#                            stderr what it does; non-zero with the reason if it cannot
#   packages_missing NAME…   prints those that are missing, one a line

packages_build=(
	build-essential cmake ninja-build pkg-config ccache
	libcjson-dev libcmocka-dev libcrypt-dev libcurl4-openssl-dev libevent-dev libexpat1-dev libpq-dev
	libseccomp-dev libssl-dev libunistring-dev libxgboost-dev libyaml-dev
	postgresql-server-dev-15 scdoc
)
packages_run=(
	curl jq postgresql-15
)
packages_test=(
	clang-14 clang-format-14 clang-tidy-14 clang-tools-14 cppcheck libclang-rt-14-dev nginx-light
	shellcheck strace universal-ctags valgrind wrk
)
# For MLflow and Azurite. Where Node.js came from elsewhere npm came with it and bears no package of
# Debian's.
packages_registry=(python3-venv)
if ! command -v npm >/dev/null; then
	packages_registry+=(npm)
fi
packages_test+=("${packages_registry[@]}")

packages_missing() {
	local name state
	for name in "$@"; do
		state="$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" || true
		if [ "$state" != installed ]; then
			printf '%s\n' "$name"
		fi
	done
}

# Runs a command as root: directly, or by sudo.
packages_as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo -n true 2>/dev/null || echo "packages: sudo may ask for your password" >&2
		sudo "$@"
	else
		echo "packages: neither root nor sudo; as root run: $*" >&2
		return 1
	fi
}

packages_apt() {
	packages_as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
		-o Dpkg::Use-Pty=0 --no-install-recommends "$@" </dev/null
}

# postgresql-15 would start a system cluster of its own; ours are private.
packages_no_main_cluster() {
	local conf=/etc/postgresql-common/createcluster.conf
	packages_apt install postgresql-common || return 1
	if ! grep -qE '^[[:space:]]*create_main_cluster[[:space:]]*=[[:space:]]*false' "$conf"; then
		packages_as_root sh -c "echo 'create_main_cluster = false' >>$conf"
	fi
}

packages_install() {
	local missing=() name
	mapfile -t missing < <(packages_missing "$@")
	if [ ${#missing[@]} -eq 0 ]; then
		return 0
	fi
	if ! command -v apt-get >/dev/null; then
		echo "packages: this is no Debian (no apt-get); missing: ${missing[*]}" >&2
		return 1
	fi
	echo "packages: installing ${missing[*]}" >&2
	packages_apt update || return 1
	for name in "${missing[@]}"; do
		if [ "$name" = postgresql-15 ]; then
			packages_no_main_cluster || return 1
		fi
	done
	packages_apt install "${missing[@]}"
}
