# Completions of keyward for bash. What may be typed says `keyward complete`; nothing of its answer is ever run.

_keyward() {
  local line=${COMP_LINE:0:COMP_POINT} word= before=() answer value kind
  # Split by spaces only: bash itself also splits at `=` and `:`, which are part of our words.
  read -ra before <<<"$line"
  case $line in
    *[[:space:]]) ;;
    *) word=${before[${#before[@]}-1]}; unset "before[${#before[@]}-1]" ;;
  esac
  COMPREPLY=()
  answer=$(command keyward complete "--word=$word" -- "${before[@]:1}" 2>/dev/null) || return 0
  kind=${answer%%$'\n'*}
  if [[ $kind != words ]]; then
    if [[ -n $(type -t compopt) ]]; then
      if [[ $kind == folders ]]; then compopt -o dirnames; else compopt -o default; fi
    fi
    return 0
  fi
  # Bash puts the answer in the place of what follows the last `=` or `:`.
  local standing=
  case $COMP_WORDBREAKS in
    *[=:]*) standing=${word%"${word##*[=:]}"} ;;
  esac
  while IFS=$'\t' read -r value _; do
    [[ $value == words || -z $value ]] || COMPREPLY+=("${value#"$standing"}")
  done <<<"$answer"
  # After `name=` and `a,` the word goes on.
  if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[=,.] && -n $(type -t compopt) ]]; then compopt -o nospace; fi
}

complete -F _keyward keyward
