#!/usr/bin/env bash
# Builds a stand-in for the image in which `sam local` runs functions, under the name that SAM looks for: the C library of
# this machine and a static busybox. Needs a Docker Engine; asks no image registry.
set -euo pipefail
cd "$(dirname "$0")/../.."

name="public.ecr.aws/lambda/provided:al2023-$(uname -m)"
if docker image inspect "$name" > /dev/null 2>&1; then
    exit 0
fi
# It brings the busybox.
infra/workspace/image.sh --test > /dev/null
context="${CARGO_TARGET_DIR:-$PWD/target}/sam-local-image"
rm -rf "$context"
mkdir -p "$context/lib64" "$context/lib" "$context/bin" "$context/var/task" "$context/var/rapid" "$context/etc"
mkdir -m 1777 "$context/tmp"
loader="$(ldd /bin/sh | grep -o '/lib64/ld-linux[^ ]*')"
cp -L "$loader" "$context/lib64/"
for library in libc.so.6 libm.so.6 libgcc_s.so.1 libdl.so.2 libpthread.so.0 librt.so.1; do
    cp -L "$(ldconfig -p | grep -m 1 "$library (.*x86-64" | sed 's/.*=> //')" "$context/lib/"
done
install -m 755 "${CARGO_TARGET_DIR:-$PWD/target}/workspace-image/busybox" "$context/bin/busybox"
for command in sh mv chmod cp rm mkdir; do
    ln -s busybox "$context/bin/$command"
done
printf '%s\n' 'root:x:0:0:root:/:/bin/sh' > "$context/etc/passwd"
printf '%s\n' FROM\ scratch 'COPY . /' 'ENV PATH=/bin LD_LIBRARY_PATH=/lib' 'WORKDIR /var/task' 'ENTRYPOINT ["/var/rapid/aws-lambda-rie", "/var/task/bootstrap"]' > "$context.Dockerfile"
docker build --quiet --tag "$name" --file "$context.Dockerfile" "$context"
