/* What programs printed: messages recognised in pasted text or in PyTorch's own output. */
#pragma once
#include "facts/fact.h"

#define PRINTED_MESSAGE_FIELDS(T, N, F, L, R)                                                                     \
    T(id, PLAIN, "id in data/messages.csv")                                                                       \
    N(line, PLAIN, "line number in the text")                                                                     \
    T(text, PATH, "the line, as printed")                                                                         \
    T(argument, PATH, "first part the expression captured: a version, a library, a symbol")                       \
    T(second, PATH, "second part it captured")

RECORD(printed_message, PRINTED_MESSAGE_FIELDS)

#define PRINTED_COMMAND_FIELDS(T, N, F, L, R)                                                                     \
    N(line, PLAIN, "line number in the text")                                                                     \
    T(text, PATH, "the command line, as typed")                                                                   \
    T(place, PLAIN, "where: host, container, wsl, windows, job")

RECORD(printed_command, PRINTED_COMMAND_FIELDS)

#define PRINTED_REPORT_FIELDS(T, N, F, L, R)                                                                      \
    N(first_line, PLAIN, "first line")                                                                            \
    N(last_line, PLAIN, "last line")                                                                              \
    T(summary, PLAIN, "what it is and how it differs")

RECORD(printed_report, PRINTED_REPORT_FIELDS)

#define PRINTED_FIELDS(T, N, F, L, R)                                                                             \
    N(lines, PLAIN, "lines read")                                                                                 \
    F(cut, PLAIN, "the text is longer than what is read of it")                                                   \
    R(messages, printed_message, "messages recognised")                                                           \
    R(commands, printed_command, "commands typed")                                                                \
    R(also_seen, printed_report, "other reports in the same text, not judged")                                    \
    L(kinds, PLAIN, "kinds of report recognised: collect_env, nvidia-smi, traceback …")

RECORD(printed_facts, PRINTED_FIELDS)
