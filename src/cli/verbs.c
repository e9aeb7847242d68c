/* Every verb and every option: one row each. */
#include "cli/verb.h"

#define DIAGNOSIS_STATUSES "0 healthy or degraded, 1 broken, 2 cannot tell"

const struct verb verbs[] = {
    {"diagnose", "", 0, "this machine, and the Python you would run (default)",
     "whycuda                                # why does PyTorch not see my GPU?\n"
     "whycuda --python ~/venv/bin/python     # the PyTorch of another environment\n"
     "whycuda --root /mnt/image --json       # a mounted machine\n"
     "whycuda --format markdown | xclip      # ready to paste into an issue",
     DIAGNOSIS_STATUSES, verb_diagnose},
    {"explain", "[FILE|-]", 1, "what programs printed elsewhere, or a saved snapshot",
     "python -m torch.utils.collect_env | whycuda explain\n"
     "whycuda explain report.txt --format markdown\n"
     "whycuda explain --batch < reports.jsonl",
     DIAGNOSIS_STATUSES, verb_explain},
    {"snapshot", "", 0, "the facts, as JSON",
     "whycuda snapshot -o machine.json       # names, home and UUIDs made anonymous\n"
     "whycuda explain machine.json           # the same diagnosis, elsewhere",
     "0 done, 1 not", verb_snapshot},
    {"arch", "FILE...", -1, "which GPUs a library, object or fatbin has code for",
     "whycuda arch torch/lib/libtorch_cuda.so    # what a PyTorch build has code for\n"
     "whycuda arch --gpu 'RTX 5090' *.so         # would it run there?\n"
     "whycuda arch --json build/*.o\n"
     "whycuda arch --scan anything.bin           # look into the whole of any file",
     "0 done, 1 would not run (--gpu), 65 damaged, or no format it reads", verb_arch},
    {"envs", "", 0, "every Python environment and the PyTorch in it",
     "whycuda envs                         # the one that would run is marked with *\n"
     "whycuda envs -v --python ~/venv/bin/python\n"
     "whycuda envs --json | jq -r '.[] | select(.verdict == \"cpu build\") | .path'",
     "0 done, 1 no Python found", verb_envs},
    {"libs", "[FILE]", 1, "which libraries the loader picks, and what they hide",
     "whycuda libs                   # for the Python you would run, importing torch\n"
     "whycuda libs --tree /usr/bin/nvidia-smi\n"
     "whycuda libs --symbols torchvision/_C.so",
     "0 done, 1 a library or symbol is missing", verb_libs},
    {"test", "", 0, "use the GPU, verify; and the same through PyTorch",
     "whycuda test                           # every GPU CUDA lists, and PyTorch\n"
     "whycuda test --gpu 1 --size 8192       # one of them, a larger product\n"
     "whycuda test --seconds 300             # keep them busy, count wrong results",
     "0 each GPU computed rightly and PyTorch agreed, 1 not (nor without GPU), 2 cannot tell", verb_test},
    {"compat", "", 0, "do a GPU, driver, PyTorch, CUDA and Python fit?",
     "whycuda compat --gpu 'RTX 5090' --driver 550 --torch 2.6.0+cu124\n"
     "whycuda compat --gpu 8.6 --driver 535 --python 3.12  # which builds would fit?\n"
     "whycuda compat --driver 551.61 --cuda 12.8           # a Windows driver",
     "0 fits, 1 does not, 2 cannot tell", verb_compat},
    {"why", "ID|CODE|TEXT", -1, "what a cause, an error, an Xid or a message means",
     "whycuda why driver-nouveau    # the page of a cause\n"
     "whycuda why 804               # also CUDA_ERROR_NO_DEVICE, 'NVML 18', 'Xid 79'\n"
     "whycuda why 'no kernel image is available for execution on the device'\n"
     "python train.py 2>&1 | whycuda why -   # every message known in a text",
     "0 known, 1 not known", verb_why},
};
const size_t verb_count = sizeof verbs / sizeof *verbs;

#define FLAG(name, letter, member, verbs, help)                                                                   \
    { name, letter, NULL, OPTION_FLAG, offsetof(struct options, member), verbs, help }
#define TEXT(name, letter, argument, member, verbs, help)                                                         \
    { name, letter, argument, OPTION_TEXT, offsetof(struct options, member), verbs, help }

const struct option_row option_rows[] = {
    TEXT("root", 0, "DIR", root, "diagnose snapshot envs libs arch",
         "look at the machine whose files are under DIR"),
    TEXT("python", 0, "PATH", python, "diagnose snapshot envs libs test",
         "the interpreter in question (a path inside the root)"),
    TEXT("format", 0, "FORMAT", format, "diagnose explain", "text, json or markdown"),
    FLAG("json", 0, json, "diagnose explain envs libs arch compat test", "same as --format json"),
    FLAG("with-snapshot", 0, with_snapshot, "diagnose explain", "add the facts to the JSON"),
    FLAG("batch", 0, batch, "explain", "JSON Lines of {\"id\", \"text\"} in, of {\"id\", \"diagnosis\"} out"),
    FLAG("no-live", 0, no_live, "diagnose snapshot", "start no child that asks the driver (implied by --root)"),
    FLAG("torch", 0, ask_torch, "diagnose snapshot", "also run PyTorch and ask it"),
    FLAG("for-build", 0, for_build, "diagnose explain snapshot", "a CUDA extension is to be compiled"),
    TEXT("fail-on", 0, "warning", fail_on, "diagnose explain", "exit with 1 when degraded, too"),
    TEXT("timeout", 0, "SECONDS", timeout, "diagnose snapshot test", "deadline of each child"),
    TEXT("gpu", 0, "N", gpu, "test", "only this GPU, by CUDA's index"),
    TEXT("gpu", 0, "GPU", gpu, "compat", "a name, a compute capability (8.6) or a PCI id (10de:2b85)"),
    TEXT("driver", 0, "VERSION", driver, "compat", "a release (550.54.15) or branch (550); Windows numbers, too"),
    TEXT("torch", 0, "VERSION", torch_release, "compat", "PyTorch, with its build if need be (2.6.0+cu124)"),
    TEXT("cuda", 0, "VERSION", cuda, "compat", "a CUDA toolkit, or the CUDA of the build wanted"),
    TEXT("python", 0, "VERSION", python, "compat", "as 3.12"),
    TEXT("platform", 0, "NAME", platform, "compat", "linux-x86_64, linux-aarch64, jetson, windows (else guessed)"),
    TEXT("size", 0, "N", size, "test", "rows and columns of the matrices (default 1000)"),
    TEXT("seconds", 0, "N", seconds, "test", "repeat the product for so long, and count errors"),
    TEXT("output", 'o', "FILE", output, "diagnose explain snapshot envs libs arch compat test why",
         "write to FILE"),
    TEXT("data", 0, "DIR", data, "diagnose explain snapshot arch compat why test envs",
         "tables to use instead of those built in"),
    TEXT("color", 0, "WHEN", color, "diagnose explain test compat", "auto, always or never"),
    FLAG("tree", 0, tree, "libs", "who needs whom"),
    FLAG("symbols", 0, symbols, "libs", "also which symbols of FILE and its libraries nobody defines"),
    FLAG("no-redact", 0, no_redact, "diagnose explain snapshot test",
         "keep names, paths and UUIDs (never credentials)"),
    TEXT("gpu", 0, "GPU", gpu, "arch", "would it run on this one: sm_120, 8.6, \"RTX 5090\""),
    FLAG("scan", 0, scan, "arch", "look for GPU code in the whole file, not only where it belongs"),
    FLAG("verbose", 'v', verbose, "diagnose explain arch libs envs test", "more detail"),
};
const size_t option_row_count = sizeof option_rows / sizeof *option_rows;
