/* What logs put in front of a line: the times, levels, threads and containers of journald, dmesg, Python's
 * logging, glog, vLLM, Ray, torchrun, docker compose, docker build, pip, pytest, rich. */
#include <ctype.h>

#include "base/text.h"
#include "import/page.h"

static struct span skip_blanks(struct span line) {
    while (line.len && (line.ptr[0] == ' ' || line.ptr[0] == '\t'))
        line = span_slice(line, 1, line.len);
    return line;
}

/* `pattern`: 9 a digit, a a letter, other characters themselves. The length matched, or 0. */
static size_t shape(struct span line, const char *pattern) {
    size_t i = 0;
    for (; pattern[i]; i++) {
        unsigned char c = i < line.len ? (unsigned char)line.ptr[i] : 0;
        bool fits = pattern[i] == '9'   ? isdigit(c)
                    : pattern[i] == 'a' ? isalpha(c)
                                        : c == (unsigned char)pattern[i];
        if (!fits)
            return 0;
    }
    return i;
}

/* "16:43:12", with what may follow: ".294458", ",621", "-020113", "Z", "+0800", "-08:00". */
static size_t clock_length(struct span line) {
    size_t at = shape(line, "99:99:99");
    if (!at)
        return 0;
    for (size_t round = 0; round < 2; round++) {
        struct span rest = span_slice(line, at, line.len);
        if (rest.len > 1 && strchr(".,+-", rest.ptr[0]) && isdigit((unsigned char)rest.ptr[1]))
            for (at++; at < line.len && (isdigit((unsigned char)line.ptr[at]) || line.ptr[at] == ':');)
                at++;
    }
    at += at < line.len && line.ptr[at] == 'Z';
    return at;
}

/* A date and time of day, or a time of day; 0: none. */
static size_t time_length(struct span line) {
    static const char *const dates[] = {"9999-99-99T", "9999-99-99 ", "9999/99/99 ", "99-99 ", "99/99/9999 "};
    for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) {
        size_t date = shape(line, dates[i]);
        size_t clock = date ? clock_length(span_slice(line, date, line.len)) : 0;
        if (clock)
            return date + clock;
    }
    return clock_length(line);
}

/* "[   87.358035]", "[2024-03-11 17:34:36]", "[Sun May 17 15:55:50 2026]", "[00:00<?, ?it/s]"; not "[34]", "[1,
 * 2]". */
static size_t stamp_length(struct span line) {
    if (line.len < 6 || line.ptr[0] != '[')
        return 0;
    const char *close = memchr(line.ptr, ']', line.len < 40 ? line.len : 40);
    if (!close)
        return 0;
    struct span inside = span_trim(span_from(line.ptr + 1, (size_t)(close - line.ptr - 1)));
    size_t digits = 0, colons = 0, points = 0;
    for (size_t i = 0; i < inside.len; i++) {
        unsigned char c = (unsigned char)inside.ptr[i];
        digits += isdigit(c) != 0;
        colons += c == ':';
        points += c == '.';
        if (!isalnum(c) && !strchr(" :.,+-/", c))
            return 0;
    }
    bool more = close + 2 < line.ptr + line.len && close[1] == ' ' && isalpha((unsigned char)close[2]);
    bool seconds = digits + points == inside.len && points == 1 && digits >= (more ? 2 : 7);
    return seconds || (colons >= 2 && digits >= 6) ? (size_t)(close - line.ptr) + 1 : 0;
}

/* "stdout F ", "stderr P ": the stream, as a container runtime writes it behind a time (Kubernetes' CRI logs). */
static size_t stream_length(struct span line) {
    static const char *const streams[] = {"stdout F ", "stderr F ", "stdout P ", "stderr P "};
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++)
        if (span_starts(line, streams[i]))
            return strlen(streams[i]);
    return 0;
}

/* "{subprocess.py:93} " (Airflow), "app.main:run:12 - " (loguru): who logs. Only after a time. */
static size_t logger_length(struct span line) {
    size_t at = 0;
    bool braces = line.len && line.ptr[0] == '{';
    while (at < line.len && at < 80 && (isalnum((unsigned char)line.ptr[at]) || strchr("{}._-:<>", line.ptr[at])))
        at++;
    struct span name = span_slice(line, 0, at), rest = span_slice(line, at, line.len);
    if (braces)
        return span_ends(name, "}") ? at : 0;
    return at && isdigit((unsigned char)line.ptr[at - 1]) && memchr(name.ptr, ':', at) && span_starts(rest, " - ")
               ? at + 3
               : 0;
}

/* A bracket with one word or a source position: "[MainThread]", "[I]", "[engine.py:389]". Only after a time. */
static size_t tag_length(struct span line) {
    if (line.len < 3 || line.ptr[0] != '[')
        return 0;
    const char *close = memchr(line.ptr, ']', line.len < 60 ? line.len : 60);
    if (!close || close == line.ptr + 1)
        return 0;
    for (const char *c = line.ptr + 1; c < close; c++)
        if (!isalnum((unsigned char)*c) && !strchr("._-:/", *c))
            return 0;
    return isalpha((unsigned char)line.ptr[1]) ? (size_t)(close - line.ptr) + 1 : 0;
}

static size_t level_length(struct span line) {
    static const char *const levels[] = {"INFO",  "WARNING", "WARN", "ERROR", "DEBUG", "CRITICAL",
                                         "FATAL", "I",       "W",    "E",     "F",     "D"};
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        size_t len = strlen(levels[i]);
        if (!span_starts(line, levels[i]))
            continue;
        if (len < line.len && line.ptr[len] == ':')
            len++;
        if (len < line.len && (line.ptr[len] == ' ' || line.ptr[len] == '|'))
            return len;
    }
    return 0;
}

/* "engine.py:389] ", "tensorflow/stream_executor/cuda/cuda_driver.cc:326] " */
static size_t position_length(struct span line) {
    size_t at = 0;
    while (at < line.len && at < 120 && !strchr(" :]", line.ptr[at]))
        at++;
    struct span name = span_slice(line, 0, at);
    if (at >= line.len || line.ptr[at] != ':' ||
        !(span_ends(name, ".py") || span_ends(name, ".cc") || span_ends(name, ".cpp")))
        return 0;
    for (at++; at < line.len && isdigit((unsigned char)line.ptr[at]);)
        at++;
    return at < line.len && line.ptr[at] == ']' ? at + 1 : 0;
}

/* What may stand behind a time: level, thread, source position, "|" and "-" between them. */
static struct span cut_after_time(struct span line) {
    for (size_t round = 0; round < 6; round++) {
        line = skip_blanks(line);
        size_t length = level_length(line);
        if (!length)
            length = tag_length(line);
        if (!length)
            length = position_length(line);
        if (!length)
            length = stream_length(line);
        if (!length)
            length = logger_length(line);
        bool table = line.len && line.ptr[0] == '|' && span_ends(span_trim(line), "|");
        if (!length && !table && line.len && strchr("|-:", line.ptr[0]) && (line.len == 1 || line.ptr[1] == ' '))
            length = 1;
        if (!length)
            break;
        line = span_slice(line, length, line.len);
    }
    return skip_blanks(line);
}

/* "gdm3[7055]:", "kernel:", "systemd[1]:" */
static bool is_program(struct span word) {
    if (span_eq(word, "kernel:"))
        return true;
    return word.len > 4 && span_ends(word, "]:") && memchr(word.ptr, '[', word.len);
}

/* Behind a time: "host kernel: ", "host python[12]: " of `journalctl -o short-iso`. */
static struct span cut_host(struct span line) {
    struct span after = line, host, program;
    return span_next_word(&after, &host) && span_next_word(&after, &program) && is_program(program)
               ? skip_blanks(after)
               : line;
}

/* "May 17 15:55:50 host kernel: ", as syslog and journalctl write it, in any language with three or four letters. */
static struct span cut_syslog(struct span line) {
    size_t at = shape(line, "aaa ");
    if (!at)
        at = shape(line, "aaa. ");
    if (!at)
        return line;
    struct span rest = skip_blanks(span_slice(line, at, line.len));
    size_t day = shape(rest, "99 ");
    if (!day)
        day = shape(rest, "9 ");
    size_t clock = day ? clock_length(span_slice(rest, day, rest.len)) : 0;
    if (!clock)
        return line;
    rest = span_slice(rest, day + clock, rest.len);
    struct span after = rest, first, second;
    if (!span_next_word(&after, &first))
        return line;
    if (is_program(first))
        return skip_blanks(after);
    if (span_next_word(&after, &second) && is_program(second))
        return skip_blanks(after);
    return skip_blanks(rest);
}

/* "(VllmWorkerProcess pid=13359) ", "(EngineCore_0 pid=7, ip=10.0.0.1) " */
static size_t process_length(struct span line) {
    if (!line.len || line.ptr[0] != '(')
        return 0;
    const char *close = memchr(line.ptr, ')', line.len < 80 ? line.len : 80);
    struct span inside = close ? span_from(line.ptr, (size_t)(close - line.ptr)) : (struct span){0};
    return close && (span_has(inside, " pid=") || span_starts(inside, "(pid=")) ? inside.len + 1 : 0;
}

/* "webui-1  | ", "vllm-openai_1  | ": what docker compose puts in front. */
static size_t service_length(struct span line) {
    size_t at = 0;
    while (at < line.len && at < 64 && (isalnum((unsigned char)line.ptr[at]) || strchr("_-.", line.ptr[at])))
        at++;
    if (at < 3 || !isdigit((unsigned char)line.ptr[at - 1]) || !strchr("-_", line.ptr[at - 2]))
        return 0;
    struct span rest = skip_blanks(span_slice(line, at, line.len));
    return rest.len && rest.ptr[0] == '|' && rest.ptr < line.ptr + line.len ? (size_t)(rest.ptr - line.ptr) + 1
                                                                            : 0;
}

/* "ERROR:root:", "WARNING:torch.distributed.run:": Python's logging as it comes; not "ERROR: ". */
static size_t root_logger_length(struct span line) {
    static const char *const levels[] = {"ERROR:", "WARNING:", "INFO:", "DEBUG:", "CRITICAL:"};
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        size_t start = strlen(levels[i]), at = start;
        if (!span_starts(line, levels[i]))
            continue;
        while (at < line.len && at < 80 && (isalnum((unsigned char)line.ptr[at]) || strchr("._-", line.ptr[at])))
            at++;
        return at > start && at < line.len && line.ptr[at] == ':' ? at + 1 : 0;
    }
    return 0;
}

/* glog: "W1120 09:11:41.273000 12345 torch/distributed/run.py:766] " */
static size_t glog_length(struct span line) {
    if (!shape(line, "a9999 99:99:99.") || !strchr("WEIF", line.ptr[0]))
        return 0;
    size_t end = span_find(span_slice(line, 0, 200), "] ");
    return end == SIZE_MAX ? 0 : end + 2;
}

/* "#12 45.33 " and "#12 " of docker build, "[rank0]: ", "[1,0]<stderr>:" */
static size_t build_length(struct span line) {
    if (line.len > 3 && line.ptr[0] == '#' && isdigit((unsigned char)line.ptr[1])) {
        size_t at = 1;
        while (at < line.len && isdigit((unsigned char)line.ptr[at]))
            at++;
        if (at >= line.len || line.ptr[at] != ' ')
            return 0;
        size_t seconds = ++at;
        while (at < line.len && (isdigit((unsigned char)line.ptr[at]) || line.ptr[at] == '.'))
            at++;
        return at > seconds && at < line.len && line.ptr[at] == ' ' ? at + 1 : seconds;
    }
    if (span_starts(line, "[rank")) {
        size_t end = span_find(span_slice(line, 0, 16), "]:");
        return end == SIZE_MAX ? 0 : end + 2;
    }
    if (shape(line, "[9,9]<std")) {
        size_t end = span_find(span_slice(line, 0, 24), ">:");
        return end == SIZE_MAX ? 0 : end + 2;
    }
    return 0;
}

static size_t mark_length(struct span line) {
    static const char *const marks[] = {"\u2502 ",  "\u2502", "\u2570\u2500> ", "\u00d7 ",  "\u2714 ", "\u2718 ",
                                        "=> => # ", "E   ",   "kernel: ",       "remote: ", "\u2771 ", "stderr: "};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (span_starts(line, marks[i]))
            return strlen(marks[i]);
    return 0;
}

/* One prefix cut off, or the line as it is. */
static struct span cut_one(struct span line, bool *service) {
    struct span text = skip_blanks(line);
    if (span_starts(text, "NVRM:")) /* further lines of a message, as dmesg indents them */
        return text;
    unsigned char c = text.len ? (unsigned char)text.ptr[0] : 0;
    size_t length = c == '[' ? stamp_length(text) : isdigit(c) ? time_length(text) : 0;
    if (!length && isupper(c)) { /* vLLM writes the level before the time */
        size_t level = level_length(text);
        struct span rest = skip_blanks(span_slice(text, level, text.len));
        size_t time = level ? time_length(rest) : 0;
        length = time ? (size_t)(rest.ptr - text.ptr) + time : 0;
    }
    if (length)
        return cut_after_time(cut_host(span_slice(text, length, text.len)));
    struct span rest = isalpha(c) ? cut_syslog(text) : text;
    if (rest.ptr != text.ptr)
        return rest;
    length = process_length(text);
    if (!length)
        *service |= (length = service_length(text)) > 0;
    if (!length)
        length = glog_length(text);
    if (!length)
        length = root_logger_length(text);
    if (!length)
        length = build_length(text);
    if (length) {
        rest = span_slice(text, length, text.len);
        return rest.len && rest.ptr[0] == ' ' ? span_slice(rest, 1, rest.len) : rest;
    }
    length = mark_length(text);
    return length ? span_slice(text, length, text.len) : line;
}

struct span page_cut_prefix(struct span line, bool *service) {
    *service = false;
    enum { DEEPEST = 6 }; /* a container's name, a process, a time, a bar */
    for (size_t round = 0; round < DEEPEST && line.len; round++) {
        /* nearly every line: a letter, a blank or a quote that starts no prefix */
        struct span next = cut_one(line, service);
        if (next.ptr == line.ptr)
            break;
        line = next;
    }
    return line;
}
