#!/bin/sh
# Prints how many instructions one evaluation takes: the difference of two runs under callgrind, so that start-up drops out.
set -eu
cd "$(dirname "$0")"
cargo build --quiet --release --ignore-rust-version --example count
count=${CARGO_TARGET_DIR:-target}/release/examples/count

instructions() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$count" "$@" 2>&1 | sed -n 's/.*Collected : //p'
}

one() {
    few=$(instructions "$1" "$2" "$3" 100)
    many=$(instructions "$1" "$2" "$3" 1100)
    echo $(((many - few) / 1000))
}

printf '%-18s %-16s %9s %10s\n' case records spf mail-auth
for case in internode aol 'netcraft include' -all 'exists macro' 'aol ptr' 'exists over IPv6' explanation 'no record'; do
    for form in each kept; do
        printf '%-18s %-16s %9s %10s\n' "$case" "$form" "$(one spf $form "$case")" "$(one mail-auth $form "$case")"
    done
done
