#!/bin/sh
# Fetch the JavaScript that the pages and their tests use, with npm (about 4 MB), into a folder that git ignores.
# Without npm the pages load it from public addresses instead: see book_fixes.py, which names the same versions.
set -eu
cd "$(dirname "$0")/.."
vendor=book/assets/vendor
rm -rf "$vendor"
mkdir -p "$vendor/html-manager" "$vendor/reveal" "$vendor/mathjax/output/chtml/fonts"

if ! command -v npm >/dev/null; then
  echo "npm is not installed: the pages will load MathJax and the widgets' script from cdn.jsdelivr.net."
  rm -rf "$vendor"
  exit 0
fi

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
for package in mathjax@3.2.2 @jupyter-widgets/html-manager@1.0.15 axe-core@4.10.3 reveal.js@5.2.1; do
  archive=$(cd "$tmp" && npm pack --silent "$package")
  mkdir "$tmp/package"
  tar xzf "$tmp/$archive" -C "$tmp/package" --strip-components=1
  case $package in
    mathjax*)
      cp "$tmp/package/es5/tex-chtml-full.js" "$tmp/package/LICENSE" "$vendor/mathjax/"
      cp -r "$tmp/package/es5/output/chtml/fonts/woff-v2" "$vendor/mathjax/output/chtml/fonts/" ;;
    *html-manager*)
      cp "$tmp/package/dist/embed.js" "$tmp/package/dist/embed.js.LICENSE.txt" "$tmp"/package/dist/*.woff2 \
         "$vendor/html-manager/" ;;
    axe-core*)
      cp "$tmp/package/axe.min.js" "$vendor/" ;;
    reveal*)
      cp "$tmp/package/dist/reveal.js" "$tmp/package/dist/reveal.css" "$tmp/package/plugin/notes/notes.js" \
         "$tmp/package/LICENSE" "$vendor/reveal/" ;;
  esac
  rm -r "$tmp/package"
done
echo "The pages' JavaScript is in $vendor."
