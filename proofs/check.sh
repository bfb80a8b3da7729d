#!/bin/sh
# Check every proof: compile the files, let Coq list what each theorem rests on, and refuse any
# axiom but those of the real numbers; then let the small checker coqchk go through it all again.
# NOCHK=1 leaves that last step out. FILES="Sums Layer" checks the theorems of these files alone.
set -eu
cd "$(dirname "$0")"
fail() { echo "proofs: $*" >&2; exit 1; }
command -v coqc >/dev/null ||
  fail "expected Coq 8.16, but got no coqc. On Debian: apt-get install coq"

ALL="Sums Layer Pooling Reconstruction Variants Branch Noise Sharp Iht Attained"
ALL="$ALL Convolution Depth Pairs Examples"
FILES="${FILES:-$ALL}"
build=../_build/proofs
mkdir -p $build

# A file is compiled anew if it, or one before it, has changed.
changed=
for f in $FILES; do
  if [ -n "$changed" ] || ! cmp -s "$f.v" "$build/$f.v" || [ ! -f "$build/$f.vo" ]; then
    changed=yes
    cp "$f.v" $build
    rm -f "$build/$f.vo"
    (cd $build && coqc -q "$f.v") || fail "$f.v does not compile"
  fi
done

# theorems.txt has a line for each theorem: FILE NAME.
names=$(while read -r file name; do
  case " $FILES " in *" $file "*) echo "$name" ;; esac
done <theorems.txt)
count=$(echo "$names" | wc -l)
cd $build
{
  echo "Require Import" $FILES.
  echo "Definition everything := (" $(echo "$names" | sed 's/^/@/; $!s/$/,/') ")."
  echo "Print Assumptions everything."
} >All.v
coqc -q All.v >axioms.txt || fail "a theorem of theorems.txt is not in the files"

reals='ClassicalDedekindReals.sig_not_dec|ClassicalDedekindReals.sig_forall_dec'
others='Axioms|Closed under the global context|functional_extensionality_dep'
others="$others|FunctionalExtensionality.functional_extensionality_dep"
if grep -oE '^[^ ].*' axioms.txt | sed -E 's/ ?:.*//' | sort -u | grep -vxE "$reals|$others" >&2
then
  fail "expected no axiom but those of the real numbers, but got the ones above"
fi
echo "$count theorems checked: they rest on the axioms of the real numbers alone."
[ -n "${NOCHK:-}" ] || coqchk -silent -o All || fail "coqchk does not accept the compiled files"
