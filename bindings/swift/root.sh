#!/usr/bin/env bash
# Swift for a Linux machine that has none: a Debian trixie root with Debian's own `swiftlang`, and commands inside it.
#
#   bindings/swift/root.sh make             makes the root if it is not there (3.3 GB, some minutes; needs root and debootstrap)
#   bindings/swift/root.sh run COMMAND...   runs a command in it, in the folder of this checkout, which has the same path there
#   bindings/swift/root.sh has              succeeds if the root is there
#
# SOTAY_SWIFT_ROOT names another place. Mounts are made in a namespace of their own: they end with the command, however it ends, so
# that removing the root can never reach into the machine's /dev.
set -euo pipefail
checkout="$(cd "$(dirname "$0")/../.." && pwd -P)"
root="${SOTAY_SWIFT_ROOT:-/var/lib/sotay-swift/root}"

has() { [[ -L "$root/usr/bin/swift" && -e "$root/usr/include/stdio.h" ]]; }

make() {
    if has; then return; fi
    command -v debootstrap > /dev/null || { echo "debootstrap is missing: apt-get install debootstrap" >&2; exit 1; }
    [[ $EUID == 0 ]] || { echo "making a root needs root" >&2; exit 1; }
    # Beside its place first: half a root is never taken for a whole one.
    local part="$root.part"
    rm -rf --one-file-system "$part"
    mkdir -p "$part"
    debootstrap --variant=minbase trixie "$part"
    chroot "$part" apt-get install -y -q --no-install-recommends swiftlang libc6-dev libstdc++-14-dev
    rm -rf --one-file-system "$part"/var/cache/apt/archives/*.deb "$root"
    mv "$part" "$root"
    has || { echo "the root at $root has no swift" >&2; exit 1; }
}

# Folders that commands inside need at the same path as outside.
inside() {
    local folder
    mount --bind /proc "$root/proc" # Swift's programs find their libraries through /proc/self/exe.
    mount --bind /dev "$root/dev"
    for folder in "$checkout" ${SOTAY_SHOW:-}; do
        mkdir -p "$root$folder"
        mount --bind "$folder" "$root$folder"
    done
    exec chroot "$root" env -i PATH=/usr/bin:/bin HOME=/root LANG=C.UTF-8 TMPDIR=/tmp \
        ${SOTAY_LIBRARY_DIR:+SOTAY_LIBRARY_DIR="$SOTAY_LIBRARY_DIR"} ${SOTAY_RELAY:+SOTAY_RELAY="$SOTAY_RELAY"} \
        /bin/sh -c 'cd "$0" && exec "$@"' "$checkout" "$@"
}

case "${1:-}" in
    make) make ;;
    has) has ;;
    run) shift; exec unshare --mount --propagation private "$0" inside "$@" ;;
    inside) shift; inside "$@" ;;
    *) sed -n '2,8p' "$0"; exit 2 ;;
esac
