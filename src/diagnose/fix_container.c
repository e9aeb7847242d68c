/* Start the container with the GPU, for this kind of container. */
#include "base/text.h"
#include "diagnose/fix.h"
#include "diagnose/read.h"

void fix_container_run(struct judge *judge, struct cause *cause) {
    const char *kind = text_of(judge->facts->system.container);
    bool podman = text_eq(kind, "podman") || typed(judge, "podman", NULL);
    bool set_up = printed(judge, "docker_no_gpu_driver") || printed(judge, "docker_unknown_runtime") ||
                  printed(judge, "cdi_unresolvable");
    if (set_up && !in_container(judge) && !printed(judge, "cdi_unresolvable"))
        fix_table_or(judge, cause, "install-container-toolkit",
                     "On the host: install the NVIDIA Container Toolkit");
    else if (set_up && !printed(judge, "cdi_unresolvable"))
        cause_fix(judge, cause, "On the host: install the NVIDIA Container Toolkit", NULL);
    if (text_eq(kind, "kubernetes")) {
        cause_fix(judge, cause, "Ask for the GPU in the pod: resources.limits: nvidia.com/gpu: 1", NULL);
        fix_table_of(judge, cause, "kubernetes", "install-operator");
    } else if (text_eq(kind, "apptainer") || text_eq(kind, "singularity")) {
        cause_fix(judge, cause, "Start it with the GPU", "apptainer exec --nv IMAGE COMMAND", NULL);
    } else if (text_eq(kind, "lxc")) {
        cause_fix(judge, cause, "Give the container the GPU (on the host)", "lxc config device add NAME gpu gpu",
                  NULL);
    } else if (podman) {
        fix_table_of(judge, cause, "podman", "configure-runtime");
        fix_table_of(judge, cause, "podman", "run-with-gpu");
    } else {
        if (set_up)
            fix_table_of(judge, cause, "docker", "configure-runtime");
        if (!fix_table_of(judge, cause, "docker", "run-with-gpu"))
            cause_fix(judge, cause,
                      "Start the container with the GPU: docker run --gpus all, before the image's name", NULL);
    }
}
