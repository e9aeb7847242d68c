/* whycuda: why is PyTorch not recognizing my GPU and CUDA?
 *
 * The whole program as five calls: probe or import gives a snapshot (the facts), diagnose judges it, report words
 * it. Nothing here changes the machine; probe starts no child process and loads no driver library.
 *
 *     struct whycuda_snapshot *snapshot = NULL;
 *     struct whycuda_diagnosis *diagnosis = NULL;
 *     if (whycuda_probe(&snapshot, NULL, NULL) == 0 && whycuda_diagnose(&diagnosis, snapshot) == 0) {
 *         char *text = whycuda_report(diagnosis, "text");
 *         puts(text);
 *         free(text);
 *     }
 *     whycuda_diagnosis_free(diagnosis);
 *     whycuda_snapshot_free(snapshot);
 *
 * Errors are negative errno values; results are set only on success. Where the system has no memory left the
 * process ends with status 70.
 *
 * Who owns what: snapshots, diagnoses and the strings of whycuda_report and whycuda_snapshot_json are the caller's,
 * to be given back as each function says; `const char *` results are not. Arguments are copied, none is kept.
 *
 * Threads: an object belongs to one thread at a time; different objects may be used by different threads. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WHYCUDA_PUBLIC __attribute__((visibility("default")))

struct whycuda_snapshot;
struct whycuda_diagnosis;

enum whycuda_verdict { WHYCUDA_HEALTHY, WHYCUDA_DEGRADED, WHYCUDA_BROKEN, WHYCUDA_UNKNOWN };

/* The version of the library, "0.1.0". */
WHYCUDA_PUBLIC const char *whycuda_version(void);

/* Facts of this machine (root NULL), or of one whose files are under a directory. `python`: the interpreter in
 * question as a path inside the root, or NULL for the one that would run. -ENOENT, -EACCES …: the root cannot be
 * opened. */
WHYCUDA_PUBLIC int whycuda_probe(struct whycuda_snapshot **ret_snapshot, const char *root, const char *python);

/* Facts from text that programs printed, or from a saved snapshot (told apart by its first lines). Any bytes may
 * be given. -EINVAL: it is a snapshot, and not a valid one. */
WHYCUDA_PUBLIC int whycuda_import(struct whycuda_snapshot **ret_snapshot, const char *text, size_t length);

/* The snapshot as JSON (schema whycuda/snapshot/1); free() it. Names, home directory, host and UUIDs are made
 * anonymous unless `keep_names`; credentials in URLs never stay. The snapshot itself keeps what it knows. */
WHYCUDA_PUBLIC char *whycuda_snapshot_json(const struct whycuda_snapshot *snapshot, bool keep_names);

/* Judges the facts. The diagnosis keeps what it needs: the snapshot may be freed before it. */
WHYCUDA_PUBLIC int whycuda_diagnose(struct whycuda_diagnosis **ret_diagnosis,
                                    const struct whycuda_snapshot *snapshot);

/* Healthy: no link is broken, and GPU, driver, access, PyTorch and their match were all judged. Degraded: healthy but
 * for warnings. Unknown: nothing is broken, but one of those could not be judged. */
WHYCUDA_PUBLIC enum whycuda_verdict whycuda_diagnosis_verdict(const struct whycuda_diagnosis *diagnosis);
/* The id of the first root cause ("torch-cpu-build"), NULL where there is none. Lives as long as the diagnosis. */
WHYCUDA_PUBLIC const char *whycuda_diagnosis_cause(const struct whycuda_diagnosis *diagnosis);

/* The report as "text" (80 columns, UTF-8, no colours), "json" (schema whycuda/diagnosis/1) or "markdown"; free()
 * it. NULL: no such format. JSON and Markdown are made anonymous, text is not: it is for the person at the
 * machine. */
WHYCUDA_PUBLIC char *whycuda_report(const struct whycuda_diagnosis *diagnosis, const char *format);

/* NULL is nothing to free. */
WHYCUDA_PUBLIC void whycuda_snapshot_free(struct whycuda_snapshot *snapshot);
WHYCUDA_PUBLIC void whycuda_diagnosis_free(struct whycuda_diagnosis *diagnosis);

#ifdef __cplusplus
}
#endif
