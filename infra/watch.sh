#!/usr/bin/env bash
# The API's functions under `cargo lambda watch`, on the data of a local run: `infra/watch.sh [PORT]`, beside `cargo run`.
# Needs cargo-lambda. The routes are those of Cargo.toml, which a test holds equal to the template's; a route that is not there
# gets no answer from cargo-lambda. Interrupt it to end it, and start it again after a change.
set -euo pipefail
cd "$(dirname "$0")/.."

port="${1:-9000}"
variables="${MOLECULE_DATA_DIR:-.molecule}/functions.env"
if [ ! -f "$variables" ]; then
    echo "$variables is not there: start the platform with cargo run first" >&2
    exit 1
fi
functions="$(grep -o 'function = "[^"]*"' Cargo.toml | sort -u | cut -d'"' -f2)"
# shellcheck disable=SC2046 # one argument for each
cargo build --quiet $(printf -- '--package %s ' $functions)

set -a
# shellcheck disable=SC1090 # written by the local run
. "$variables"
set +a
export AWS_LAMBDA_FUNCTION_VERSION='$LATEST' AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256
trap 'kill $(jobs -p) 2> /dev/null' EXIT
cargo lambda watch --only-lambda-apis --invoke-address 127.0.0.1 --invoke-port "$port" &
watch=$!
until (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null; do
    kill -0 "$watch"
    sleep 0.1
done
for function in $functions; do
    AWS_LAMBDA_FUNCTION_NAME="$function" AWS_LAMBDA_RUNTIME_API="http://127.0.0.1:$port/.rt/$function" \
        "${CARGO_TARGET_DIR:-target}/debug/$function" &
done
wait "$watch"
