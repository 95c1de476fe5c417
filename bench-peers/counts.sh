#!/bin/sh
# Prints how many instructions one evaluation takes: the difference of two runs under callgrind, so that start-up drops out.
# `./counts.sh > counts.txt` records them; `git diff counts.txt` then says what a change costs.
set -eu
cd "$(dirname "$0")"
cargo build --quiet --release --ignore-rust-version --locked --example count
count=${CARGO_TARGET_DIR:-target}/release/examples/count

instructions() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$count" "$@" 2>&1 | sed -n 's/.*Collected : //p'
}

# one TIMES EVALUATOR FORM CASE
one() {
    times=$1
    shift
    few=$(instructions "$@" 1)
    many=$(instructions "$@" $((times + 1)))
    echo $(((many - few) / times))
}

printf '%-18s %-16s %9s %10s\n' case records spf mail-auth
for case in internode aol 'netcraft include' -all 'exists macro' 'aol ptr' 'exists over IPv6' explanation 'no record'; do
    for form in each kept; do
        printf '%-18s %-16s %9s %10s\n' "$case" "$form" "$(one 1000 spf $form "$case")" "$(one 1000 mail-auth $form "$case")"
    done
done
for case in 'worst modifiers' 'worst networks' 'worst macros'; do
    printf '%-18s %-16s %9s %10s\n' "$case" each "$(one 3 spf each "$case")" -
done
