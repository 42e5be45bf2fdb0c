# Makes the admin account of a prepared server (spec build-infra.md 7). Runs as root; can be run again.
# $1 account  $2 uid or ""  $3 group  $4 gid or ""  $5 public key
set -eu
getent group "$3" >/dev/null || groupadd ${4:+-g "$4"} "$3"
[ -z "$4" ] || [ "$(getent group "$3" | cut -d: -f3)" = "$4" ] || { echo "group $3 is there with another gid than $4" >&2; exit 1; }
# No password, but not locked either: a locked account takes no key where sshd does not use PAM.
id -u "$1" >/dev/null 2>&1 || useradd -m -s "$(command -v bash || echo /bin/sh)" -g "$3" -p '*' ${2:+-u "$2"} "$1"
[ -z "$2" ] || [ "$(id -u "$1")" = "$2" ] || { echo "account $1 is there with another uid than $2" >&2; exit 1; }
id -Gn "$1" | tr ' ' '\n' | grep -qxF -e "$3" || usermod -a -G "$3" "$1"

# As the account itself: root must not follow what somebody may have linked there.
home=$(getent passwd "$1" | cut -d: -f6)
runuser -u "$1" -- /bin/sh -euc '
    umask 077
    cd "$1"
    mkdir -p .ssh
    chmod 700 .ssh
    if ! grep -qxF -e "$2" .ssh/authorized_keys 2>/dev/null; then
        { [ ! -s .ssh/authorized_keys ] || sed -e "\$a\\" .ssh/authorized_keys; printf "%s\n" "$2"; } >.ssh/.authorized_keys.new
        mv -f .ssh/.authorized_keys.new .ssh/authorized_keys
    fi
    chmod 600 .ssh/authorized_keys
' sh "$home" "$5"
! command -v restorecon >/dev/null || restorecon -R "$home/.ssh"

command -v visudo >/dev/null || { echo "sudo is not installed" >&2; exit 1; }
# sudo reads no file there that has a dot in its name.
umask 337
rm -f /etc/sudoers.d/.hive-admin.new
printf '%%%s ALL=(ALL:ALL) NOPASSWD: ALL\n' "$3" >/etc/sudoers.d/.hive-admin.new
visudo -cqf /etc/sudoers.d/.hive-admin.new || { rm -f /etc/sudoers.d/.hive-admin.new; echo "visudo refuses a rule for group $3" >&2; exit 1; }
mv -f /etc/sudoers.d/.hive-admin.new /etc/sudoers.d/hive-admin
