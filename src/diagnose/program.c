/* The last place: the chain is fine and the user's program is not. Pasted output only. */
#include "base/text.h"
#include "diagnose/read.h"
#include "diagnose/rules.h"

/* CUDA does not survive fork(): a child of a process that had used it must start anew. */
void rule_fork_after_init(struct judge *judge) {
    /* libcuda itself answers 3 in a child that was forked after cuInit; a DataLoader's workers are such */
    bool worker = cuda_said(judge, 3) && printed(judge, "worker_error");
    if (!printed(judge, "forked") && !worker)
        return;
    struct cause *cause =
        judge_find(judge, "fork-after-init", worker ? LIKELY : CERTAIN,
                   "A worker process was forked after its parent had used CUDA, which CUDA does not survive.");
    evidence_printed_all(judge, cause, "forked", "worker_error", NULL);
    cause_fix(
        judge, cause,
        "Start the workers with spawn: torch.multiprocessing.set_start_method('spawn') as the program's first "
        "step under if __name__ == \"__main__\", or DataLoader(..., multiprocessing_context='spawn')",
        NULL);
    cause_fix(judge, cause,
              "Keep the parent off CUDA: no tensor on the GPU, no CUDA call in a DataLoader's dataset", NULL);
    cause_fix(judge, cause, "Let is_available() ask NVML, which leaves CUDA untouched",
              "export PYTORCH_NVML_BASED_CUDA_CHECK=1", NULL);
    cause_fix(judge, cause, "In vLLM a variable does it", "export VLLM_WORKER_MULTIPROC_METHOD=spawn", NULL);
    cause_see(judge, cause, "https://pytorch.org/docs/stable/notes/multiprocessing.html#cuda-in-multiprocessing");
}

static bool chain_is_broken(const struct judge *judge) {
    for (size_t i = 0; i < judge->out->causes.count; i++) {
        const struct cause *cause = &judge->out->causes.items[i];
        if (cause->role != ROLE_RISK && cause->link != LINK_PROGRAM)
            return true;
    }
    return false;
}

static bool python_error_is(const struct judge *judge, const char *type, const char *words) {
    const struct printed_message_rows *messages = &judge->messages;
    for (size_t i = 0; i < messages->count; i++)
        if (text_eq(text_of(messages->items[i].id), "python_error") &&
            (!type || text_eq(text_of(messages->items[i].argument), type)) &&
            text_has(text_of(messages->items[i].second), words))
            return true;
    return false;
}

/* PyTorch's own assertions ask to be reported. The device count's (NVML and CUDA disagree) belongs to the machine.
 */
void rule_torch_bug(struct judge *judge) {
    bool internal = (printed(judge, "torch_internal_assert") && !printed(judge, "device_index_assert")) ||
                    python_error_is(judge, NULL, "INTERNAL ASSERT FAILED") ||
                    python_error_is(judge, NULL, "please report a bug to PyTorch");
    if (!internal || chain_is_broken(judge) || printed(judge, "deferred_call"))
        return;
    struct cause *cause = judge_find(judge, "torch-bug", LIKELY,
                                     "PyTorch met a state it calls a fault of its own (INTERNAL ASSERT FAILED).");
    evidence_printed(judge, cause, "torch_internal_assert");
    evidence_printed(judge, cause, "python_error");
    cause_fix(judge, cause, "Try a newer release of PyTorch; report it with the smallest program that shows it",
              NULL);
    cause_see(judge, cause, "https://github.com/pytorch/pytorch/issues");
}

struct program_words {
    const char *id, *summary, *advice;
};

/* The first ones are the program's whatever else is wrong; the last ones may also be an operator's or the card's. */
enum { ALWAYS_THE_PROGRAM = 3, FIRST_OF_KERNELS = 8 };

static const struct program_words program_words[] = {
    {"device_assert", "A check in a GPU kernel failed: an index or a class number outside of its range.",
     "Run it on the CPU, or with CUDA_LAUNCH_BLOCKING=1, to see which line gives the wrong index"},
    {"mixed_devices", "The program mixes tensors of the CPU and of the GPU in one operation.",
     "Put all of them on one device: x = x.to(model.device)"},
    {"mixed_dtypes", "The program mixes number types (float and half) in one operation.",
     "Give both one type: x = x.to(weight.dtype), or use torch.autocast"},
    {"numpy_cuda", "The program hands a tensor on the GPU to NumPy, which works on the CPU.",
     "Copy it first: tensor.cpu().numpy()"},
    {"device_index_load",
     "The program loads tensors that were saved from a GPU number this machine does not have.",
     "Say where they go: torch.load(file, map_location=\"cuda:0\")"},
    {"shape_error", "PyTorch refused the program's input: the tensors do not fit together.",
     "Read the last line of the traceback: driver, CUDA and PyTorch need no change for it"},
    {"model_unsupported", "The program does not find the model it was asked for, or is too old for it.",
     "Check the model's name and files, or take a newer release of the program"},
    {"device_index_string", "The program names its device by a word that PyTorch does not know.",
     "Write \"cuda\" or \"cuda:0\""},
    {"illegal_access",
     "A GPU kernel touched memory that is not its own: a fault in the program, or in the operator it uses.",
     "Run it with CUDA_LAUNCH_BLOCKING=1 or compute-sanitizer to find the operator; try a newer release of "
     "PyTorch"},
    {"launch_failure", "A GPU kernel failed while it ran.",
     "Run it with CUDA_LAUNCH_BLOCKING=1 or compute-sanitizer; look for Xid lines in the kernel log"},
    {"launch_timeout", "A GPU kernel ran too long on a GPU that drives a display, and was ended.",
     "Make the kernels smaller, or use a GPU without a display (Windows: TdrDelay)"},
    {"misaligned",
     "A GPU kernel used a wrong address or instruction: a fault in the program, or in the operator it uses.",
     "Run it with CUDA_LAUNCH_BLOCKING=1 or compute-sanitizer to find the operator; try a newer release of "
     "PyTorch"},
    {"launch_config", "A GPU kernel was launched with a size that no GPU takes: often an empty or a huge input.",
     "Run it with CUDA_LAUNCH_BLOCKING=1 to find the operator; look at the sizes it is given"},
    {"launch_resources", "A GPU kernel asks for more registers or shared memory than this GPU has.",
     "Make its blocks smaller, or build the extension for this GPU"},
};

static void fix_program(struct judge *judge, struct cause *cause, const char *advice) {
    bool launch = text_has(advice, "CUDA_LAUNCH_BLOCKING");
    if (launch && on_windows(judge))
        cause_fix(judge, cause, advice, "set CUDA_LAUNCH_BLOCKING=1", "python YOUR_PROGRAM.py", NULL);
    else
        cause_fix(judge, cause, advice, launch ? "CUDA_LAUNCH_BLOCKING=1 python YOUR_PROGRAM.py" : NULL, NULL);
}

static struct cause *error_by_code(struct judge *judge) {
    static const struct {
        int code;
        size_t words;
    } codes[] = {{710, 0}, {700, FIRST_OF_KERNELS}, {719, FIRST_OF_KERNELS + 1}};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (cuda_said(judge, codes[i].code) && !chain_is_broken(judge)) {
            struct cause *cause = judge_find(judge, "program-error", codes[i].words ? POSSIBLE : LIKELY, "%s",
                                             program_words[codes[i].words].summary);
            evidence_cuda(judge, cause, codes[i].code);
            fix_program(judge, cause, program_words[codes[i].words].advice);
            return cause;
        }
    return NULL;
}

/* cuda:1 where there is one GPU. With CUDA_VISIBLE_DEVICES, MIG or a scheduler in play their own causes come
 * first. */
static struct cause *wrong_number(struct judge *judge) {
    bool ordinal = cuda_said(judge, 101) || printed(judge, "invalid_device");
    if (!ordinal || chain_is_broken(judge))
        return NULL;
    struct cause *cause =
        judge_find(judge, "program-error", LIKELY,
                   "The program asks for a GPU by a number that is not there (invalid device ordinal).");
    evidence_cuda(judge, cause, 101);
    evidence_printed(judge, cause, "invalid_device");
    cause_fact(judge, cause, "environment.visible_devices", &judge->facts->environment.visible_devices);
    cause_fix(judge, cause,
              "Count the devices the program sees; with CUDA_VISIBLE_DEVICES they are numbered from 0 again",
              "python -c \"import torch; print(torch.cuda.device_count())\"", NULL);
    return cause;
}

/* `import pytorch`: the package's name on conda and PyPI, which is no module. */
static struct cause *wrong_name(struct judge *judge) {
    if (!printed_with(judge, "no_module", "pytorch") || printed_with(judge, "no_module", "torch"))
        return NULL;
    struct cause *cause = judge_find(judge, "program-error", LIKELY,
                                     "The program imports \"pytorch\", and PyTorch's module is called torch.");
    evidence_printed(judge, cause, "no_module");
    cause_fix(judge, cause, "Import it by its name", "python -c \"import torch; print(torch.__version__)\"", NULL);
    return cause;
}

/* PyTorch for Windows has CUDA and never NCCL; elsewhere it is the sign of a build for the CPU. */
static struct cause *no_nccl_on_windows(struct judge *judge) {
    if (!printed(judge, "no_nccl") || !on_windows(judge) || chain_is_broken(judge))
        return NULL;
    struct cause *cause = judge_find(judge, "program-error", LIKELY,
                                     "The program asks for NCCL, which PyTorch for Windows does not have.");
    evidence_printed(judge, cause, "no_nccl");
    cause_fix(judge, cause, "Use the other backend: init_process_group(backend=\"gloo\")", NULL);
    return cause;
}

void rule_program_error(struct judge *judge) {
    struct cause *cause = NULL;
    for (size_t i = 0; i < sizeof program_words / sizeof *program_words && !cause; i++) {
        if (!printed(judge, program_words[i].id) || (i >= ALWAYS_THE_PROGRAM && chain_is_broken(judge)))
            continue;
        cause = judge_find(judge, "program-error", i < FIRST_OF_KERNELS ? LIKELY : POSSIBLE, "%s",
                           program_words[i].summary);
        evidence_printed(judge, cause, program_words[i].id);
        fix_program(judge, cause, program_words[i].advice);
    }
    if (!cause)
        cause = error_by_code(judge);
    if (!cause)
        cause = wrong_number(judge);
    if (!cause)
        cause = wrong_name(judge);
    if (!cause)
        cause = no_nccl_on_windows(judge);
    /* any other error of a program that sees the GPU is not the machine's */
    if (!cause && printed(judge, "python_error") && cuda_lists_gpus(judge) && !chain_is_broken(judge) &&
        !judge_found(judge, "fork-after-init") && !judge_found(judge, "torch-bug")) {
        cause = judge_find(judge, "program-error", POSSIBLE,
                           "PyTorch sees the GPU; the error comes from the program itself.");
        evidence_printed(judge, cause, "python_error");
        cause_fact(judge, cause, "compute.is_available", &judge->facts->compute.is_available);
        cause_fix(judge, cause,
                  "Read the last line of the traceback: driver, CUDA and PyTorch need no change for it", NULL);
    }
    if (cause)
        cause_see(judge, cause, "https://pytorch.org/docs/stable/notes/cuda.html");
}

static const struct rule rules[] = {
    {"fork-after-init", LINK_PROGRAM, rule_fork_after_init, true},
    {"torch-bug", LINK_PROGRAM, rule_torch_bug, true},
    {"program-error", LINK_PROGRAM, rule_program_error, true},
};

static void describe(struct judge *judge, struct link_state *state) {
    state->state = STATE_OK;
    for (size_t i = 0; i < judge->out->causes.count; i++)
        if (judge->out->causes.items[i].link == LINK_PROGRAM)
            link_say(judge, state, "%s", judge->out->causes.items[i].id);
    if (!state->summary)
        link_say(judge, state, "no fault of the program seen");
}

const struct link_room room_program = {rules, sizeof rules / sizeof *rules, describe};
