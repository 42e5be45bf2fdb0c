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

# hv_stat PATH [-L]: type|mode|user|group|uid|gid|size, or `absent`; `|left` is added if an interrupted hv_write left its temporary file
hv_stat() {
  hv_s=$(stat ${2-} -c '%F|%a|%U|%G|%u|%g|%s' -- "$1" 2>/dev/null) || hv_s=absent
  [ ! -e "${1%/*}/.${1##*/}.hive-nornir" ] || hv_s="$hv_s|left"
  printf '%s\n' "$hv_s"
}

# hv_file PATH SHA256 MAX [-L]: hv_stat, a regular file's checksum, and its content if it is not SHA256 and has less than MAX bytes
hv_file() {
  hv_stat "$1" "${4-}"
  case $hv_s in regular*) ;; *) return 0 ;; esac
  hv_c=$(sha256sum <"$1")
  printf '%s\n' "${hv_c%% *}"
  hv_s=${hv_s%|left}
  [ "${hv_c%% *}" = "$2" ] || [ "${hv_s##*|}" -ge "$3" ] || cat -- "$1"
}

# hv_dir PATH MODE OWNER:GROUP: a new folder, never wider than MODE
hv_dir() { mkdir -p -m 700 -- "$1" && chown -- "$3" "$1" && chmod -- "$2" "$1"; }

# hv_write PATH MODE OWNER:GROUP [VALIDATOR [SHA256]]: standard input becomes PATH at once, never wider than MODE, never cut off;
# VALIDATOR reads the candidate as $hv_v
hv_write() {
  hv_t=${1%/*}/.${1##*/}.hive-nornir
  [ ! -d "$1" ] || { echo "$1 is a directory" >&2; return 1; }
  rm -f -- "$hv_t"
  (umask 077; set -C; cat >"$hv_t") && chown -- "$3" "$hv_t" && chmod -- "$2" "$hv_t" || { rm -f -- "$hv_t"; return 1; }
  if [ -n "${5-}" ] && [ "$(sha256sum <"$hv_t")" != "$5  -" ]; then
    echo "the new $1 did not arrive whole; it was not installed" >&2; rm -f -- "$hv_t"; return 1
  fi
  if [ -n "${4-}" ]; then
    hv_v=$hv_t sh -c "$4" >&2 || { echo "the new $1 is not valid; it was not installed" >&2; rm -f -- "$hv_t"; return 1; }
  fi
  # The label that it has is kept; a new file gets the policy's.
  hv_l=; [ ! -e /sys/fs/selinux/enforce ] || chcon --reference="$1" -- "$hv_t" 2>/dev/null || hv_l=new
  sync -- "$hv_t" 2>/dev/null || sync
  mv -f -- "$hv_t" "$1" || return 1
  [ -z "$hv_l" ] || restorecon -- "$1" || :
}

# hv_backup PATH: keeps a copy with the time in its name, where only root can read it; of several in one second, the first
hv_backup() {
  hv_b=$hv_lib/backups$1.$(date -u +%Y%m%dT%H%M%SZ)
  (umask 077; mkdir -p -- "${hv_b%/*}") || return 1
  [ -e "$hv_b" ] || { cp -p -- "$1" "$hv_b.new" && mv -f -- "$hv_b.new" "$hv_b"; }
}

# hv_edit PATH OLD VALIDATOR NEW [keep]: standard input becomes the text of the file that PATH leads to, which must still have the checksum
# OLD and keeps its mode and owner; NEW is the new text's. `keep`: the file as it was is kept by hv_backup
hv_edit() {
  hv_p=$(readlink -f -- "$1" && echo .) || return 1
  hv_p=${hv_p%?.}
  [ "$(sha256sum <"$hv_p")" = "$2  -" ] || { echo "$1 was changed by somebody else meanwhile; run again" >&2; return 1; }
  [ -z "${5-}" ] || hv_backup "$hv_p" || return 1
  hv_write "$hv_p" "$(stat -c %a -- "$hv_p")" "$(stat -c %u:%g -- "$hv_p")" "$3" "$4"
}
