#!/bin/sh
# Check every proof: compile the files, let Coq list what each theorem rests on, and refuse any
# axiom but those of the real numbers; then let the small checker coqchk go through it all again.
# NOCHK=1 leaves that last step out. FILES="Sums Layer" checks the theorems of these files alone.
set -eu
cd "$(dirname "$0")"
fail() { echo "proofs: $*" >&2; exit 1; }
command -v coqc >/dev/null ||
  fail "the proofs need Coq 8.16, but there is no coqc here. On Debian: apt-get install coq"

FILES="${FILES:-Sums Layer Pooling Reconstruction Variants Branch Noise Iht Examples}"
build="${BUILD:-../_build/proofs}"
mkdir -p "$build"
for f in $FILES; do cmp -s "$f.v" "$build/$f.v" || { cp "$f.v" "$build"; rm -f "$build"/*.vo; }; done

# theorems.txt has a line for each theorem: FILE NAME.
theorems=$(while read -r file name; do case " $FILES " in *" $file "*) echo "$name" ;; esac; done <theorems.txt)
cd "$build"
for f in $FILES; do
  [ -f "$f.vo" ] || coqc -q "$f.v" || fail "$f.v does not compile"
done
{
  echo "Require Import" $FILES.
  for name in $theorems; do echo "Print Assumptions $name."; done
} >All.v
coqc -q All.v >axioms.txt || fail "a theorem of theorems.txt is missing"
count=$(echo "$theorems" | wc -l)
[ "$(grep -c '^Axioms:\|^Closed under the global context' axioms.txt)" = "$count" ] ||
  fail "Coq did not answer for each of the $count theorems"
allowed='Axioms|(ClassicalDedekindReals\.)?(sig_not_dec|sig_forall_dec)'
allowed="$allowed|(FunctionalExtensionality\.)?functional_extensionality_dep|Closed under the global context"
if grep -oE '^[^ ].*' axioms.txt | sed -E 's/ ?:.*//' | sort -u | grep -vxE "$allowed"; then
  fail "the theorems rest on the axioms above, which are not among those of the real numbers"
fi
echo "$count theorems checked; they rest on the axioms of the real numbers alone."
if [ -z "${NOCHK:-}" ]; then
  coqchk -silent -o All || fail "coqchk refuses the compiled files"
fi
