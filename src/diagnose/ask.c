#include "diagnose/ask.h"

#include "base/text.h"
#include "diagnose/read.h"

static bool undecided(const struct diagnosis *out) {
    size_t roots = 0, sure = 0;
    for (size_t i = 0; i < out->causes.count; i++)
        if (out->causes.items[i].role == ROLE_ROOT) {
            roots++;
            sure += out->causes.items[i].confidence != POSSIBLE;
        }
    return roots ? !sure : out->verdict == VERDICT_UNKNOWN;
}

static bool link_is_unknown(const struct diagnosis *out, enum link link) {
    return out->links[link].state == STATE_UNKNOWN || out->links[link].state == STATE_BLOCKED;
}

/* collect_env names PyTorch, driver and GPUs at once; nvidia-smi tells whether the driver answers; the rest is by
 * platform. */
static void ask_text(struct judge *judge) {
    const struct diagnosis *out = judge->out;
    bool windows = on_windows(judge);
    if (link_is_unknown(out, LINK_TORCH) || link_is_unknown(out, LINK_MATCH))
        judge_ask(judge, "torch.torch_version", "which PyTorch it is, and what it sees",
                  "python -m torch.utils.collect_env");
    struct driver_version release;
    if (link_is_unknown(out, LINK_DRIVER) && !driver_release(judge, &release, NULL, NULL))
        judge_ask(judge, "driver.module_version", "whether the driver answers, and its release", "nvidia-smi");
    if (link_is_unknown(out, LINK_GPU) && !windows && !on_wsl(judge))
        judge_ask(judge, "gpu.devices", "whether there is an NVIDIA GPU, and which driver has it",
                  "lspci -nnk | grep -A3 -i nvidia");
    else if (on_wsl(judge) && link_is_unknown(out, LINK_ACCESS))
        judge_ask(judge, "access.nodes", "what Windows gives to WSL",
                  "ls -l /dev/dxg /usr/lib/wsl/lib; wsl.exe --version");
    else if (link_is_unknown(out, LINK_ACCESS) && !windows)
        judge_ask(judge, "access.nodes", "what this process may use",
                  "ls -l /dev/nvidia*; id; env | grep -E 'CUDA|NVIDIA|LD_'");
}

static void name_unknown_links(struct judge *judge) {
    static const enum link links[] = {LINK_GPU, LINK_DRIVER, LINK_ACCESS, LINK_TORCH, LINK_MATCH};
    for (size_t i = 0; i < sizeof links / sizeof *links; i++)
        if (judge->out->links[links[i]].state == STATE_UNKNOWN)
            judge_cannot_tell(judge, link_name(links[i]), "%s", judge->out->links[links[i]].summary);
}

void ask_for_more(struct judge *judge) {
    if (!undecided(judge->out))
        return;
    if (from_text(judge))
        ask_text(judge);
    else
        name_unknown_links(judge);
}
