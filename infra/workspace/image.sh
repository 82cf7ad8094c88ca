#!/usr/bin/env bash
# Builds the workspace image from source: `molecule-workspace:latest`, and with --test also `molecule-workspace-test:latest`.
# Needs Rust, a C compiler and a Docker Engine; asks no image registry. Repeat it at will: what is built is not built again.
#
# The program is linked statically against glibc, so that it runs in an image that holds nothing else. Its own resolver and
# its own TLS roots take the place of what a static glibc cannot load.
set -euo pipefail
cd "$(dirname "$0")/../.."

test_image=
for argument in "$@"; do
    case $argument in
        --test) test_image=yes ;;
        *) echo "usage: $0 [--test]" >&2; exit 2 ;;
    esac
done

target_dir="${CARGO_TARGET_DIR:-$PWD/target}"
triple="$(uname -m)-unknown-linux-gnu"
folder="$target_dir/workspace-image"
mkdir -p "$folder"
# Two builds at once would share one context.
exec 9> "$folder/lock"
flock 9

# Only for the target, given by --target: so build scripts and macros are not linked statically.
RUSTFLAGS="-C target-feature=+crt-static" cargo build --quiet --package workspace-runtime --profile image \
    --target "$triple" --target-dir "$target_dir"

context="$folder/context"
rm -rf "$context"
mkdir -p "$context/homes/configs" "$context/homes/workspace" "$context/system/etc"
mkdir -m 1777 "$context/system/tmp"
# The same entries as most images have, and the agent: programs look their user up.
printf '%s\n' 'root:x:0:0:root:/:/bin/sh' 'agent:x:1000:1000:agent:/configs:/bin/sh' > "$context/system/etc/passwd"
printf '%s\n' 'root:x:0:' 'agent:x:1000:' > "$context/system/etc/group"
cp --preserve=timestamps "$target_dir/$triple/image/workspace-runtime" "$context/system/workspace-runtime"
docker build --quiet --tag molecule-workspace:latest --file infra/workspace/Dockerfile "$context"

[ -n "$test_image" ] || exit 0

# A static busybox: this machine's own, or the one of its distribution.
busybox="$folder/busybox"
if [ ! -x "$busybox" ]; then
    own="$(command -v busybox || true)"
    if [ -n "$own" ] && ! ldd "$own" > /dev/null 2>&1; then
        install -m 755 "$own" "$busybox"
    else
        unpacked="$(mktemp -d)"
        trap 'rm -rf "$unpacked"' EXIT
        (cd "$unpacked" && apt-get -qq -o APT::Sandbox::User=root download busybox-static && dpkg-deb --extract ./*.deb .)
        install -m 755 "$unpacked/bin/busybox" "$busybox"
    fi
fi
context="$folder/test-context"
mkdir -p "$context"
cp --preserve=timestamps "$busybox" "$context/busybox"
docker build --quiet --tag molecule-workspace-test:latest --file infra/workspace/test.Dockerfile "$context"
