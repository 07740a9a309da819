// ember completion: what a shell offers after a tab.
#include <fmt/format.h>

#include "commands.h"

namespace {

constexpr const char* kBash = R"(_ember() {
  local word=${COMP_WORDS[COMP_CWORD]} words="inspect convert diff report table info completion --help --version"
  if [ "$COMP_CWORD" -gt 1 ]; then
    case ${COMP_WORDS[1]} in
      inspect) words="--json --skip-unreadable --help" ;;
      convert) words="--skip-unreadable --help" ;;
      info) words="--help" ;;
      diff) words="--rtol --atol --html --help" ;;
      report) words="--out --help" ;;
      table) words="--json --rows --delimiter --header --columns --target --skip-rows --comment --quote --decimal --missing-values --missing --whole --numbers --text --help" ;;
      completion) words="bash zsh --help" ;;
    esac
    if [[ $word != -* && ${COMP_WORDS[1]} != completion ]]; then
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      return
    fi
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _ember ember
)";

constexpr const char* kZsh = R"(#compdef ember
_ember() {
  local -a commands=(
    'inspect:what a file holds'
    'convert:from any format to the one that the second name ends in'
    'diff:where two files differ'
    'report:one page about a finished run'
    'table:what a table of a text file holds'
    'info:version, instruction set, threads and components'
    'completion:print the completion for a shell'
  )
  _arguments -C '--help[explain]' '--version[print the version]' '1:command:->command' '*::argument:->argument'
  case $state in
    command) _describe command commands ;;
    argument)
      case $words[1] in
        inspect) _arguments '--json[one JSON object]' '--skip-unreadable[leave out what cannot be read]' '--help[explain]' '1:file:_files' ;;
        convert) _arguments '--skip-unreadable[leave out what cannot be read]' '--help[explain]' '1:from:_files' '2:to:_files' ;;
        diff) _arguments '--rtol[relative tolerance]:number' '--atol[absolute tolerance]:number' '--html[of traces, a page to write]:page:_files' '--help[explain]' '1:file:_files' '2:file:_files' ;;
        report) _arguments '--out[the page]:page:_files' '--help[explain]' '1:run:_files -/' ;;
        table) _arguments '--json[one JSON object]' '--missing[what becomes of missing cells]:policy:(nan error mean median drop)' '--help[explain]' '1:file:_files' ;;
        completion) _values shell bash zsh ;;
      esac ;;
  esac
}
if [ "$funcstack[1]" = _ember ]; then _ember "$@"; else compdef _ember ember; fi
)";

}  // namespace

int completion(const std::string& shell) {
  fmt::print("{}", shell == "zsh" ? kZsh : kBash);
  return 0;
}
