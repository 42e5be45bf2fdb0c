# Shell functions that every script may use; sent once a connection. POSIX sh, coreutils or busybox.

hv_lib=/var/lib/hive-nornir

# hv_keep PATH...: copies files (or notes their absence) into the guard's folder $G
hv_keep() {
  for hv_p; do
    hv_n=$(printf %s "$hv_p" | sha256sum | cut -c1-16)
    printf '%s\n' "$hv_p" >"$G/$hv_n.path"
    if [ -e "$hv_p" ] || [ -L "$hv_p" ]; then cp -a -- "$hv_p" "$G/$hv_n.copy"; fi
  done
}

# hv_putback: restores everything that hv_keep kept in $G
hv_putback() {
  for hv_f in "$G"/*.path; do
    [ -e "$hv_f" ] || continue
    hv_p=$(cat "$hv_f"); hv_c=${hv_f%.path}.copy
    if [ -e "$hv_c" ] || [ -L "$hv_c" ]; then cp -a --remove-destination -- "$hv_c" "$hv_p"; else rm -f -- "$hv_p"; fi
  done
}

# hv_write PATH MODE OWNER:GROUP [VALIDATOR]: standard input becomes PATH at once, never wider than MODE; VALIDATOR reads the candidate as $hv_v
hv_write() {
  hv_t=$(dirname -- "$1")/.$(basename -- "$1").hive-nornir
  [ ! -d "$1" ] || { echo "$1 is a directory" >&2; return 1; }
  rm -f -- "$hv_t"
  (umask 077; set -C; cat >"$hv_t") && chown -- "$3" "$hv_t" && chmod -- "$2" "$hv_t" || { rm -f -- "$hv_t"; return 1; }
  if [ -n "${4-}" ]; then
    hv_v=$hv_t sh -c "$4" >&2 || { echo "the new $1 is not valid; it was not installed" >&2; rm -f -- "$hv_t"; return 1; }
  fi
  if [ -e "$1" ] && command -v chcon >/dev/null 2>&1 && [ -e /sys/fs/selinux/enforce ]; then chcon --reference="$1" -- "$hv_t" || :; fi
  sync -- "$hv_t" 2>/dev/null || sync
  mv -f -- "$hv_t" "$1"
  if [ -e /sys/fs/selinux/enforce ] && command -v restorecon >/dev/null 2>&1; then restorecon -- "$1" || :; fi
}
