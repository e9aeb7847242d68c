/* The supervisor: sees to it that the worker ends, and everything that it started. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/child_internal.h"

enum { MEMORY_INTERVAL = 50 /* milliseconds */, SWEEP_TIME = 300 /* milliseconds */ };

/* A whole small file of /proc; its length, 0 where it cannot be read. */
static size_t read_proc(const char *path, char *bytes, size_t size) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    size_t used = 0;
    for (ssize_t n; used < size - 1 && (n = read(fd, bytes + used, size - 1 - used)) > 0;)
        used += (size_t)n;
    close(fd);
    bytes[used] = '\0';
    return used;
}

/* State letter and parent of a process; 0 when there is none. */
static char process_state(pid_t pid, pid_t *ret_parent) {
    char path[64], stat[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (!read_proc(path, stat, sizeof stat))
        return 0;
    const char *after = strrchr(stat, ')'); /* the name before may hold anything */
    if (!after || strlen(after) < 5)
        return 0;
    if (ret_parent)
        *ret_parent = (pid_t)strtol(after + 4, NULL, 10);
    return after[2];
}

static uint64_t resident_bytes(pid_t pid) {
    char path[64], statm[256];
    snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
    if (!read_proc(path, statm, sizeof statm))
        return 0;
    const char *second = strchr(statm, ' ');
    return second ? strtoull(second, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

static uint64_t number_in_file(const char *path, const char *after, uint64_t otherwise) {
    char bytes[8192];
    if (!read_proc(path, bytes, sizeof bytes))
        return otherwise;
    const char *at = after ? strstr(bytes, after) : bytes;
    char *end;
    if (!at)
        return otherwise;
    at += after ? strlen(after) : 0;
    uint64_t number = strtoull(at, &end, 10);
    return end == at ? otherwise : number;
}

/* Half of what is free, in the machine and in the control group: running into the group's limit would have the
 * kernel choose a victim there, on some clusters the whole container. */
static uint64_t memory_allowed(const struct child_task *task) {
    if (task->memory)
        return task->memory;
    uint64_t free_now = number_in_file("/proc/meminfo", "MemAvailable:", UINT64_MAX / 1024) * 1024;
    static const char *const groups[][2] = {
        {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"},
        {"/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"}};
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        uint64_t max = number_in_file(groups[i][0], NULL, UINT64_MAX);
        uint64_t used = number_in_file(groups[i][1], NULL, 0);
        if (max != UINT64_MAX && max > used && max - used < free_now)
            free_now = max - used;
    }
    return free_now / 2;
}

#ifdef WHYCUDA_TEST_HOOKS
/* The one thing that cannot be had on demand is a process in uninterruptible sleep. The task named in
 * WHYCUDA_STUCK plays it: it is stopped where it would be killed. */
static bool plays_stuck(const struct child_task *task) {
    const char *name = getenv("WHYCUDA_STUCK");
    return name && strcmp(name, task->name) == 0;
}
#else
static bool plays_stuck(const struct child_task *task) {
    (void)task;
    return false;
}
#endif

/* Ends the worker's group. False when it does not go: it sleeps in the kernel. */
static bool end_worker(const struct child_task *task, pid_t worker, int *ret_wait) {
    int how = plays_stuck(task) ? SIGSTOP : SIGKILL;
    kill(worker, how); /* its group may not be made yet */
    kill(-worker, how);
    for (int64_t until = child_now() + CHILD_GRACE; child_now() < until;) {
        pid_t done = waitpid(worker, ret_wait, WNOHANG);
        if (done == worker || (done < 0 && errno == ECHILD))
            return true;
        poll(NULL, 0, 5);
    }
    return false;
}

/* Processes that are now children of the supervisor, their own parents having ended (PR_SET_CHILD_SUBREAPER). */
static size_t list_strays(pid_t *strays, size_t max, pid_t except) {
    size_t count = 0;
    DIR *proc = opendir("/proc");
    if (!proc)
        return 0;
    for (struct dirent *entry; count < max && (entry = readdir(proc));) {
        char *end;
        pid_t pid = (pid_t)strtol(entry->d_name, &end, 10), parent = 0;
        if (*end || pid <= 0 || pid == except)
            continue;
        if (process_state(pid, &parent) && parent == getpid())
            strays[count++] = pid;
    }
    closedir(proc);
    return count;
}

static unsigned sweep(pid_t except) {
    static pid_t strays[256];
    unsigned ended = 0;
    for (int64_t until = child_now() + SWEEP_TIME; child_now() < until && ended < CHILD_STRAYS;) {
        /* nothing of ours left at all: the common case costs one system call */
        pid_t done = waitpid(-1, NULL, WNOHANG);
        if (done > 0) {
            ended += done != except;
            continue;
        }
        if (done < 0)
            break;
        size_t count = list_strays(strays, sizeof strays / sizeof *strays, except);
        if (!count)
            break;
        for (size_t i = 0; i < count; i++)
            kill(strays[i], SIGKILL);
        poll(NULL, 0, 2);
    }
    return ended;
}

static void status_from_wait(struct child_status *status, int how) {
    if (WIFSIGNALED(how))
        *status = (struct child_status){.end = CHILD_SIGNAL, .code = WTERMSIG(how)};
    else if (WEXITSTATUS(how))
        *status = (struct child_status){.end = CHILD_EXIT, .code = WEXITSTATUS(how)};
    else
        *status = (struct child_status){.end = CHILD_OK};
}

/* Waits until the worker has ended, its time or memory is used up, or whycuda is gone or has had enough of it. */
static struct child_status watch(const struct child_task *task, pid_t worker, int signals, int lifeline) {
    struct child_status status = {0};
    int64_t until = child_now() + (task->milliseconds ? task->milliseconds : CHILD_DEADLINE);
    uint64_t allowed = 0;
    int64_t look = child_now() + MEMORY_INTERVAL;
    for (int how = 0;;) {
        if (waitpid(worker, &how, WNOHANG) == worker) {
            status_from_wait(&status, how);
            return status;
        }
        int64_t now = child_now();
        bool over = false;
        if (now >= look) { /* most workers are done before the first look */
            allowed = allowed ? allowed : memory_allowed(task);
            over = resident_bytes(worker) > allowed;
            look = now + MEMORY_INTERVAL;
        }
        struct pollfd fds[] = {{.fd = signals, .events = POLLIN}, {.fd = lifeline, .events = POLLIN}};
        int64_t wait = look < until ? look - now : until - now;
        if (!over && now < until)
            poll(fds, 2, (int)(wait > 0 ? wait : 0));
        struct signalfd_siginfo info;
        if ((fds[0].revents & POLLIN) && read(signals, &info, sizeof info) > 0)
            continue;
        if (over || child_now() >= until || fds[1].revents) {
            bool gone = end_worker(task, worker, &how);
            status.end = !gone ? CHILD_STUCK : over ? CHILD_MEMORY : CHILD_TIMEOUT;
            return status;
        }
    }
}

/* Our own pipes stay open, everything else is closed: the pipes of our siblings too. */
static void child_close_except(const struct child_pipes *pipes) {
    const int keep[] = {pipes->answer, pipes->said, pipes->status, pipes->lifeline};
    int highest = STDERR_FILENO;
    for (size_t i = 0; i < sizeof keep / sizeof *keep; i++)
        highest = keep[i] > highest ? keep[i] : highest;
    for (int fd = STDERR_FILENO + 1; fd < highest; fd++)
        if (fd != keep[0] && fd != keep[1] && fd != keep[2] && fd != keep[3])
            close(fd);
    child_close_from(highest + 1);
}

void child_supervise(const struct child_task *task, const struct child_pipes *pipes) {
    setpgid(0, 0); /* a Ctrl-C ends whycuda; the broken lifeline then tells us */
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    child_close_except(pipes);

    sigset_t chld;
    sigemptyset(&chld);
    sigaddset(&chld, SIGCHLD);
    signal(SIGCHLD, SIG_DFL);
    sigprocmask(SIG_BLOCK, &chld, NULL);
    int signals = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK);

    struct child_status status = {.end = CHILD_NOT_STARTED};
    pid_t self = getpid(), worker = fork();
    if (worker == 0)
        child_work(task, pipes, self);
    close(pipes->answer);
    close(pipes->said);
    if (worker < 0)
        status.code = errno;
    else
        status = watch(task, worker, signals, pipes->lifeline);
    if (worker > 0)
        status.strays = sweep(status.end == CHILD_STUCK ? worker : 0);
    ssize_t ignored = write(pipes->status, &status, sizeof status);
    (void)ignored;
    _exit(0);
}
