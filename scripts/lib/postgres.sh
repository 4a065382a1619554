# shellcheck shell=bash
# A private PostgreSQL 15 cluster: own data folder, unix socket only, no TCP, nothing of a system
# cluster touched. Sourced by scripts/demo and the integration tests; defines functions only.
#
#   pg_home STATE            prints the folder that a cluster for STATE should live in
#   pg_start HOME [DATABASE] makes the cluster if there is none, starts it if it is down, makes the
#                            database (default: fraudd); prints its URL, alone, on stdout
#   pg_url HOME [DATABASE]   prints that URL
#   pg_stop HOME             stops the cluster (fast); no error if it is down
#   pg_is_up HOME            true if it runs
#   pg_log HOME              prints the path of its log
#
# All return non-zero after saying on stderr what failed, with the end of the server's log. HOME is
# an absolute path (blanks are fine). Root cannot run a server, so root runs it as "postgres" by
# setpriv. PG_FAST=1 at the first start gives up what only the end of the machine would lose (tests);
# a server that is killed still has every transaction that it answered.
# The socket lies in a short folder of mode 0700 under /tmp, because a socket's path is limited to
# 107 bytes; the role "fraudd" needs no password there.

pg_bin() {
	local folder
	for folder in /usr/lib/postgresql/15/bin "$(pg_config --bindir 2>/dev/null)"; do
		if [ -x "$folder/postgres" ]; then
			printf '%s\n' "$folder"
			return 0
		fi
	done
	echo "postgresql: the server's programs are not installed (package postgresql-15)" >&2
	return 1
}

# Runs a command as the user that owns the cluster, from a folder that this user can read.
pg_as_owner() {
	if [ "$(id -u)" = 0 ]; then
		(cd / && exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$@")
	else
		(cd / && exec "$@")
	fi
}

pg_owner() {
	if [ "$(id -u)" = 0 ]; then echo postgres; else id -un; fi
}

pg_hash() {
	printf '%s' "$1" | cksum | cut -d' ' -f1
}

# <state>/pg if the owner can reach it, else a folder under /var/lib.
pg_home() {
	local state="$1"
	if [ "$(id -u)" != 0 ] || pg_as_owner test -x "$state" 2>/dev/null; then
		printf '%s/pg\n' "$state"
	else
		printf '/var/lib/fraudd-pg-%s\n' "$(pg_hash "$state")"
	fi
}

pg_socket_dir() {
	printf '/tmp/fraudd-%s\n' "$(pg_hash "$1")"
}

pg_url() {
	printf 'postgresql://fraudd@/%s?host=%s\n' "${2:-fraudd}" "$(pg_socket_dir "$1")"
}

pg_log() {
	printf '%s/server.log\n' "$1"
}

pg_is_up() {
	local bin
	bin="$(pg_bin)" || return 1
	pg_as_owner "$bin/pg_ctl" status -D "$1/data" >/dev/null 2>&1
}

# Says what failed and how the log ends.
pg_complain() {
	local home="$1"
	shift
	echo "postgresql: $*" >&2
	if [ -s "$(pg_log "$home")" ]; then
		echo "postgresql: the end of $(pg_log "$home"):" >&2
		tail -n 15 "$(pg_log "$home")" | sed 's/^/    /' >&2
	fi
	return 1
}

# A folder of that path which belongs to the owner alone; refuses what somebody else put there.
pg_own_dir() {
	local dir="$1" owner
	owner="$(pg_owner)"
	mkdir -m 0700 "$dir" 2>/dev/null && chown "$owner" "$dir"
	if [ -L "$dir" ] || [ ! -d "$dir" ] || [ "$(stat -c %U "$dir")" != "$owner" ]; then
		echo "postgresql: \"$dir\" is not a folder of user $owner" >&2
		return 1
	fi
	chmod 0700 "$dir"
}

pg_create() {
	local home="$1" bin="$2" output
	if ! output="$(pg_as_owner "$bin/initdb" -D "$home/data.new" -U fraudd --auth=trust \
		--encoding=UTF8 --locale=C.UTF-8 --no-instructions 2>&1)"; then
		printf '%s\n' "$output" | tail -n 15 >&2
		pg_as_owner rm -rf "$home/data.new"
		pg_complain "$home" "could not make a cluster in \"$home\""
		return 1
	fi
	pg_as_owner tee -a "$home/data.new/postgresql.conf" >/dev/null <<-CONF
		listen_addresses = ''
		unix_socket_permissions = 0700
		timezone = 'UTC'
		log_timezone = 'UTC'
		max_wal_size = '2GB'
		checkpoint_completion_target = 0.9
	CONF
	if [ "${PG_FAST:-0}" = 1 ]; then
		printf 'fsync = off\nfull_page_writes = off\n' |
			pg_as_owner tee -a "$home/data.new/postgresql.conf" >/dev/null
	fi
	pg_as_owner mv "$home/data.new" "$home/data"
}

pg_start() {
	local home="$1" database="${2:-fraudd}" bin socket
	bin="$(pg_bin)" || return 1
	socket="$(pg_socket_dir "$home")"
	pg_own_dir "$home" && pg_own_dir "$socket" || return 1
	if ! pg_as_owner test -f "$home/data/PG_VERSION"; then
		pg_as_owner rm -rf "$home/data.new" "$home/data"
		pg_create "$home" "$bin" || return 1
	fi
	if ! pg_is_up "$home" &&
		! pg_as_owner "$bin/pg_ctl" start -w -t 60 -s -D "$home/data" -l "$(pg_log "$home")" \
			-o "-k '$socket'" </dev/null >/dev/null; then
		pg_complain "$home" "the cluster in \"$home\" does not start"
		return 1
	fi
	if ! pg_database_exists "$home" "$bin" "$database" &&
		! "$bin/createdb" -h "$socket" -U fraudd "$database" >&2; then
		pg_complain "$home" "could not make the database \"$database\""
		return 1
	fi
	pg_url "$home" "$database"
}

pg_database_exists() {
	[ "$("$2/psql" -X -A -t -h "$(pg_socket_dir "$1")" -U fraudd -d postgres \
		-v name="$3" -f - <<<"select 1 from pg_database where datname = :'name'" 2>/dev/null)" = 1 ]
}

pg_stop() {
	local home="$1" bin
	bin="$(pg_bin)" || return 1
	pg_is_up "$home" || return 0
	if ! pg_as_owner "$bin/pg_ctl" stop -w -t 60 -s -m fast -D "$home/data" >/dev/null; then
		pg_complain "$home" "the cluster in \"$home\" does not stop"
		return 1
	fi
	rmdir "$(pg_socket_dir "$home")" 2>/dev/null || true
}
