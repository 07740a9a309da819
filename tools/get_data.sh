#!/usr/bin/env bash
# Fetches a data set's original files, checks their SHA-256, and puts them where torchvision does and data::read_... looks. Goes on where a
# connection was cut; what is there already is checked and kept.
# usage: tools/get_data.sh NAME [DIR]      mnist, fashion-mnist, kmnist, cifar10, cifar100; DIR: data
set -uo pipefail
list=${EMBER_DATA_LIST:-$(dirname "${BASH_SOURCE[0]}")/data_sets.txt}
attempts=${EMBER_DATA_ATTEMPTS:-5}
names=$(awk '!/^#/ && NF { print $1 }' "$list" | uniq | paste -sd' ')
name=${1:-} dir=${2:-data}

if [ -z "$name" ] || [ "$name" = --help ] || ! grep -q "^$name " "$list"; then
  echo "usage: get_data.sh NAME [DIR]      NAME: $names" >&2
  [ "$name" = --help ] && exit 0
  exit 2
fi
command -v curl >/dev/null || { echo "get_data: curl is missing: apt-get install curl" >&2; exit 1; }

is_right() { [ -f "$1" ] && [ "$(sha256sum "$1" | cut -d' ' -f1)" = "$2" ]; }

# One mirror: as often as connections are cut, each time from where the last one ended. 0 when the whole file came.
fetch() {  # fetch URL PART
  local attempt status before
  for ((attempt = 1; attempt <= attempts; ++attempt)); do
    before=$(stat -c %s "$2" 2>/dev/null || echo 0)
    curl --fail --location --connect-timeout 20 --speed-limit 1 --speed-time 60 "${progress[@]}" --continue-at - --output "$2" "$1"
    status=$?
    case $status in
      0) return 0 ;;
      33 | 36) rm -f "$2" && echo "get_data:   the server cannot resume, starting afresh" ;;
      18 | 28 | 52 | 55 | 56 | 92) echo "get_data:   cut off after $(stat -c %s "$2" 2>/dev/null || echo 0) bytes, going on ($attempt of $attempts)" ;;
      22)  # a part that is as long as the file cannot be resumed, and is right or wrong as it is
        [ "$before" -gt 0 ] && return 0
        return 22 ;;
      *) return $status ;;
    esac
  done
  return 1
}

if [ -t 2 ]; then progress=(--progress-bar); else progress=(--silent --show-error); fi
total=$(grep -c "^$name " "$list") at=0
while read -r _ folder file sha mirrors; do
  at=$((at + 1))
  target=$dir/$folder/$file
  mkdir -p "$dir/$folder" || exit 1
  if is_right "$target" "$sha"; then
    echo "get_data: $file is there ($at of $total)"
  else
    [ -f "$target" ] && echo "get_data: $target has another SHA-256 than the original, fetching it again"
    for mirror in $mirrors; do
      echo "get_data: $file from $mirror ($at of $total)"
      fetch "$mirror$file" "$target.part" || { echo "get_data:   nothing from there" >&2; continue; }
      if is_right "$target.part" "$sha"; then
        mv "$target.part" "$target"
        break
      fi
      echo "get_data:   what came has the wrong SHA-256 ($(stat -c %s "$target.part") bytes), thrown away" >&2
      rm -f "$target.part"
    done
    if ! is_right "$target" "$sha"; then
      cat >&2 <<END
get_data: $file could not be fetched. Without a network, bring it from another machine:
get_data:   $(for mirror in $mirrors; do printf '%s%s  ' "$mirror" "$file"; done)
get_data: put it to $target (SHA-256 $sha) and run this again.
END
      exit 1
    fi
  fi
  if [[ $file == *.tar.gz ]]; then
    echo "get_data: unpacking $file"
    tar -xzf "$target" -C "$dir/$folder" || exit 1
  fi
done < <(grep "^$name " "$list")
echo "get_data: $name is in $dir"
