/* Lines of the kernel log about the driver: the ring buffer where it may be read, else the files that syslog
 * daemons write. The journal is not read. */
#include <errno.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/limits.h"
#include "format/kernel_log.h"
#include "knowledge/kernel_message.h"
#include "probe/driver.h"
#include "probe/look.h"
#include "sys/kernel_log.h"

/* --- where the log is ---------------------------------------------------------------------------------------- */

/* The end of a file that may be of any size. */
static int read_tail(const struct probe *probe, struct arena *arena, const char *path, struct span *ret_bytes,
                     time_t *ret_changed) {
    struct stat st;
    int r = root_stat(probe->root, path, &st);
    if (r < 0)
        return r;
    AUTO_FD fd = root_open_file(probe->root, path);
    if (fd < 0)
        return fd;
    size_t size = st.st_size < 0 ? 0 : (size_t)st.st_size, length = size > LIMIT_LOG ? LIMIT_LOG : size;
    char *bytes = arena_alloc(arena, length + 1);
    r = root_pread(fd, bytes, length, size - length);
    if (r < 0)
        return r;
    *ret_bytes = span_from(bytes, length);
    *ret_changed = st.st_mtime;
    return 0;
}

/* Seconds since 1970 at which the machine started, 0: not known. */
static int64_t boot_time(const struct probe *probe, struct arena *scratch) {
    struct span bytes, line, word;
    int64_t seconds;
    if (root_read(probe->root, scratch, "/proc/stat", LIMIT_SMALL_FILE, &bytes) < 0)
        return 0;
    while (span_next_line(&bytes, &line))
        if (span_next_word(&line, &word) && span_eq(word, "btime") && span_next_word(&line, &word) &&
            span_to_number(word, 10, &seconds) == 0)
            return seconds;
    return 0;
}

/* 0 and the current boot's part; -ENODATA: there are logs, but of an earlier boot. */
static int read_file_log(const struct probe *probe, struct arena *scratch, struct span *ret_log,
                         const char **ret_source) {
    static const char *const paths[] = {"/var/log/dmesg", "/var/log/kern.log", "/var/log/messages",
                                        "/var/log/syslog"};
    int64_t booted = boot_time(probe, scratch);
    int error = -ENOENT;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        time_t changed;
        int r = read_tail(probe, scratch, paths[i], ret_log, &changed);
        if (r == 0 && booted && changed < booted)
            r = -ENODATA;
        if (r == 0) {
            bool start_seen;
            *ret_log = kernel_log_current_boot(*ret_log, &start_seen);
            *ret_source = paths[i];
            return 0;
        }
        if (error == -ENOENT || (error == -ENODATA && r != -ENOENT))
            error = r;
    }
    return error;
}

/* --- what it says -------------------------------------------------------------------------------------------- */

struct collector {
    struct probe *probe;
    struct span messages;
};

static bool add_hit(void *context, const struct kernel_hit *hit) {
    struct collector *collector = context;
    struct log_line_rows *lines = &collector->probe->out->driver.kernel_log;
    struct arena *arena = collector->probe->arena;
    const char *address = hit->address.ptr ? text_clean(arena, hit->address) : NULL;
    for (size_t i = 0; i < lines->count; i++) {
        struct log_line *line = &lines->items[i];
        if (text_eq(text_of(line->id), hit->id) && number_of(line->xid, -1) == hit->xid &&
            text_eq(text_of(line->address), address)) {
            line->count.value++;
            return true;
        }
    }
    if (lines->count == LIMIT_LOG_KINDS)
        return false;
    struct log_line *line = &LIST_PUSH(arena, lines);
    set_text(&line->id, arena_copy(arena, hit->id), NULL);
    set_text(&line->text, text_lines(arena, span_slice(collector->messages, hit->start, hit->end)), NULL);
    set_number(&line->count, 1, NULL);
    if (hit->xid >= 0)
        set_number(&line->xid, hit->xid, NULL);
    else
        set_absent(&line->xid, NULL);
    if (address)
        set_text(&line->address, address, NULL);
    else
        set_absent(&line->address, NULL);
    return true;
}

void driver_log_read(struct probe *probe) {
    struct log_line_rows *fact = &probe->out->driver.kernel_log;
    AUTO_ARENA scratch = {0};
    AUTO_BUFFER messages = BUFFER_INIT(LIMIT_LOG);
    struct span log;
    static const char ring[] = "kernel ring buffer";
    const char *source = ring;
    int r = root_kernel_log(probe->root, &scratch, &log), denied = r;
    if (r < 0)
        r = read_file_log(probe, &scratch, &log, &source);
    if (r < 0) {
        const char *reason = r == -ENODATA                           ? "the log files are of an earlier start"
                             : denied == -EPERM || denied == -EACCES ? "only root may read it (sudo dmesg)"
                             : r == -ENOENT                          ? "no log to read here"
                                                                     : strerror(-r);
        set_unknown(fact, reason, "kernel log");
        return;
    }
    set_listed(fact, source);
    kernel_log_collect(log, &messages);
    if (!messages.len)
        return;
    if (!probe->options.knowledge) {
        set_unknown(fact, "no table of messages", source);
        return;
    }
    struct collector collector = {probe, buffer_span(&messages)};
    kernel_message_find(probe->options.knowledge, collector.messages, add_hit, &collector);
}
