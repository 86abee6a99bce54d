# bash completion of thingbridge and thingowner: the programs know the words.
_thingbridge() {
	local cur=${COMP_WORDS[COMP_CWORD]} word
	COMPREPLY=()
	while IFS= read -r word; do
		[[ $word == "$cur"* ]] && COMPREPLY+=("$(printf %q "$word")")
	done < <("$1" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _thingbridge thingbridge thingowner
