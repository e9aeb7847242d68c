#include "ptx.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPERANDS = 8,
    INSTRUCTIONS = 512,
    REGISTERS = 128,
    LABELS = 32,
    PARAMETERS = 16,
    SHARED_MAX = 48 * 1024,
    SYMBOLS = 8
};

enum op {
    OP_LD_PARAM,
    OP_LD_GLOBAL,
    OP_LD_SHARED,
    OP_ST_GLOBAL,
    OP_ST_SHARED,
    OP_MOV,
    OP_ADD32,
    OP_ADD64,
    OP_MUL_LO,
    OP_MUL_WIDE,
    OP_MAD_LO,
    OP_SHL32,
    OP_SHL64,
    OP_SHR,
    OP_AND,
    OP_CVT,
    OP_FMA,
    OP_LT,
    OP_GE,
    OP_EQ,
    OP_BRA,
    OP_RET,
    OP_BAR,
    OP_ATOM
};

/* Every mnemonic that is understood, with the bytes of one element and how many there are. */
static const struct {
    const char *name;
    enum op op;
    int bytes, vector;
} mnemonics[] = {
    {"ld.param.u64", OP_LD_PARAM, 8, 1},
    {"ld.param.u32", OP_LD_PARAM, 4, 1},
    {"ld.global.u32", OP_LD_GLOBAL, 4, 1},
    {"ld.global.v4.f32", OP_LD_GLOBAL, 4, 4},
    {"ld.shared.v4.f32", OP_LD_SHARED, 4, 4},
    {"st.global.u32", OP_ST_GLOBAL, 4, 1},
    {"st.global.v4.f32", OP_ST_GLOBAL, 4, 4},
    {"st.shared.f32", OP_ST_SHARED, 4, 1},
    {"st.shared.v4.f32", OP_ST_SHARED, 4, 4},
    {"mov.u32", OP_MOV, 4, 1},
    {"mov.f32", OP_MOV, 4, 1},
    {"add.u32", OP_ADD32, 4, 1},
    {"add.u64", OP_ADD64, 8, 1},
    {"mul.lo.u32", OP_MUL_LO, 4, 1},
    {"mul.wide.u32", OP_MUL_WIDE, 8, 1},
    {"mad.lo.u32", OP_MAD_LO, 4, 1},
    {"shl.b32", OP_SHL32, 4, 1},
    {"shl.b64", OP_SHL64, 8, 1},
    {"shr.u32", OP_SHR, 4, 1},
    {"and.b32", OP_AND, 4, 1},
    {"cvt.u64.u32", OP_CVT, 8, 1},
    {"cvta.to.global.u64", OP_MOV, 8, 1},
    {"fma.rn.f32", OP_FMA, 4, 1},
    {"setp.lt.u32", OP_LT, 4, 1},
    {"setp.ge.u32", OP_GE, 4, 1},
    {"setp.eq.u32", OP_EQ, 4, 1},
    {"bra", OP_BRA, 0, 1},
    {"ret", OP_RET, 0, 1},
    {"bar.sync", OP_BAR, 0, 1},
    {"atom.global.add.u32", OP_ATOM, 4, 1},
};

/* Operands are register numbers; constants live in registers of their own, set once. */
struct instruction {
    enum op op;
    int bytes, vector;
    int predicate; /* register, -1: always */
    bool negated;
    int operand[OPERANDS]; /* registers, or an instruction number for bra, or a parameter's number */
    int64_t offset;        /* of an address */
};

enum special { TID_X, TID_Y, TID_Z, NTID_X, NTID_Y, NTID_Z, CTAID_X, CTAID_Y, CTAID_Z, NCTAID_X, SPECIALS };
static const char *const special_names[SPECIALS] = {"%tid.x",  "%tid.y",   "%tid.z",   "%ntid.x",  "%ntid.y",
                                                    "%ntid.z", "%ctaid.x", "%ctaid.y", "%ctaid.z", "%nctaid.x"};

struct named {
    char name[32];
    int64_t value;
};

struct ptx_kernel {
    char name[64];
    struct instruction code[INSTRUCTIONS];
    int count, registers, parameters, labels, symbols;
    struct named reg[REGISTERS], label[LABELS], symbol[SYMBOLS]; /* symbols: shared arrays and their offsets */
    char parameter[PARAMETERS][32];
    int parameter_bytes[PARAMETERS];
    uint64_t constant[REGISTERS];
    bool is_constant[REGISTERS];
    int shared;
};

struct parser {
    struct ptx_kernel *kernel;
    char *error;
    size_t error_size;
    bool failed;
};

static void fail(struct parser *parser, const char *what, const char *where) {
    if (!parser->failed)
        snprintf(parser->error, parser->error_size, "%s: '%.60s'", what, where);
    parser->failed = true;
}

static int find(const struct named *list, int count, const char *name) {
    for (int i = 0; i < count; i++)
        if (strcmp(list[i].name, name) == 0)
            return i;
    return -1;
}

static int new_register(struct parser *parser, const char *name) {
    struct ptx_kernel *kernel = parser->kernel;
    if (kernel->registers == REGISTERS) {
        fail(parser, "too many registers", name);
        return 0;
    }
    snprintf(kernel->reg[kernel->registers].name, 32, "%s", name);
    return kernel->registers++;
}

static int constant(struct parser *parser, const char *name, uint64_t value) {
    int number = find(parser->kernel->reg, parser->kernel->registers, name);
    if (number < 0)
        number = new_register(parser, name);
    parser->kernel->constant[number] = value;
    parser->kernel->is_constant[number] = true;
    return number;
}

static int operand(struct parser *parser, const char *text) {
    struct ptx_kernel *kernel = parser->kernel;
    int number = find(kernel->reg, kernel->registers, text);
    if (number >= 0)
        return number;
    int symbol = find(kernel->symbol, kernel->symbols, text);
    if (symbol >= 0)
        return constant(parser, text, (uint64_t)kernel->symbol[symbol].value);
    char *end;
    if (strncmp(text, "0f", 2) == 0)
        return constant(parser, text, strtoull(text + 2, NULL, 16));
    uint64_t value = strtoull(text, &end, 0);
    if (!isdigit((unsigned char)text[0]) || *end)
        fail(parser, "not declared", text);
    return constant(parser, text, value);
}

/* "[%sta+272]" */
static void address(struct parser *parser, struct instruction *code, int slot, char *text) {
    size_t len = strlen(text);
    if (text[0] != '[' || len < 3 || text[len - 1] != ']') {
        fail(parser, "not an address", text);
        return;
    }
    text[len - 1] = '\0';
    char *plus = strchr(text, '+');
    if (plus) {
        *plus = '\0';
        code->offset = strtoll(plus + 1, NULL, 10);
    }
    if (code->op == OP_LD_PARAM) {
        for (int i = 0; i < parser->kernel->parameters; i++)
            if (strcmp(parser->kernel->parameter[i], text + 1) == 0) {
                code->operand[slot] = i;
                if (parser->kernel->parameter_bytes[i] != code->bytes)
                    fail(parser, "parameter of another size", text);
                return;
            }
        fail(parser, "no such parameter", text);
        return;
    }
    code->operand[slot] = operand(parser, text + 1);
}

/* Operands separated by commas; a vector in braces is four of them. */
static int split(char *text, char *parts[OPERANDS + 1]) {
    int count = 0;
    for (char *p = text; *p;) {
        while (isspace((unsigned char)*p) || *p == ',' || *p == '{' || *p == '}')
            p++;
        if (!*p || count > OPERANDS)
            break;
        parts[count++] = p;
        while (*p && !isspace((unsigned char)*p) && *p != ',' && *p != '}')
            p++;
        if (*p)
            *p++ = '\0';
    }
    return count;
}

static void parse_instruction(struct parser *parser, char *text) {
    struct ptx_kernel *kernel = parser->kernel;
    if (kernel->count == INSTRUCTIONS) {
        fail(parser, "too many instructions", text);
        return;
    }
    struct instruction *code = &kernel->code[kernel->count];
    *code = (struct instruction){.predicate = -1};
    if (*text == '@') {
        code->negated = text[1] == '!';
        char *name = text + 1 + code->negated, *end = name + strcspn(name, " \t");
        text = *end ? end + 1 : end;
        *end = '\0';
        code->predicate = operand(parser, name);
    }
    size_t len = strcspn(text, " \t");
    char *rest = text + len, *parts[OPERANDS + 1];
    if (*rest)
        *rest++ = '\0';
    size_t i = 0;
    while (i < sizeof mnemonics / sizeof *mnemonics && strcmp(mnemonics[i].name, text) != 0)
        i++;
    if (i == sizeof mnemonics / sizeof *mnemonics) {
        fail(parser, "instruction not known", text);
        return;
    }
    code->op = mnemonics[i].op;
    code->bytes = mnemonics[i].bytes;
    code->vector = mnemonics[i].vector;
    int count = split(rest, parts);
    for (int k = 0; k < count && !parser->failed; k++) {
        if (code->op == OP_BRA) {
            int label = find(kernel->label, kernel->labels, parts[k]);
            if (label < 0)
                fail(parser, "no such label", parts[k]);
            code->operand[k] = label;
        } else if (parts[k][0] == '[') {
            address(parser, code, k, parts[k]);
        } else {
            code->operand[k] = operand(parser, parts[k]);
        }
    }
    kernel->count++;
}

static void parse_declaration(struct parser *parser, char *text) {
    struct ptx_kernel *kernel = parser->kernel;
    int align, bytes;
    char name[32];
    if (sscanf(text, ".shared .align %d .b8 %31[A-Za-z0-9_][%d]", &align, name, &bytes) == 3) {
        kernel->shared = (kernel->shared + align - 1) / align * align;
        if (kernel->symbols == SYMBOLS || kernel->shared + bytes > SHARED_MAX) {
            fail(parser, "too much shared memory", name);
            return;
        }
        snprintf(kernel->symbol[kernel->symbols].name, 32, "%s", name);
        kernel->symbol[kernel->symbols++].value = kernel->shared;
        kernel->shared += bytes;
        return;
    }
    fail(parser, "declaration not known", text);
}

/* Statements end in ';', labels in ':'. Called twice: labels first, so that branches may go forward. */
static void parse_body(struct parser *parser, const char *body, const char *end, bool labels) {
    struct ptx_kernel *kernel = parser->kernel;
    int position = 0;
    for (const char *p = body; p < end && !parser->failed;) {
        while (p < end && isspace((unsigned char)*p))
            p++;
        size_t len = strcspn(p, ";:");
        if (p + len >= end)
            break;
        char *text = strndup(p, len);
        if (p[len] == ':') {
            if (labels && kernel->labels < LABELS) {
                snprintf(kernel->label[kernel->labels].name, 32, "%s", text);
                kernel->label[kernel->labels++].value = position;
            }
        } else if (text[0] == '.') {
            size_t head = strncmp(text, ".reg", 4) == 0 ? 5 + strcspn(text + 5, " ") : 0;
            if (!labels && head) {
                char *copy = strdup(text + head), *save = NULL;
                for (char *one = strtok_r(copy, ", ", &save); one; one = strtok_r(NULL, ", ", &save))
                    new_register(parser, one);
                free(copy);
            } else if (!labels) {
                parse_declaration(parser, text);
            }
        } else {
            position++;
            if (!labels)
                parse_instruction(parser, text);
        }
        free(text);
        p += len + 1;
    }
}

static void parse_parameters(struct parser *parser, const char *text, const char *end) {
    for (const char *p = text; (p = strstr(p, ".param")) && p < end; p++) {
        struct ptx_kernel *kernel = parser->kernel;
        int bits;
        if (kernel->parameters == PARAMETERS ||
            sscanf(p, ".param .u%d %31[A-Za-z0-9_]", &bits, kernel->parameter[kernel->parameters]) != 2) {
            fail(parser, "parameter not known", p);
            return;
        }
        kernel->parameter_bytes[kernel->parameters++] = bits / 8;
    }
}

static char *without_comments(const char *text) {
    char *copy = strdup(text);
    for (char *p = copy; (p = strstr(p, "//"));)
        while (*p && *p != '\n')
            *p++ = ' ';
    return copy;
}

struct ptx_kernel *ptx_parse(const char *source, char *error, size_t error_size, int *ret_isa, int *ret_target) {
    struct ptx_kernel *kernel = calloc(1, sizeof *kernel);
    struct parser parser = {kernel, error, error_size, false};
    char *text = without_comments(source);
    const char *version = strstr(text, ".version"), *target = strstr(text, ".target"),
               *entry = strstr(text, ".entry");
    int major = 0, minor = 0;
    if (!version || sscanf(version, ".version %d.%d", &major, &minor) != 2 || !target ||
        sscanf(target, ".target sm_%d", ret_target) != 1 || !entry ||
        sscanf(entry, ".entry %63[A-Za-z0-9_]", kernel->name) != 1)
        fail(&parser, "header not known", text);
    *ret_isa = major * 10 + minor;
    const char *open = entry ? strchr(entry, '{') : NULL, *close = open ? strrchr(open, '}') : NULL;
    if (!close)
        fail(&parser, "no body", text);
    for (int i = 0; i < SPECIALS; i++)
        new_register(&parser, special_names[i]);
    if (!parser.failed) {
        parse_parameters(&parser, entry, open);
        parse_body(&parser, open + 1, close, true);
        parse_body(&parser, open + 1, close, false);
        /* labels to instruction numbers */
        for (int i = 0; i < kernel->count; i++)
            if (kernel->code[i].op == OP_BRA)
                kernel->code[i].operand[0] = (int)kernel->label[kernel->code[i].operand[0]].value;
    }
    free(text);
    if (parser.failed) {
        free(kernel);
        return NULL;
    }
    return kernel;
}

const char *ptx_name(const struct ptx_kernel *kernel) {
    return kernel->name;
}

/* --- running ----------------------------------------------------------------------------------------------- */

struct thread {
    int pc; /* -1: has returned */
    uint64_t reg[REGISTERS];
};

static float as_float(uint64_t bits) {
    float value;
    uint32_t low = (uint32_t)bits;
    memcpy(&value, &low, sizeof value);
    return value;
}

static uint64_t from_float(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static int load(const struct instruction *c, uint64_t *r, const char *from, size_t from_size) {
    size_t bytes = (size_t)c->bytes * (size_t)c->vector;
    if (!from || from_size < bytes)
        return 700;
    for (int i = 0; i < c->vector; i++) {
        uint32_t word;
        memcpy(&word, from + 4 * i, 4);
        r[c->operand[i]] = word;
    }
    return 0;
}

static int store_global(const struct ptx_launch *launch, const struct instruction *c, const uint64_t *r) {
    uint32_t words[4];
    size_t bytes = 4 * (size_t)c->vector;
    uint64_t to = r[c->operand[0]] + (uint64_t)c->offset;
    for (int i = 0; i < c->vector; i++)
        words[i] = (uint32_t)r[c->operand[1 + i]];
    if (to % bytes)
        return 716;
    if (launch->store && !launch->store(&to, words, bytes))
        return 0;
    char *memory = launch->memory(to, bytes);
    if (!memory)
        return 700;
    memcpy(memory, words, bytes);
    return 0;
}

/* Runs one thread to the next barrier, or to its end. 0 or a CUresult. */
static int run_thread(const struct ptx_kernel *kernel, const struct ptx_launch *launch, struct thread *thread,
                      char *shared) {
    uint64_t *r = thread->reg;
    int code = 0;
    for (;;) {
        const struct instruction *c = &kernel->code[thread->pc++];
        if (thread->pc > kernel->count)
            return 719;
        if (c->predicate >= 0 && (bool)r[c->predicate] == c->negated)
            continue;
        const int *o = c->operand;
        uint64_t at;
        switch (c->op) {
        case OP_LD_PARAM:
            r[o[0]] = 0;
            memcpy(&r[o[0]], launch->parameters[o[1]], (size_t)c->bytes);
            break;
        case OP_LD_GLOBAL:
            at = r[o[c->vector]] + (uint64_t)c->offset;
            if (at % (4 * (unsigned)c->vector))
                return 716;
            code = load(c, r, launch->memory(at, 4 * (size_t)c->vector), SIZE_MAX);
            break;
        case OP_LD_SHARED:
            at = (uint32_t)(r[o[c->vector]] + (uint64_t)c->offset);
            if (at % (4 * (unsigned)c->vector))
                return 716;
            code = at > (uint64_t)kernel->shared ? 700 : load(c, r, shared + at, (size_t)kernel->shared - at);
            break;
        case OP_ST_GLOBAL:
            code = store_global(launch, c, r);
            break;
        case OP_ST_SHARED:
            at = (uint32_t)(r[o[0]] + (uint64_t)c->offset);
            if (at % (4 * (unsigned)c->vector))
                return 716;
            if (at + 4 * (unsigned)c->vector > (uint64_t)kernel->shared)
                return 700;
            for (int i = 0; i < c->vector; i++) {
                uint32_t word = (uint32_t)r[o[1 + i]];
                memcpy(shared + at + 4 * (unsigned)i, &word, 4);
            }
            break;
        case OP_MOV:
            r[o[0]] = r[o[1]];
            break;
        case OP_ADD32:
            r[o[0]] = (uint32_t)(r[o[1]] + r[o[2]]);
            break;
        case OP_ADD64:
            r[o[0]] = r[o[1]] + r[o[2]];
            break;
        case OP_MUL_LO:
            r[o[0]] = (uint32_t)((uint32_t)r[o[1]] * (uint32_t)r[o[2]]);
            break;
        case OP_MUL_WIDE:
            r[o[0]] = (uint64_t)(uint32_t)r[o[1]] * (uint32_t)r[o[2]];
            break;
        case OP_MAD_LO:
            r[o[0]] = (uint32_t)((uint32_t)r[o[1]] * (uint32_t)r[o[2]] + (uint32_t)r[o[3]]);
            break;
        case OP_SHL32:
            r[o[0]] = (uint32_t)((uint32_t)r[o[1]] << (r[o[2]] & 31));
            break;
        case OP_SHL64:
            r[o[0]] = r[o[1]] << (r[o[2]] & 63);
            break;
        case OP_SHR:
            r[o[0]] = (uint32_t)r[o[1]] >> (r[o[2]] & 31);
            break;
        case OP_AND:
            r[o[0]] = (uint32_t)(r[o[1]] & r[o[2]]);
            break;
        case OP_CVT:
            r[o[0]] = (uint32_t)r[o[1]];
            break;
        case OP_FMA:
            r[o[0]] = from_float(fmaf(as_float(r[o[1]]), as_float(r[o[2]]), as_float(r[o[3]])));
            break;
        case OP_LT:
            r[o[0]] = (uint32_t)r[o[1]] < (uint32_t)r[o[2]];
            break;
        case OP_GE:
            r[o[0]] = (uint32_t)r[o[1]] >= (uint32_t)r[o[2]];
            break;
        case OP_EQ:
            r[o[0]] = (uint32_t)r[o[1]] == (uint32_t)r[o[2]];
            break;
        case OP_BRA:
            thread->pc = o[0];
            break;
        case OP_RET:
            thread->pc = -1;
            return 0;
        case OP_BAR:
            return 0;
        case OP_ATOM: {
            at = r[o[1]] + (uint64_t)c->offset;
            char *memory = launch->memory(at, 4);
            uint32_t word;
            if (!memory)
                return 700;
            memcpy(&word, memory, 4);
            r[o[0]] = word;
            word += (uint32_t)r[o[2]];
            memcpy(memory, &word, 4);
            break;
        }
        }
        if (code)
            return code;
    }
}

static int run_block(const struct ptx_kernel *kernel, const struct ptx_launch *launch, struct thread *threads,
                     unsigned count, char *shared) {
    for (bool running = true; running;) {
        running = false;
        unsigned returned = 0;
        for (unsigned i = 0; i < count; i++) {
            if (threads[i].pc < 0) {
                returned++;
                continue;
            }
            int code = run_thread(kernel, launch, &threads[i], shared);
            if (code)
                return code;
            running |= threads[i].pc >= 0;
        }
        if (running && returned) /* a barrier that not all threads reach: undefined on the device, an error here */
            return 719;
    }
    return 0;
}

int ptx_run(const struct ptx_kernel *kernel, const struct ptx_launch *launch) {
    unsigned count = launch->block[0] * launch->block[1] * launch->block[2];
    if (!count || count > 1024)
        return 1;
    struct thread *threads = calloc(count, sizeof *threads), first = {0};
    char *shared = calloc(1, SHARED_MAX);
    int code = 0;
    for (int i = 0; i < kernel->registers; i++)
        first.reg[i] =
            kernel->is_constant[i] ? kernel->constant[i] : 0xdeadbeefdeadbeefu; /* nothing is zero by itself */
    for (unsigned z = 0; z < launch->grid[2] && !code; z++)
        for (unsigned y = 0; y < launch->grid[1] && !code; y++)
            for (unsigned x = 0; x < launch->grid[0] && !code; x++) {
                memset(shared, 0xcd, SHARED_MAX);
                for (unsigned i = 0; i < count; i++) {
                    threads[i] = first;
                    uint64_t *r = threads[i].reg;
                    r[TID_X] = i % launch->block[0];
                    r[TID_Y] = i / launch->block[0] % launch->block[1];
                    r[TID_Z] = i / launch->block[0] / launch->block[1];
                    r[NTID_X] = launch->block[0], r[NTID_Y] = launch->block[1], r[NTID_Z] = launch->block[2];
                    r[CTAID_X] = x, r[CTAID_Y] = y, r[CTAID_Z] = z;
                    r[NCTAID_X] = launch->grid[0];
                }
                code = run_block(kernel, launch, threads, count, shared);
            }
    free(threads);
    free(shared);
    return code;
}
