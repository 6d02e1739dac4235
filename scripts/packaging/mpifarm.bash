# Completion for bash, out of what the program itself says of its commands, jobs and flags.

# Each as a line: "--flag TYPE", the commands, the jobs.
_mpifarm_flags() { "$@" --help 2>/dev/null | sed -nE 's/^  (-[a-z],)?(--[a-z-]+) ?([^ ]*).*/\2 \3/p'; }
_mpifarm_commands() { "$1" --help 2>/dev/null | sed -n '/^Usage/,/^[A-Z].*:$/s/^  \([a-z-]*\) .*/\1/p'; }
_mpifarm_jobs() { "$1" list 2>/dev/null | cut -d' ' -f1; }

_mpifarm() {
  local program=$1 word=$2 before=$3 command=${COMP_WORDS[1]} i place=0 flags choices
  COMPREPLY=()
  # "--order=li" comes as three words.
  if [ "$word" = "=" ]; then word=''; fi
  if [ "$before" = "=" ]; then before=${COMP_WORDS[COMP_CWORD - 2]}; fi
  if [ "$COMP_CWORD" -le 1 ]; then
    COMPREPLY=($(compgen -W "$(_mpifarm_commands "$program") --help --version" -- "$word"))
    return
  fi
  case $command in
    run | describe) place=2 ;;
    launch)
      for ((i = COMP_CWORD - 1; i > 1; --i)); do
        if [ "${COMP_WORDS[i]}" = -- ]; then place=$((i + 1)); fi
      done
      ;;
  esac
  if [ "$place" -eq "$COMP_CWORD" ]; then # the job's
    COMPREPLY=($(compgen -W "$(_mpifarm_jobs "$program")" -- "$word"))
    return
  fi
  if [ "$place" -gt 0 ] && [ "$command" != describe ]; then
    flags=$(_mpifarm_flags "$program" run "${COMP_WORDS[place]}")
  else
    flags=$(_mpifarm_flags "$program" "$command")
  fi
  choices=$(awk -v flag="$before" '$1 == flag {print $2}' <<<"$flags")
  case $word$choices in
    -*) COMPREPLY=($(compgen -W "$(cut -d' ' -f1 <<<"$flags")" -- "$word")) ;;
    *[a-z]\|*) COMPREPLY=($(compgen -W "$(tr '|' ' ' <<<"$choices" | sed 's/[A-Z[%,=-][^ ]*//g')" -- "$word")) ;;
  esac
}
complete -o default -F _mpifarm mpifarm
