#!/usr/bin/env bash
# One command from competition files to a submission. See ./run.sh help
set -euo pipefail
script="$(readlink -f "${BASH_SOURCE[0]}" 2>/dev/null || echo "${BASH_SOURCE[0]}")" # behind a symlink
here="$(cd "$(dirname "$script")" && pwd)"
venv="$here/.venv"

usage() {
    cat <<'TEXT'
./run.sh [flags]        the whole way: read, train, blend, submit, report (the demo where input/ is empty)
./run.sh test [args]    the tests (args go to pytest); test --faults: what is done when things go wrong, as a table
./run.sh lint           style and static checks
./run.sh doctor [flags] check machine, folders and input before a long run; nothing is trained
./run.sh bench [args]   speed, side by side with peers
./run.sh clean          remove .venv and what working/ and submissions/ hold
./run.sh help           this text

flags of the whole way:
  --data DIR            the folder with the competition's files; else the one found in input/, else the demo
  --metric NAME         accuracy, f1, log_loss, auc, qwk, rmse, map@3, ... or FILE.py:function; else inferred
  --models a,b          models and groups (default, classic, all, scratch), joined by commas
  --folds K             folds; 1: a hold-out of 20 %
  --seeds N             how many seeds of every model
  --workers N           processes; 0: one per core or GPU
  --budget TIME         such as 30m: it ends in time, and uses it while something pays
  --preset NAME         quick, default, best: 5 or 25 minutes of training, or all that pays
  --tune TIME           tune the best neural model first, such as 30m; part of the budget
  --untuned             leave out what was tuned before
  --refit               fit the members of the blend once more, on all rows
  --config FILE.toml    settings in TOML
  --set KEY=VALUE       one setting, such as train.lr=1e-3 or bilstm.hidden=96
  --solution FILE       the test answers: adds test scores
  --working DIR         where everything but submissions is kept
  --out FILE            a further copy of the submission
  --plan                say what would be done, and stop

PYTHON=/path ./run.sh   uses that interpreter as it is; nothing is installed
TEXT
}

has_packages() { (cd "$here/src" && "$1" -m seqblend.core.versions >/dev/null 2>&1); }

fail() {
    echo "error: $2" >&2
    exit "$1"
}

find_base() {
    local name
    for name in python3.13 python3.12 python3.11 python3 python; do
        if command -v "$name" >/dev/null && "$name" -c \
            'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    fail 5 "expected Python 3.11, 3.12 or 3.13; none found. Install one, or name it: PYTHON=/path ./run.sh"
}

# install FILE...: bring .venv to exactly these requirement files; does nothing where it has them.
install() {
    local wanted
    wanted="$(cat "$@" | cksum)"
    [ "$(cat "$venv/.installed" 2>/dev/null)" = "$wanted" ] && return
    if [ ! -x "$venv/bin/pip" ]; then
        local base
        base="$(find_base)"
        echo "making .venv with $("$base" --version)"
        "$base" -m venv --clear "$venv" || fail 5 "cannot make $venv with $base (is its venv module there?)"
    fi
    echo "installing $(cat "$@" | grep -c '==') pinned packages into .venv (once, a minute or two)"
    local file
    for file in "$@"; do
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$file" ||
            fail 5 "pip could not install $file. Without a network: PYTHON=/path/to/python ./run.sh"
    done
    echo "$wanted" >"$venv/.installed"
}

# prepare [PACKAGE...]: set `python` to an interpreter with everything that is needed.
prepare() {
    if [ -n "${PYTHON:-}" ]; then
        python="$(command -v "$PYTHON" || true)"
        [ -n "$python" ] || fail 5 "PYTHON=$PYTHON: no such interpreter"
        python="$(cd "$(dirname "$python")" && pwd)/$(basename "$python")"
        (cd "$here/src" && "$python" -m seqblend.core.versions "$@") || exit 5
        return
    fi
    python="$venv/bin/python"
    if [ $# -gt 0 ]; then
        install "$here/requirements.txt" "$here/tests/requirements.txt"
    elif [ -x "$python" ] && has_packages "$python"; then
        return
    else
        local base
        base="$(command -v python3 || true)"
        if [ -n "$base" ] && has_packages "$base"; then python="$base"; else install "$here/requirements.txt"; fi
    fi
}

case "${1:-}" in
help | --help | -h)
    usage
    ;;
test)
    shift
    prepare pytest
    parallel=()
    if "$python" -c "import xdist" 2>/dev/null; then parallel=(-n 2 --dist loadfile); fi
    cd "$here" && exec "$python" -m pytest ${parallel[@]+"${parallel[@]}"} "$@"
    ;;
lint)
    prepare ruff
    cd "$here" && "$python" -m ruff check src tests && exec "$python" -m ruff format --check src tests
    ;;
bench | doctor)
    if [ "$1" = doctor ]; then script=check_machine; else script=bench; fi
    shift
    prepare
    exec "$python" "$here/src/$script.py" "$@"
    ;;
clean)
    rm -rf "$venv"
    for folder in "$here/working" "$here/submissions"; do
        [ ! -d "$folder" ] || find "$folder" -mindepth 1 ! -name .gitkeep -delete
    done
    ;;
"" | -*)
    prepare
    exec "$python" "$here/src/run.py" "$@"
    ;;
*)
    fail 2 "no command '$1'. Commands: test, lint, doctor, bench, clean, help; flags start with --"
    ;;
esac
