#include "cli/batch.h"

#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "diagnose/engine.h"
#include "facts/redact.h"
#include "facts/snapshot_json.h"
#include "import/import.h"
#include "knowledge/knowledge.h"
#include "report/report.h"

/* --- memory for jansson -------------------------------------------------------------------------------------- */

/* Small pieces by the thousand that all go at the end of a line: each thread takes them from an arena of its own
 * and frees none of them singly. */
static _Thread_local struct arena json_arena;

static void *json_take(size_t size) {
    return arena_alloc(&json_arena, size);
}

static void json_leave(void *piece) {
    (void)piece;
}

/* --- one line ------------------------------------------------------------------------------------------------ */

static struct snapshot *read_text(struct knowledge *knowledge, const json_t *text, struct snapshot_error *error) {
    struct span span = span_from(json_string_value(text), json_string_length(text));
    struct snapshot *snapshot = NULL;
    if (!snapshot_recognise(span))
        return import_text(span, knowledge);
    return snapshot_from_json(span, &snapshot, NULL, error) < 0 ? NULL : snapshot;
}

static json_t *diagnose_text(const struct cli *cli, struct knowledge *knowledge, const json_t *text,
                             struct snapshot_error *error) {
    struct snapshot *snapshot = read_text(knowledge, text, error);
    if (!snapshot)
        return NULL;
    snapshot_redact(snapshot, cli->options.no_redact);
    struct judge_options options = {.for_build = cli->options.for_build, .knowledge = knowledge};
    struct diagnosis *diagnosis = diagnose(snapshot, options);
    json_t *json = report_json_object((struct report_input){diagnosis, snapshot, cli->options.with_snapshot});
    diagnosis_free(diagnosis);
    snapshot_free(snapshot);
    return json;
}

char *batch_answer(const struct cli *cli, struct knowledge *knowledge, const char *line, size_t length) {
    json_error_t error;
    struct snapshot_error snapshot_error = {{0}};
    json_t *request = json_loadb(line, length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    const json_t *text = json_object_get(request, "text");
    json_t *id = json_object_get(request, "id"), *diagnosis = NULL;
    json_t *answer = json_object();
    json_object_set_new(answer, "id", id ? json_incref(id) : json_null());
    if (!request)
        json_object_set_new(answer, "error", json_sprintf("no JSON: %s (column %d)", error.text, error.column));
    else if (!json_is_object(request) || !json_is_string(text))
        json_object_set_new(answer, "error", json_string("a line must be an object with \"id\" and \"text\""));
    else if (!(diagnosis = diagnose_text(cli, knowledge, text, &snapshot_error)))
        json_object_set_new(answer, "error",
                            json_sprintf("snapshot, line %d, column %d: %s", snapshot_error.line,
                                         snapshot_error.column, snapshot_error.message));
    else
        json_object_set_new(answer, "diagnosis", diagnosis);
    if (json_object_size(answer) == 1) /* the error's words are no UTF-8 */
        json_object_set_new(answer, "error", json_string("no JSON"));
    struct buffer out = BUFFER_INIT(LIMIT_REPORT);
    report_json_append(&out, answer, JSON_COMPACT);
    if (!json_arena.head) { /* else all of it goes with the arena */
        json_decref(answer);
        json_decref(request);
    }
    return out.ptr; /* the caller's now */
}

/* --- many ---------------------------------------------------------------------------------------------------- */

enum { SLOTS_PER_WORKER = 16, WORKERS_MAX = 64 };

enum slot_state { SLOT_FREE, SLOT_READ, SLOT_TAKEN, SLOT_DONE };

struct slot {
    enum slot_state state;
    char *line, *answer;
    size_t length;
};

struct batch {
    struct cli *cli;
    struct slot slots[SLOTS_PER_WORKER * WORKERS_MAX];
    size_t slot_count;
    size_t read, taken, written; /* lines so far; slot = line % slot_count */
    bool ended, failed;
    pthread_mutex_t lock;
    pthread_cond_t requested;   /* a line waits for a worker, or there will be none */
    pthread_cond_t answered;    /* the next answer to be written is there, or there will be none */
    pthread_cond_t written_one; /* a slot is free again */
};

static void *work(void *memory) {
    struct batch *batch = memory;
    struct knowledge *knowledge = NULL;
    knowledge_open(&knowledge, batch->cli->options.data); /* each its own: it is read when first asked */
    pthread_mutex_lock(&batch->lock);
    for (;;) {
        while (batch->taken == batch->read && !batch->ended && !batch->failed)
            pthread_cond_wait(&batch->requested, &batch->lock);
        if (batch->taken == batch->read || batch->failed)
            break;
        size_t line = batch->taken++;
        struct slot *slot = &batch->slots[line % batch->slot_count];
        slot->state = SLOT_TAKEN;
        pthread_mutex_unlock(&batch->lock);
        char *answer = batch_answer(batch->cli, knowledge, slot->line, slot->length);
        arena_release(&json_arena);
        pthread_mutex_lock(&batch->lock);
        slot->answer = answer;
        slot->state = SLOT_DONE;
        if (line == batch->written)
            pthread_cond_signal(&batch->answered);
    }
    pthread_mutex_unlock(&batch->lock);
    knowledge_close(knowledge);
    return NULL;
}

static bool write_answer(struct batch *batch, struct slot *slot) {
    bool ok = slot->answer && fputs(slot->answer, batch->cli->out) >= 0 && fputc('\n', batch->cli->out) != EOF;
    free(slot->answer);
    free(slot->line);
    *slot = (struct slot){.state = SLOT_FREE};
    return ok;
}

/* In order; what is done is written at once, and flushed when the next one is not. */
static void *write_answers(void *memory) {
    struct batch *batch = memory;
    pthread_mutex_lock(&batch->lock);
    for (;;) {
        struct slot *slot = &batch->slots[batch->written % batch->slot_count];
        if (batch->written < batch->read && slot->state == SLOT_DONE) {
            pthread_mutex_unlock(&batch->lock);
            bool ok = write_answer(batch, slot);
            pthread_mutex_lock(&batch->lock);
            batch->written++;
            batch->failed |= !ok;
            if (batch->read - batch->written == batch->slot_count - 1 || batch->failed)
                pthread_cond_signal(&batch->written_one);
            continue;
        }
        if (batch->failed || (batch->ended && batch->written == batch->read))
            break;
        pthread_mutex_unlock(&batch->lock);
        bool flushed = fflush(batch->cli->out) == 0;
        pthread_mutex_lock(&batch->lock);
        batch->failed |= !flushed;
        slot = &batch->slots[batch->written % batch->slot_count];
        bool ready = (batch->written < batch->read && slot->state == SLOT_DONE) || batch->failed ||
                     (batch->ended && batch->written == batch->read);
        if (!ready)
            pthread_cond_wait(&batch->answered, &batch->lock);
    }
    pthread_cond_broadcast(&batch->requested);
    pthread_cond_signal(&batch->written_one);
    pthread_mutex_unlock(&batch->lock);
    return NULL;
}

/* One line without its end, at most LIMIT_SNAPSHOT * 4 bytes of it; the rest is passed over (its JSON is then
 * broken, which its answer says). NULL: the end. */
static char *read_line(FILE *in, size_t *ret_length) {
    AUTO_BUFFER line = BUFFER_INIT((size_t)LIMIT_SNAPSHOT * 4);
    char chunk[64 * 1024];
    size_t held = 0;
    int byte;
    while ((byte = getc_unlocked(in)) != EOF && byte != '\n') { /* a zero byte is one of the line */
        chunk[held++] = (char)byte;
        if (held == sizeof chunk) {
            buffer_add(&line, chunk, held);
            held = 0;
        }
    }
    buffer_add(&line, chunk, held);
    if (byte == EOF && !line.len)
        return NULL;
    *ret_length = line.len;
    char *copy = line.ptr;
    line.ptr = NULL; /* the caller's now */
    return copy ? copy : strdup("");
}

static void read_requests(struct batch *batch, FILE *in) {
    size_t length;
    for (char *line; (line = read_line(in, &length));) {
        if (!length) { /* an empty line asks nothing */
            free(line);
            continue;
        }
        pthread_mutex_lock(&batch->lock);
        while (batch->read - batch->written == batch->slot_count && !batch->failed)
            pthread_cond_wait(&batch->written_one, &batch->lock);
        bool failed = batch->failed;
        if (!failed) {
            batch->slots[batch->read % batch->slot_count] = (struct slot){SLOT_READ, line, NULL, length};
            batch->read++;
            pthread_cond_signal(&batch->requested);
        }
        pthread_mutex_unlock(&batch->lock);
        if (failed) {
            free(line);
            break;
        }
    }
    pthread_mutex_lock(&batch->lock);
    batch->ended = true;
    pthread_cond_broadcast(&batch->requested);
    pthread_cond_signal(&batch->answered);
    pthread_mutex_unlock(&batch->lock);
}

int batch_run(struct cli *cli, FILE *in) {
    static struct batch batch;
    pthread_t workers[WORKERS_MAX], writer;
    int count = get_nprocs(), started = 0;
    count = count < 1 ? 1 : count > WORKERS_MAX ? WORKERS_MAX : count;
    batch = (struct batch){.cli = cli,
                           .slot_count = (size_t)count * SLOTS_PER_WORKER,
                           .lock = PTHREAD_MUTEX_INITIALIZER,
                           .requested = PTHREAD_COND_INITIALIZER,
                           .answered = PTHREAD_COND_INITIALIZER,
                           .written_one = PTHREAD_COND_INITIALIZER};
    json_object_seed(0); /* before there are threads */
    json_set_alloc_funcs(json_take, json_leave);
    if (pthread_create(&writer, NULL, write_answers, &batch) != 0)
        return complain(EXIT_INTERNAL, "cannot start a thread");
    while (started < count && pthread_create(&workers[started], NULL, work, &batch) == 0)
        started++;
    if (started)
        read_requests(&batch, in);
    pthread_mutex_lock(&batch.lock);
    batch.ended = true;
    batch.failed |= !started;
    pthread_cond_broadcast(&batch.requested);
    pthread_cond_signal(&batch.answered);
    pthread_mutex_unlock(&batch.lock);
    for (int i = 0; i < started; i++)
        pthread_join(workers[i], NULL);
    pthread_join(writer, NULL);
    for (size_t i = 0; i < batch.slot_count; i++) {
        free(batch.slots[i].line);
        free(batch.slots[i].answer);
    }
    if (!started)
        return complain(EXIT_INTERNAL, "cannot start a thread");
    return batch.failed ? complain(EXIT_INTERNAL, "cannot write") : EXIT_OK;
}
