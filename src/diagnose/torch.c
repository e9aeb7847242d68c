/* Link 6: which Python would run, which PyTorch is in it, is it a CUDA build, is it whole? */
#include "diagnose/torch.h"

#include "base/text.h"
#include "diagnose/read.h"
#include "diagnose/rules.h"

static const struct rule rules[] = {
    {"torch-platform-without-cuda", LINK_TORCH, rule_torch_platform_without_cuda, false},
    {"torch-wrong-accelerator", LINK_TORCH, rule_torch_wrong_accelerator, false},
    {"torch-no-wheel-for-python", LINK_TORCH, rule_torch_no_wheel_for_python, false},
    {"torch-in-other-env", LINK_TORCH, rule_torch_in_other_env, false},
    {"torch-missing", LINK_TORCH, rule_torch_missing, false},
    {"torch-shadowed", LINK_TORCH, rule_torch_shadowed, false},
    {"torch-cpu-build", LINK_TORCH, rule_torch_cpu_build, false},
    {"torch-cuda-mismatch", LINK_TORCH, rule_torch_cuda_mismatch, false},
    {"torch-library-shadowed", LINK_TORCH, rule_torch_library_shadowed, false},
    {"torch-install-broken", LINK_TORCH, rule_torch_install_broken, false},
    {"torch-companion-mismatch", LINK_TORCH, rule_torch_companion_mismatch, false},
};

/* "torch 2.6.0+cu124 (CUDA 12.4), Python 3.12, /home/…/venv" */
static const char *torch_words(struct judge *judge) {
    const struct python_environment *python = python_in_use(judge);
    const char *version = torch_version(judge), *build = torch_build_of(judge);
    char cuda[16];
    const char *words = version ? arena_printf(judge->arena, "torch %s", version) : "torch of unknown version";
    if (torch_cuda(judge))
        words = arena_printf(judge->arena, "%s for CUDA %s", words, cuda_version_text(torch_cuda(judge), cuda));
    else if (build && !text_eq(build, "cuda"))
        words = arena_printf(judge->arena, "%s, %s build", words, build);
    if (python && known(python->python))
        words = arena_printf(judge->arena, "%s, Python %s", words, python->python.value);
    if (python && (known(python->name) || known(python->path)))
        words = arena_printf(judge->arena, "%s, %s", words,
                             known(python->path) ? python->path.value : python->name.value);
    return words;
}

static void note_libraries(struct judge *judge, struct link_state *state,
                           const struct python_environment *python) {
    for (size_t i = 0; i < python->libraries.count && i < 32; i++) {
        const struct torch_library *library = &python->libraries.items[i];
        if (is_true(library->foreign) && known(library->path)) {
            link_note(judge, state, "%s is taken from %s (%s) though the environment has its own",
                      text_of(library->name), library->path.value,
                      text_of(library->found_by) ? text_of(library->found_by) : "?");
            state->state = state->state == STATE_OK ? STATE_NOTE : state->state;
        }
    }
}

static void note_environments(struct judge *judge, struct link_state *state) {
    const struct torch_facts *torch = &judge->facts->torch;
    size_t others = 0;
    for (size_t i = 0; i < torch->environments.count; i++)
        others +=
            !is_true(torch->environments.items[i].in_use) && known(torch->environments.items[i].torch_version);
    if (others)
        link_note(judge, state, "%zu other environment%s with torch (whycuda envs)", others,
                  others > 1 ? "s" : "");
    if (is_true(judge->facts->system.sudo))
        link_note(judge, state, "run through sudo: this is root's environment, not the user's");
    if (known(torch->chosen_by))
        link_note(judge, state, "chosen by %s", torch->chosen_by.value);
}

static void describe(struct judge *judge, struct link_state *state) {
    const struct python_environment *python = python_in_use(judge);
    const char *build = torch_build_of(judge);
    note_environments(judge, state);
    if (python && absent(python->torch_version) && !torch_version(judge)) {
        link_say(judge, state, "no torch in %s", known(python->path) ? python->path.value : "the Python in use");
        return;
    }
    if (!torch_version(judge) && !build && !cuda_lists_gpus(judge) && !program_ran(judge)) {
        const char *reason = python ? python->torch_version.is.reason : judge->facts->torch.environments.is.reason;
        link_say(judge, state, "not known%s%s", reason ? ": " : "", reason ? reason : "");
        if (!from_text(judge))
            judge_cannot_tell(judge, "torch.torch_version", "%s",
                              reason ? reason : "no Python was found to look into");
        return;
    }
    bool judged =
        cuda_lists_gpus(judge) || program_ran(judge) || (build && python && known(python->torch_version));
    if (judged)
        state->state = STATE_OK;
    link_say(judge, state, "%s", torch_words(judge));
    if (python)
        note_libraries(judge, state, python);
    if (python && known(python->shadowed_by))
        link_note(judge, state, "%s comes before the environment's own torch %s", python->shadowed_by.value,
                  known(python->shadowed_version) ? python->shadowed_version.value : "");
}

const struct link_room room_torch = {rules, sizeof rules / sizeof *rules, describe};
