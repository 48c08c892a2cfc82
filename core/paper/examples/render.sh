#!/bin/sh
# Pictures of the sample pages, to check by eye: core/paper/examples/render.sh DIR
# Needs LibreOffice Writer (soffice), Chromium, pdftoppm, and fonts with the measures of Times New Roman (fonts-liberation).
set -eu
dir=${1:?which folder?}
cargo run -p sotay-paper --example pages -- "$dir"
cd "$dir"
for name in minutes extract resolution report; do
  soffice --headless --convert-to pdf --outdir . "$name.docx" >/dev/null
  mv "$name.pdf" "$name-docx.pdf"
  chromium --headless --no-sandbox --disable-gpu --no-pdf-header-footer --print-to-pdf="$name-html.pdf" "$name.html" >/dev/null 2>&1
  for format in docx html; do pdftoppm -r 70 -png "$name-$format.pdf" "$name-$format"; done
done
ls ./*.png
