#include "live/torch.h"

#include "live/embedded.h"

struct child_task live_torch_task(struct arena *arena, const char *interpreter, unsigned size) {
    enum { ARGUMENTS = 5 };
    const char **program = arena_alloc(arena, (ARGUMENTS + 1) * sizeof *program);
    program[0] = interpreter;
    program[1] = "-B"; /* writes no __pycache__ */
    program[2] = "-c"; /* as `python -c` does, the working directory comes first on sys.path */
    program[3] = live_torch_py;
    program[4] = arena_printf(arena, "%u", size);
    return (struct child_task){.name = "PyTorch", .program = program, .milliseconds = LIVE_TORCH_DEADLINE};
}
