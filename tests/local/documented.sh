# shellcheck shell=bash
# Sourced by `check`: whether docs/from-compose.md says what is so.

page=$root/docs/from-compose.md
# The cells of its tables: the first of each row, or the others.
old_cells() { awk -F ' [|] ' '/^[|] / {sub(/^[|] /, ""); print $1}' "$page"; }
new_cells() { awk -F ' [|] ' '/^[|] / {$1 = ""; print}' "$page"; }
without_backticks() { sed 's/`//g'; }

targets_exist() {
  local target targets
  targets=$(new_cells | grep -oE '`make [a-z][a-z-]*' | sed 's/.* //' | sort -u)
  [ "$(wc -l <<<"$targets")" -gt 20 ] || { echo "few targets were found: $targets"; return 1; }
  for target in $targets; do MESSAGE=m FILE=f make -s -n -C "$root" "$target" >/dev/null || { echo "there is no make $target"; return 1; }; done
}
# Prints commands of program $1 in the page, without what follows their lower-case words.
commands_of() { grep -oE "\`$1( [a-z][a-z-]*)+" "$page" | sed "s/^\`$1 //" | sort -u; }
subcommands_exist() {
  local words plugin; plugin=$(rust_program dev chatbot-operator kubectl-chatbot)
  [ "$(commands_of 'kubectl chatbot' | wc -l)" -gt 8 ] || { echo "few subcommands were found"; return 1; }
  # shellcheck disable=SC2086  # a word each
  while read -r words; do "$plugin" $words --help >/dev/null 2>&1 || { echo "there is no kubectl chatbot $words"; return 1; }; done < <(commands_of 'kubectl chatbot')
  # shellcheck disable=SC2086
  while read -r words; do "$CHATBOT_BINARY" $words --help >/dev/null 2>&1 || { echo "there is no chatbot $words"; return 1; }; done < <(commands_of chatbot)
}
nothing_forgotten() {
  local command cells; cells=$(old_cells | without_backticks)
  while read -r command; do grep -qF -- "$command" <<<"$cells" || { echo "the table has no $command"; return 1; }; done <"$root/tests/fixtures/operations-guide.txt"
}
