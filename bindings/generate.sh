#!/bin/sh
# Regenerates the package dev.norma.bindings.c from native/include/norma.h. The output is committed
# and never edited; run this after a change of the header.
#
# jextract ignores an include of a name that does not exist and leaves out what it cannot express, both
# without an error. So the includes are derived from the header on each run, and the output is checked
# for every function.
set -eu
cd "$(dirname "$0")"

header=../native/include/norma.h
package=src/main/java/dev/norma/bindings/c
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

if ! command -v jextract > /dev/null; then
  echo "generate.sh: jextract is not on PATH; get it from https://jdk.java.net/jextract" >&2
  exit 1
fi

# The dump names, behind each symbol, the absolute path of the header that declares it: keep ours.
jextract --dump-includes "$scratch/all" "$header"
if ! grep -F "# header: $(realpath "$header")" "$scratch/all" > "$scratch/includes"; then
  echo "generate.sh: jextract found no declaration in $header" >&2
  exit 1
fi

rm -rf "$package"
jextract @jextract.args "@$scratch/includes" "$header"

declared=$(sed -n '/^NORMA_API/ s/.*[ *]\(norma_[a-z0-9_]*\)(.*/\1/p' "$header")
for function in ${declared:?no function found in $header}; do
  if ! grep -q "public static .* $function(" "$package/Norma.java"; then
    echo "generate.sh: jextract left out $function" >&2
    exit 1
  fi
done
