#!/usr/bin/env bash
# One command from competition files to a submission. See ./run.sh help
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
venv="$here/.venv"

usage() {
    cat <<'TEXT'
./run.sh [flags]        the whole way: read, train, blend, submit, report (the demo where input/ is empty)
./run.sh test [args]    the tests (args go to pytest)
./run.sh lint           style and static checks
./run.sh bench [args]   speed, side by side with peers
./run.sh clean          remove .venv and what working/ and submissions/ hold
./run.sh help           this text, then the flags of the whole way

PYTHON=/path ./run.sh   uses that interpreter as it is; nothing is installed
TEXT
}

has_packages() { (cd "$here/src" && "$1" -m seqblend.versions >/dev/null 2>&1); }

find_base() {
    local name
    for name in python3.13 python3.12 python3.11 python3 python; do
        if command -v "$name" >/dev/null && "$name" -c \
            'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    echo "error: expected Python 3.11, 3.12 or 3.13; none found. Install one, or name it: PYTHON=/path ./run.sh" >&2
    exit 5
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
        "$base" -m venv --clear "$venv" || { echo "error: cannot make $venv with $base (is its venv module there?)" >&2; exit 5; }
    fi
    echo "installing $(cat "$@" | grep -c '==') pinned packages into .venv (once, a minute or two)"
    local file
    for file in "$@"; do
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$file" || {
            echo "error: pip could not install $file. Without a network: PYTHON=/path/to/python ./run.sh" >&2
            exit 5
        }
    done
    echo "$wanted" >"$venv/.installed"
}

# prepare [test]: set `python` to an interpreter with everything that is needed.
prepare() {
    if [ -n "${PYTHON:-}" ]; then
        python="$(command -v "$PYTHON" || true)"
        [ -n "$python" ] || { echo "error: PYTHON=$PYTHON: no such interpreter" >&2; exit 5; }
        python="$(cd "$(dirname "$python")" && pwd)/$(basename "$python")"
        has_packages "$python" || { (cd "$here/src" && "$python" -m seqblend.versions) || exit 5; }
        return
    fi
    python="$venv/bin/python"
    if [ "${1:-}" = test ]; then
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
    prepare >&2
    exec "$python" "$here/src/run.py" --help
    ;;
test)
    shift
    prepare test
    cd "$here" && exec "$python" -m pytest "$@"
    ;;
lint)
    prepare test
    cd "$here" && "$python" -m ruff check src tests && exec "$python" -m ruff format --check src tests
    ;;
bench)
    shift
    prepare
    exec "$python" "$here/src/bench.py" "$@"
    ;;
clean)
    rm -rf "$venv"
    find "$here/working" "$here/submissions" -mindepth 1 ! -name .gitkeep -delete
    ;;
"" | -*)
    prepare
    exec "$python" "$here/src/run.py" "$@"
    ;;
*)
    echo "error: no command '$1'. Commands: test, lint, bench, clean, help; flags start with --" >&2
    exit 2
    ;;
esac
