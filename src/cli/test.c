/* whycuda test: every GPU put to work, and the same through PyTorch; then what both say together. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "cli/gather.h"
#include "cli/output.h"
#include "diagnose/engine.h"
#include "facts/redact.h"
#include "facts/snapshot_json.h"
#include "live/matrix.h"

enum { NAME_COLUMNS = 27 };

/* --- the table --------------------------------------------------------------------------------------------- */

static const char *number_or_blank(struct arena *arena, const struct number_fact *fact, long divisor) {
    if (!known(*fact))
        return "";
    if (divisor == 1)
        return arena_printf(arena, "%lld", (long long)fact->value);
    return arena_printf(arena, "%.*f",
                        fact->value < 10 * divisor     ? 2
                        : fact->value < 1000 * divisor ? 1
                                                       : 0,
                        (double)fact->value / (double)divisor);
}

static void table_row(FILE *out, const char *gpu, const char *name, const char *result, const char *ms,
                      const char *gflops, const char *gflops_max, const char *gb, const char *gb_max) {
    int pad = NAME_COLUMNS - (int)text_columns(name);
    fprintf(out, "%5s  %s%*s%-8s%8s%9s%8s%7s%8s\n", gpu, name, pad > 0 ? pad : 1, "", result, ms, gflops,
            gflops_max, gb, gb_max);
}

static const char *cut(struct arena *arena, const char *name) {
    if (text_starts(name, "NVIDIA "))
        name += strlen("NVIDIA ");
    return strlen(name) < NAME_COLUMNS ? name : arena_printf(arena, "%.*s", NAME_COLUMNS - 1, name);
}

static const char *result_word(const struct compute_device *device) {
    if (is_true(device->product_right))
        return "right";
    return is_false(device->product_right) ? "WRONG" : "failed";
}

static void device_row(FILE *out, struct arena *arena, const struct compute_device *d) {
    const char *name = text_of(d->name);
    table_row(out, number_or_blank(arena, &d->index, 1), cut(arena, name ? name : "name not told"), result_word(d),
              number_or_blank(arena, &d->product_us, 1000), number_or_blank(arena, &d->gflops, 1),
              number_or_blank(arena, &d->gflops_max, 1), number_or_blank(arena, &d->on_device_mb_s, 1000),
              number_or_blank(arena, &d->on_device_max_mb_s, 1000));
}

static void device_details(FILE *out, struct arena *arena, const struct compute_device *d) {
    const char *gpu = number_or_blank(arena, &d->index, 1);
    if (known(d->error))
        fprintf(out, "GPU %s: %s\n", gpu, d->error.value);
    if (known(d->product_first_wrong))
        fprintf(out, "GPU %s: %lld wrong elements, the first in %s\n", gpu,
                (long long)number_of(d->product_wrong, 0), d->product_first_wrong.value);
    if (number_of(d->pattern_wrong, 0))
        fprintf(out, "GPU %s: a kernel left %lld elements wrong or unwritten\n", gpu,
                (long long)d->pattern_wrong.value);
    if (number_of(d->copy_wrong, 0))
        fprintf(out, "GPU %s: %lld bytes changed while they were copied\n", gpu, (long long)d->copy_wrong.value);
    if (known(d->to_device_mb_s) && known(d->from_device_mb_s))
        fprintf(out, "GPU %s: copies %s GB/s to it, %s GB/s from it", gpu,
                number_or_blank(arena, &d->to_device_mb_s, 1000),
                number_or_blank(arena, &d->from_device_mb_s, 1000));
    if (known(d->memory_free_mib) && known(d->memory_during_mib))
        fprintf(out, "; free memory %lld MiB before, %lld during, %s after", (long long)d->memory_free_mib.value,
                (long long)d->memory_during_mib.value,
                known(d->memory_after_mib) ? number_or_blank(arena, &d->memory_after_mib, 1) : "?");
    if (known(d->to_device_mb_s))
        fputc('\n', out);
    if (known(d->burn_products))
        fprintf(out, "GPU %s: %lld products in %lld s, %lld wrong elements\n", gpu,
                (long long)d->burn_products.value, (long long)number_of(d->burn_seconds, 0),
                (long long)number_of(d->burn_wrong, 0));
}

static void torch_row(FILE *out, struct arena *arena, const struct compute_facts *compute) {
    const char *version = text_of(compute->torch_version);
    const char *name = arena_printf(arena, "PyTorch %s", version ? version : "");
    const char *result = !known(compute->torch_product_wrong) ? "failed"
                         : compute->torch_product_wrong.value ? "WRONG"
                                                              : "right";
    table_row(out, "", cut(arena, name), result, number_or_blank(arena, &compute->torch_product_us, 1000), "", "",
              "", "");
}

static void torch_details(FILE *out, const struct compute_facts *compute) {
    if (!known(compute->torch_child))
        fputs("PyTorch was not asked: there is no Python to ask\n", out);
    else if (!text_eq(compute->torch_child.value, "answered"))
        fprintf(out, "PyTorch: %s\n",
                compute->torch_version.is.reason ? compute->torch_version.is.reason : compute->torch_child.value);
    if (known(compute->is_available))
        fprintf(out, "PyTorch: torch.cuda.is_available() is %s, device_count() %lld; its product lay on %s\n",
                compute->is_available.value ? "True" : "False", (long long)number_of(compute->device_count, 0),
                known(compute->torch_product_device) ? compute->torch_product_device.value : "no device");
    if (known(compute->torch_memory_allocated))
        fprintf(out, "PyTorch: torch.cuda.memory_allocated() was %lld bytes with the product in memory\n",
                (long long)compute->torch_memory_allocated.value);
    for (size_t i = 0; i < compute->torch_errors.count; i++) {
        const struct torch_error *error = &compute->torch_errors.items[i];
        fprintf(out, "PyTorch: %s: %s: %s\n", text_of(error->step), text_of(error->type), text_of(error->message));
    }
    for (size_t i = 0; i < compute->torch_warnings.count; i++)
        fprintf(out, "PyTorch: %s\n", compute->torch_warnings.items[i]);
}

static void write_table(FILE *out, const struct snapshot *snapshot, size_t size) {
    AUTO_ARENA arena = {0};
    const struct compute_facts *compute = &snapshot->compute;
    fprintf(out, "Product of two %zu x %zu matrices in single precision, compared with the exact result:\n\n",
            size, size);
    table_row(out, "GPU", "name", "result", "ms", "GFLOP/s", "of", "GB/s", "of");
    for (size_t i = 0; i < compute->devices.count; i++)
        if (known(compute->devices.items[i].child))
            device_row(out, &arena, &compute->devices.items[i]);
    if (known(compute->cpu_product_us))
        table_row(out, "-", "CPU (there is no GPU)", compute->cpu_product_wrong.value ? "WRONG" : "right",
                  number_or_blank(&arena, &compute->cpu_product_us, 1000),
                  number_or_blank(&arena, &compute->cpu_gflops, 1), "", "", "");
    if (known(compute->torch_child))
        torch_row(out, &arena, compute);
    fputc('\n', out);
    for (size_t i = 0; i < compute->devices.count; i++)
        if (known(compute->devices.items[i].child))
            device_details(out, &arena, &compute->devices.items[i]);
    torch_details(out, compute);
    if (!text_eq(text_of(compute->cuda_child), "no library"))
        fputs("The driver was allowed to make device nodes and load modules here, as in real use.\n", out);
}

/* --- the verdict ------------------------------------------------------------------------------------------- */

/* A child that could not be started, or was ended for its memory, proves nothing of the GPU. */
static bool proves_nothing(const struct text_fact *child) {
    const char *end = text_of(*child);
    return !end || text_eq(end, "not-started") || text_eq(end, "memory") || text_eq(end, "too-much");
}

static enum exit_status test_status(const struct snapshot *snapshot) {
    const struct compute_facts *compute = &snapshot->compute;
    size_t used = 0;
    bool undecided = proves_nothing(&compute->cuda_child) ||
                     (known(compute->torch_child) && proves_nothing(&compute->torch_child));
    for (size_t i = 0; i < compute->devices.count; i++) {
        const struct compute_device *device = &compute->devices.items[i];
        if (!known(device->child))
            continue;
        used++;
        if (proves_nothing(&device->child))
            undecided = true;
        else if (!is_true(device->product_right))
            return EXIT_FOUND;
    }
    if (undecided)
        return EXIT_UNKNOWN;
    bool agreed = is_true(compute->is_available) && is_true(compute->torch_computed) &&
                  known(compute->torch_product_wrong) && compute->torch_product_wrong.value == 0;
    return used && agreed ? EXIT_OK : EXIT_FOUND;
}

static int write_json(const struct cli *cli, struct report_input input) {
    json_t *json = report_json_object(input), *facts = snapshot_to_json(input.snapshot);
    json_object_set(json, "compute", json_object_get(facts, "compute"));
    int r = json_dumpf(json, cli->out, JSON_INDENT(2));
    fputc('\n', cli->out);
    json_decref(facts);
    json_decref(json);
    return r;
}

static int report(struct cli *cli, struct snapshot *snapshot, size_t size) {
    enum exit_status status = test_status(snapshot);
    snapshot_redact(snapshot, !cli->options.json || cli->options.no_redact);
    struct judge_options options = {.knowledge = cli->knowledge};
    struct diagnosis *diagnosis = diagnose(snapshot, options);
    struct report_input input = {diagnosis, snapshot, false};
    if (cli->options.json) {
        write_json(cli, input);
    } else {
        write_table(cli->out, snapshot, size);
        if (status != EXIT_OK) { /* and why */
            AUTO_BUFFER out = BUFFER_INIT(LIMIT_REPORT);
            report_text(&out, input, output_style(cli));
            fprintf(cli->out, "\n%s", buffer_text(&out));
        }
    }
    diagnosis_free(diagnosis);
    return (int)status;
}

int verb_test(struct cli *cli) {
    struct live_options options;
    long gpu = -1, size = LIVE_SIZE, seconds = 0;
    int status = gather_options(cli, &options);
    if (status == EXIT_OK)
        status = option_number("gpu", cli->options.gpu, 0, CHILD_MAX - 1, -1, &gpu);
    if (status == EXIT_OK)
        status = option_number("size", cli->options.size, 1, MATRIX_SIZE_MAX, LIVE_SIZE, &size);
    if (status == EXIT_OK)
        status = option_number("seconds", cli->options.seconds, 1, 24 * 3600, 0, &seconds);
    if (status != EXIT_OK)
        return status;
    options.use = options.torch = true;
    options.gpu = (int)gpu;
    options.size = (size_t)size;
    options.seconds = (unsigned)seconds;
    struct snapshot *snapshot;
    status = gather(cli, &options, &snapshot);
    if (status != EXIT_OK)
        return status;
    int64_t found = number_of(snapshot->compute.cuda_devices, 0);
    if (gpu >= found && gpu >= 0 && found > 0)
        complain(EXIT_OK, "there is no GPU %ld: CUDA lists %lld", gpu, (long long)found);
    status = report(cli, snapshot, options.size);
    snapshot_free(snapshot);
    return status;
}
