/* The worker: a process made harmless before foreign code runs in it. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/child_internal.h"

struct child_reply {
    int fd;
};

static void write_all(int fd, const char *bytes, size_t len) {
    while (len) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        bytes += n;
        len -= (size_t)n;
    }
}

void child_at(struct child_reply *reply, const char *call, int device) {
    char line[160];
    int len = device < 0 ? snprintf(line, sizeof line, "{\"at\":\"%s\"}\n", call)
                         : snprintf(line, sizeof line, "{\"at\":\"%s\",\"i\":%d}\n", call, device);
    if (len > 0 && (size_t)len < sizeof line)
        write_all(reply->fd, line, (size_t)len);
}

static void send_line(struct child_reply *reply, const char *kind, json_t *value) {
    json_t *line = json_pack("{s:o}", kind, value);
    char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;
    if (text) {
        write_all(reply->fd, text, strlen(text));
        write_all(reply->fd, "\n", 1);
    }
    free(text);
    json_decref(line);
}

void child_set(struct child_reply *reply, json_t *members) {
    send_line(reply, "set", members);
}

void child_add(struct child_reply *reply, const char *array, json_t *item) {
    send_line(reply, "add", json_pack("{s:o}", array, item));
}

/* NVIDIA's libraries make device nodes when root runs them, and start the setuid nvidia-modprobe, which also loads
 * kernel modules, for everybody else. No privileges can be gained by exec any more, and root loses the two that it
 * would take. */
static void restrict_privileges(void) {
    static const int dropped[] = {CAP_MKNOD, CAP_SYS_MODULE};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {{0}};
    bool have = syscall(SYS_capget, &header, sets) == 0;
    for (size_t i = 0; i < sizeof dropped / sizeof *dropped; i++) {
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, dropped[i], 0, 0);
        prctl(PR_CAPBSET_DROP, dropped[i], 0, 0,
              0); /* fails without CAP_SETPCAP; no_new_privs holds all the same */
        struct __user_cap_data_struct *set = &sets[CAP_TO_INDEX(dropped[i])];
        set->effective &= ~CAP_TO_MASK(dropped[i]);
        set->permitted &= ~CAP_TO_MASK(dropped[i]);
        set->inheritable &= ~CAP_TO_MASK(dropped[i]);
    }
    if (have)
        syscall(SYS_capset, &header, sets);
}

static void set_limits(void) {
    /* 1, not 0: a core_pattern that is a pipe ignores the limit but for this value (core(5)) */
    struct rlimit core = {1, 1};
    if (setrlimit(RLIMIT_CORE, &core) < 0) {
        core.rlim_cur = core.rlim_max = 0;
        setrlimit(RLIMIT_CORE, &core);
    }
    /* No limit of address space: CUDA reserves far more than it uses. If memory runs out, this process goes first.
     */
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        write_all(fd, "1000", 4);
        close(fd);
    }
}

static void reset_signals(void) {
    sigset_t none;
    for (int signal_number = 1; signal_number < NSIG; signal_number++)
        signal(signal_number, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

void child_close_from(int first) {
#ifdef SYS_close_range
    if (syscall(SYS_close_range, first, ~0U, 0) == 0)
        return;
#endif
    struct rlimit limit;
    int last = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 65536 ? (int)limit.rlim_cur : 65536;
    for (int fd = first; fd < last; fd++)
        close(fd);
}

/* Input from nowhere, output and errors to `said`, the answer to CHILD_ANSWER, everything else closed. */
static bool set_descriptors(const struct child_pipes *pipes) {
    int null = open("/dev/null", O_RDONLY);
    int answer = fcntl(pipes->answer, F_DUPFD, 10), said = fcntl(pipes->said, F_DUPFD, 10);
    if (answer < 0 || said < 0)
        return false;
    if (null < 0 || dup2(null, STDIN_FILENO) < 0)
        close(STDIN_FILENO);
    if (dup2(said, STDOUT_FILENO) < 0 || dup2(said, STDERR_FILENO) < 0 || dup2(answer, CHILD_ANSWER) < 0)
        return false;
    child_close_from(CHILD_ANSWER + 1);
    return true;
}

static void change_environment(const char *const *changes) {
    for (; changes && *changes; changes++) {
        const char *equals = strchr(*changes, '=');
        if (!equals) {
            unsetenv(*changes);
            continue;
        }
        char *name = strndup(*changes, (size_t)(equals - *changes));
        if (name)
            setenv(name, equals + 1, 1);
        free(name);
    }
}

void child_work(const struct child_task *task, const struct child_pipes *pipes, pid_t parent) {
    setsid(); /* no terminal to ask a password on, and one group to end it with all it started */
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != parent) /* it died before that took effect */
        _exit(127);
    reset_signals();
    if (!set_descriptors(pipes))
        _exit(126);
    set_limits();
    if (task->restricted)
        restrict_privileges();
    change_environment(task->environment);
    struct child_reply reply = {.fd = CHILD_ANSWER};
    if (task->program) {
        execvp(task->program[0], (char *const *)(uintptr_t)task->program);
        int error = errno;
        child_set(&reply, json_pack("{s:i}", "exec_errno", error));
        fprintf(stderr, "%s: %s\n", task->program[0], strerror(error));
        _exit(127);
    }
    task->run(&reply, task->argument);
    write_all(CHILD_ANSWER, "{\"end\":true}\n", 13);
    _exit(0);
}
