# What tools/run and tools/test know of their own options before anything is installed or built.
# Sourced, after tools/setup.sh.
# shellcheck shell=bash

# `martlet up --help`, kept in the tree; LauncherTests hold it to what the program says.
UP_HELP=tools/up-help.txt

# refuse SENTENCE: ends the script as programs end that were called wrongly.
refuse() {
    echo "martlet: $1" >&2
    echo "Try \"tools/$(basename "$0") --help\"." >&2
    exit 2
}

# How many characters turn one text into the other (Levenshtein): inserted, removed or replaced.
edit_distance() {
    local left=$1 right=$2 i j above diagonal best
    local row=()
    for ((j = 0; j <= ${#right}; j++)); do row[j]=$j; done
    for ((i = 1; i <= ${#left}; i++)); do
        diagonal=${row[0]}
        row[0]=$i
        for ((j = 1; j <= ${#right}; j++)); do
            above=${row[j]}
            best=$diagonal
            [ "${left:i-1:1}" = "${right:j-1:1}" ] || best=$((best + 1))
            ((above + 1 >= best)) || best=$((above + 1))
            ((row[j - 1] + 1 >= best)) || best=$((row[j - 1] + 1))
            row[j]=$best
            diagonal=$above
        done
    done
    echo "${row[${#right}]}"
}

# suggestion PREFIX NAME CANDIDATE...: the end of a sentence about a name that is not known: the
# nearest candidate, if at most every third character differs, as it is typed: behind PREFIX. The
# programs suggest by the same rule.
suggestion() {
    local prefix=$1 name=$2 best="" best_distance=1000 candidate distance length
    shift 2
    for candidate in "$@"; do
        distance=$(edit_distance "$name" "$candidate")
        length=$((${#name} > ${#candidate} ? ${#name} : ${#candidate}))
        if ((distance < best_distance && distance * 3 <= length)); then
            best=$candidate
            best_distance=$distance
        fi
    done
    [ -z "$best" ] || echo "; did you mean \"$prefix$best\"?"
}

# The options of `martlet up`, one a line, and behind those that take a value its name.
up_options() {
    sed -nE 's/^  (--[^ ]+)( ([^ ]+))?(  .*)?$/\1 \3/p' "$UP_HELP"
}

# check_up_options OPTION...: refuses what `martlet up` would refuse for its name: an option that it
# does not have, a value that is missing, a word too many. The values are for the program to judge.
check_up_options() {
    local -A values=([--agent]="")
    local names=(agent) name value
    while read -r name value; do
        values[$name]=$value
        names+=("${name#--}")
    done < <(up_options)
    while [ $# -gt 0 ]; do
        name=${1%%=*}
        case $1 in
        --?*) ;;
        -*) refuse "there is no option \"$1\"" ;;
        *) refuse "\"$1\" is not expected here" ;;
        esac
        [ -n "${values[$name]+known}" ] ||
            refuse "there is no option \"$name\"$(suggestion -- "${name#--}" "${names[@]}")"
        if [ "$name" = "$1" ] && [ -n "${values[$name]}" ]; then
            shift
            case ${1---} in
            --*) refuse "$name needs a value (${values[$name]})" ;;
            esac
        fi
        shift
    done
}
