/* whycuda's end: starts the supervisors, reads what comes, puts the answers together. */
#include "sys/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/text.h"
#include "sys/child_internal.h"

struct running {
    pid_t supervisor; /* 0: not started or over */
    int answer, said, status, lifeline;
    struct buffer line, words;
    size_t answered; /* bytes */
    bool garbage, complete;
    struct child_status verdict;
    int64_t started, until;
    char at[128];
};

static const char *const end_names[] = {
    [CHILD_OK] = "ok",
    [CHILD_EXIT] = "exit",
    [CHILD_SIGNAL] = "signal",
    [CHILD_TIMEOUT] = "timeout",
    [CHILD_STUCK] = "stuck",
    [CHILD_GARBAGE] = "garbage",
    [CHILD_TOO_MUCH] = "too-much",
    [CHILD_MEMORY] = "memory",
    [CHILD_NOT_STARTED] = "not-started",
};

const char *child_end_name(enum child_end end) {
    return end_names[end];
}

static void close_once(int *fd) {
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Four pipes and a supervisor. 0 or -errno. */
static int start(const struct child_task *task, struct running *one) {
    int ends[4][2];
    for (size_t i = 0; i < 4; i++)
        if (pipe2(ends[i], O_CLOEXEC) < 0) {
            int error = errno;
            while (i--)
                close(ends[i][0]), close(ends[i][1]);
            return -error;
        }
    struct child_pipes theirs = {ends[0][1], ends[1][1], ends[2][1], ends[3][0]};
    one->answer = ends[0][0], one->said = ends[1][0], one->status = ends[2][0], one->lifeline = ends[3][1];
    one->started = child_now();
    one->until = one->started + (task->milliseconds ? task->milliseconds : CHILD_DEADLINE) + CHILD_GRACE + 400;
    pid_t pid = fork();
    if (pid == 0)
        child_supervise(task, &theirs);
    int error = pid < 0 ? errno : 0;
    close(theirs.answer), close(theirs.said), close(theirs.status), close(theirs.lifeline);
    if (pid < 0) {
        close_once(&one->answer), close_once(&one->said), close_once(&one->status), close_once(&one->lifeline);
        return -error;
    }
    one->supervisor = pid;
    fcntl(one->answer, F_SETFL, O_NONBLOCK);
    fcntl(one->said, F_SETFL, O_NONBLOCK);
    return 0;
}

/* Objects are merged one level deep, arrays and values replaced. */
static void merge(json_t *answer, json_t *members) {
    const char *name;
    json_t *value;
    json_object_foreach(members, name, value) {
        json_t *there = json_object_get(answer, name);
        if (json_is_object(there) && json_is_object(value))
            json_object_update(there, value);
        else
            json_object_set(answer, name, value);
    }
}

static void append(json_t *answer, json_t *items) {
    const char *name;
    json_t *value;
    json_object_foreach(items, name, value) {
        json_t *array = json_object_get(answer, name);
        if (!json_is_array(array)) {
            array = json_array();
            json_object_set_new(answer, name, array);
        }
        json_array_append(array, value);
    }
}

static void keep_at(struct running *one, const char *call, json_t *device) {
    if (json_is_integer(device))
        snprintf(one->at, sizeof one->at, "%s of device %d", call, (int)json_integer_value(device));
    else
        snprintf(one->at, sizeof one->at, "%s", call);
    for (char *c = one->at; *c; c++)
        if ((unsigned char)*c < 0x20 || (unsigned char)*c > 0x7e)
            *c = '?';
}

static bool take_line(struct running *one, json_t *answer, struct span text) {
    json_error_t error;
    json_t *line = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, &error);
    json_t *at = json_object_get(line, "at"), *device = json_object_get(line, "i");
    bool known = true;
    if (json_is_string(at))
        keep_at(one, json_string_value(at), device);
    else if (json_is_object(json_object_get(line, "set")))
        merge(answer, json_object_get(line, "set"));
    else if (json_is_object(json_object_get(line, "add")))
        append(answer, json_object_get(line, "add"));
    else if (json_is_true(json_object_get(line, "end")))
        one->complete = true;
    else
        known = false;
    json_decref(line);
    return known;
}

/* True when the pipe's last writer is gone or the child has said too much. */
static bool read_answer(struct running *one, json_t *answer, bool *ret_news) {
    char bytes[16384];
    for (;;) {
        ssize_t n = read(one->answer, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0;
        one->answered += (size_t)n;
        if (one->answered > CHILD_ANSWER_MAX)
            return true;
        struct span rest = span_from(bytes, (size_t)n);
        for (const char *end; !one->garbage && (end = memchr(rest.ptr, '\n', rest.len));) {
            size_t len = (size_t)(end - rest.ptr);
            buffer_add(&one->line, rest.ptr, len);
            one->garbage = !take_line(one, answer, buffer_span(&one->line));
            if (one->garbage) /* what it was is worth seeing */
                buffer_add_span(&one->words, span_slice(buffer_span(&one->line), 0, 200));
            buffer_clear(&one->line);
            rest = span_slice(rest, len + 1, rest.len);
            *ret_news = true;
        }
        buffer_add_span(&one->line, rest);
    }
}

/* As read_answer; what goes beyond the maximum is dropped. */
static bool read_said(struct running *one) {
    char bytes[16384];
    for (;;) {
        ssize_t n = read(one->said, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0;
        buffer_add(&one->words, bytes, (size_t)n);
    }
}

static void finish(struct arena *arena, struct running *one, struct child_result *result) {
    bool news = false;
    if (one->answer >= 0)
        read_answer(one, result->answer, &news);
    if (one->said >= 0)
        read_said(one);
    close_once(&one->answer), close_once(&one->said), close_once(&one->status), close_once(&one->lifeline);
    waitpid(one->supervisor, NULL, 0);
    one->supervisor = 0;
    result->end = one->verdict.end;
    result->code = one->verdict.code;
    result->strays = one->verdict.strays;
    result->elapsed = (unsigned)(child_now() - one->started);
    if (one->answered > CHILD_ANSWER_MAX)
        result->end = CHILD_TOO_MUCH;
    else if (one->garbage || (result->end == CHILD_OK && one->line.len))
        result->end = result->end == CHILD_OK || one->garbage ? CHILD_GARBAGE : result->end;
    else if (result->end == CHILD_OK && !one->complete)
        result->end = CHILD_EXIT; /* with status 0, as a library that calls exit() does */
    json_t *exec_errno = json_object_get(result->answer, "exec_errno");
    if (result->end == CHILD_EXIT && json_is_integer(exec_errno)) {
        result->end = CHILD_NOT_STARTED;
        result->code = (int)json_integer_value(exec_errno);
    }
    result->at = one->at[0] ? arena_copy(arena, one->at) : NULL;
    result->said = text_lines(arena, buffer_span(&one->words));
    buffer_release(&one->line);
    buffer_release(&one->words);
}

/* One round for one child: reads what there is; true when it is over. */
static bool attend(struct running *one, json_t *answer, const struct pollfd fds[3], bool *ret_news) {
    if (fds[0].revents && read_answer(one, answer, ret_news)) {
        if (one->answered > CHILD_ANSWER_MAX)
            close_once(&one->lifeline);
        close_once(&one->answer);
    }
    if (one->garbage)
        close_once(&one->lifeline); /* nothing sensible can follow */
    if (fds[1].revents && read_said(one))
        close_once(&one->said);
    if (fds[2].revents) {
        ssize_t n = read(one->status, &one->verdict, sizeof one->verdict);
        if (n != sizeof one->verdict) /* the supervisor itself was ended; its worker goes with it */
            one->verdict = (struct child_status){.end = CHILD_NOT_STARTED, .code = ESRCH};
        return true;
    }
    if (child_now() >= one->until) {
        kill(one->supervisor, SIGKILL);
        one->verdict = (struct child_status){.end = CHILD_STUCK};
        return true;
    }
    return false;
}

int child_run(struct arena *arena, const struct child_task *tasks, size_t count, struct child_result *results,
              child_progress *progress, void *context) {
    if (count > CHILD_MAX)
        return -E2BIG;
    struct running all[CHILD_MAX] = {{0}};
    struct pollfd fds[CHILD_MAX * 3];
    size_t left = 0;
    for (size_t i = 0; i < count; i++) {
        results[i] = (struct child_result){.answer = json_object(), .said = ""};
        all[i].line.max = CHILD_ANSWER_MAX;
        all[i].words.max = CHILD_SAID_MAX;
        int r = start(&tasks[i], &all[i]);
        if (r < 0)
            results[i].end = CHILD_NOT_STARTED, results[i].code = -r;
        else
            left++;
    }
    while (left) {
        int64_t wait = CHILD_DEADLINE;
        for (size_t i = 0; i < count; i++) {
            bool runs = all[i].supervisor != 0;
            fds[3 * i] = (struct pollfd){.fd = runs ? all[i].answer : -1, .events = POLLIN};
            fds[3 * i + 1] = (struct pollfd){.fd = runs ? all[i].said : -1, .events = POLLIN};
            fds[3 * i + 2] = (struct pollfd){.fd = runs ? all[i].status : -1, .events = POLLIN};
            if (runs && all[i].until - child_now() < wait)
                wait = all[i].until - child_now();
        }
        poll(fds, 3 * count, (int)(wait > 0 ? wait : 0));
        for (size_t i = 0; i < count; i++) {
            bool news = false;
            if (!all[i].supervisor)
                continue;
            bool over = attend(&all[i], results[i].answer, &fds[3 * i], &news);
            if (news && progress && all[i].at[0])
                progress(context, i, all[i].at);
            if (over) {
                finish(arena, &all[i], &results[i]);
                left--;
            }
        }
    }
    return 0;
}

void child_release(struct child_result *results, size_t count) {
    for (size_t i = 0; i < count; i++) {
        json_decref(results[i].answer);
        results[i].answer = NULL;
    }
}

const char *child_explain(struct arena *arena, const struct child_task *task, const struct child_result *result) {
    unsigned limit = task->milliseconds ? task->milliseconds : CHILD_DEADLINE;
    const char *where = result->at ? arena_printf(arena, " (in %s)", result->at) : "";
    const char *name = task->name;
    switch (result->end) {
    case CHILD_OK:
        return arena_printf(arena, "%s answered", name);
    case CHILD_EXIT:
        return arena_printf(arena, "%s ended the process with exit status %d%s", name, result->code, where);
    case CHILD_SIGNAL:
        return arena_printf(arena, "%s crashed: signal %d, %s%s", name, result->code, strsignal(result->code),
                            where);
    case CHILD_TIMEOUT:
        return arena_printf(arena, "%s did not answer within %g s%s", name, limit / 1000.0, where);
    case CHILD_STUCK:
        return arena_printf(arena, "%s is stuck in the kernel and cannot be ended%s", name, where);
    case CHILD_GARBAGE:
        return arena_printf(arena, "%s wrote something that is no answer%s", name, where);
    case CHILD_TOO_MUCH:
        return arena_printf(arena, "%s answered more than %d MiB%s", name, CHILD_ANSWER_MAX >> 20, where);
    case CHILD_MEMORY:
        return arena_printf(arena, "%s used more memory than it was allowed%s", name, where);
    case CHILD_NOT_STARTED:
        return arena_printf(arena, "%s could not be started: %s", name, strerror(result->code));
    }
    return name;
}
