#!/bin/sh
# cmake --install puts everything where it belongs, and a program of somebody else's builds against it.
set -u
cd "$(dirname "$0")/../.."
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
n=0
check() { # NAME COMMAND...
    n=$((n + 1))
    name=$1
    shift
    if out=$("$@" 2>&1); then echo "ok $n - $name"; else echo "not ok $n - $name"; printf '%s\n' "$out" | sed 's/^/# /'; fi
}
check "cmake --install" cmake --install build/release --prefix "$stage"
lib=$(dirname "$(find "$stage" -name 'libwhycuda.so')")
for file in bin/whycuda include/whycuda.h share/man/man1/whycuda.1 share/man/man3/whycuda.3 \
    share/bash-completion/completions/whycuda share/whycuda/schema/diagnosis-1.json; do
    check "installs $file" test -s "$stage/$file"
done
check "installs whycuda.pc" test -s "$lib/pkgconfig/whycuda.pc"
cat >"$stage/user.c" <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <whycuda.h>
int main(void) {
    static const char text[] = ">>> import torch\n>>> torch.__version__\n'2.6.0+cpu'\n>>> torch.cuda.is_available()\nFalse\n";
    struct whycuda_snapshot *snapshot;
    struct whycuda_diagnosis *diagnosis;
    if (whycuda_import(&snapshot, text, strlen(text)) < 0 || whycuda_diagnose(&diagnosis, snapshot) < 0)
        return 1;
    char *report = whycuda_report(diagnosis, "markdown"), *json = whycuda_snapshot_json(snapshot, false);
    const char *cause = whycuda_diagnosis_cause(diagnosis);
    int right = cause && strcmp(cause, "torch-cpu-build") == 0 && whycuda_diagnosis_verdict(diagnosis) == WHYCUDA_BROKEN &&
                report && strstr(report, "torch-cpu-build") && json && strstr(json, "2.6.0+cpu") &&
                !whycuda_report(diagnosis, "no such format");
    free(report);
    free(json);
    whycuda_snapshot_free(snapshot);
    whycuda_diagnosis_free(diagnosis);
    if (whycuda_probe(&snapshot, "/nonexistent", NULL) == 0 || whycuda_probe(&snapshot, NULL, NULL) != 0)
        return 1;
    whycuda_snapshot_free(snapshot);
    return right ? 0 : 1;
}
C
check "a program builds against the installed library" sh -c \
    "cc -Wall -Werror '$stage/user.c' -o '$stage/user' \$(PKG_CONFIG_PATH='$lib/pkgconfig' pkg-config --define-variable=prefix='$stage' --cflags --libs whycuda)"
check "and runs" env LD_LIBRARY_PATH="$lib" "$stage/user"
# the example of the header, as it stands there
{
    printf '#include <stdio.h>\n#include <stdlib.h>\n#include <whycuda.h>\nint main(void) {\n'
    sed -n 's/^ \*     //p' "$stage/include/whycuda.h"
    printf '    return 0;\n}\n'
} >"$stage/example.c"
flags="-Wall -Wextra -pedantic -Werror -I$stage/include -L$lib"
for standard in c11 c17 gnu17; do
    check "the header's example is $standard" sh -c "cc -std=$standard $flags '$stage/example.c' -o '$stage/example' -lwhycuda"
done
check "and runs" sh -c "LD_LIBRARY_PATH='$lib' '$stage/example' | grep -q '^Cause\|^PyTorch'"
if command -v c++ >/dev/null; then
    check "the header's example is C++" sh -c "c++ -std=c++11 $flags -x c++ '$stage/example.c' -o '$stage/example' -lwhycuda"
else
    n=$((n + 1))
    echo "ok $n - the header's example is C++ # SKIP no c++"
fi
check "the library exports its public names only" sh -c \
    "! nm -D --defined-only '$lib/libwhycuda.so' | grep ' [TDRB] ' | grep -v ' whycuda_'"
check "the installed program runs" sh -c "'$stage/bin/whycuda' --version"
echo "1..$n"
