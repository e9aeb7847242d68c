/* The named maximum of every loop and read over foreign data. Reaching one is itself told to the user. */
#pragma once

enum {
    LIMIT_TEXT = 16 * 1024,             /* bytes of one fact's text */
    LIMIT_SMALL_FILE = 256 * 1024,      /* bytes read of a /proc, /sys, configuration or metadata file */
    LIMIT_FILE = 16 * 1024 * 1024,      /* bytes read of a file that may be large (RECORD, modules.dep, a log) */
    LIMIT_DIRECTORY = 16 * 1024,        /* entries read of one directory */
    LIMIT_PATH = 4096,                  /* bytes of a path */
    LIMIT_SYMLINKS = 40,                /* symlinks followed in one path, as Linux does */
    LIMIT_ROWS = 4096,                  /* rows of one list in a snapshot */
    LIMIT_FIELD_NAME = 64,              /* bytes of a key that an error message repeats */
    LIMIT_ENVIRONMENTS = 256,           /* Python environments that are listed */
    LIMIT_SIBLINGS = 1024,              /* entries of the working directory looked into for environments */
    LIMIT_PYTHON_MINOR = 32,            /* python3.0 to python3.31 are looked for on PATH */
    LIMIT_MARKER_DEPTH = 32,            /* parentheses in a requirement's marker */
    LIMIT_JSON_DEPTH = 64,              /* nesting of a snapshot read back */
    LIMIT_PATH_ENTRIES = 1024,          /* entries of PATH, LD_LIBRARY_PATH … */
    LIMIT_TOOLKITS = 64,                /* CUDA toolkits described */
    LIMIT_COMPILERS = 64,               /* host compilers described */
    LIMIT_UNPACKED = 256 * 1024 * 1024, /* bytes that may come out of one compressed kernel module */
    LIMIT_KERNELS = 64,                 /* kernel releases whose modules are looked at */
    LIMIT_LOG = 4 * 1024 * 1024,        /* bytes read of the end of a log, and of the kernel's ring buffer */
    LIMIT_LOG_KINDS = 256,              /* different messages kept of a kernel log */
    LIMIT_PACKAGES = 512,               /* packages of the driver kept from a package manager's database */
    LIMIT_QUERY_STEPS = 20000000,       /* instructions of SQLite's machine in one query */
    LIMIT_ELF_SECTIONS = 128 * 1024,    /* section headers of one ELF file (-ffunction-sections makes many) */
    LIMIT_ELF_SEGMENTS = 4096,          /* program headers of one ELF file */
    LIMIT_FATBIN_ENTRIES = 1 << 20,     /* fatbin entries, and modules, of one file (cuFFT has 24 thousand) */
    LIMIT_FATBIN_MIXES = 512,           /* different sets of targets among the modules of one file */
    LIMIT_FATBIN_SECTIONS = 4096,       /* sections of GPU code of one ELF file */
    LIMIT_AR_MEMBERS = 64 * 1024,       /* members of one static archive */
    LIMIT_ELF_DYNAMIC = 16 * 1024,      /* entries of one dynamic section */
    LIMIT_ELF_TABLE = 1 << 28,       /* bytes of a symbol, string, hash or version table, and of the names read */
    LIMIT_ELF_VERSIONS = 64 * 1024,  /* version nodes of one ELF file */
    LIMIT_LDCACHE = 256 * 1024,      /* entries of ld.so.cache */
    LIMIT_LOADER_OBJECTS = 4096,     /* libraries of one process */
    LIMIT_LOADER_DIRECTORIES = 4096, /* directories of one search list */
    LIMIT_LOADER_REQUESTS = 64 * 1024, /* names asked for by all of them */
    LIMIT_UNDEFINED = 4096,            /* missing symbols told of one library */
    LIMIT_SNAPSHOT = 32 * 1024 * 1024, /* bytes of a snapshot read back */
    LIMIT_REPORT = 256 * 1024 * 1024   /* bytes of a report written */
};

/* Of pasted text. */
enum {
    LIMIT_REPORT_LINE = 16 * 1024, /* bytes kept of one line */
    LIMIT_REPORT_LINES = 1 << 20,  /* lines read */
    LIMIT_REPORT_BLOCKS = 256,     /* commands with their output that are told apart */
    LIMIT_REPORT_COMMAND = 4096,   /* bytes of one command, continuations joined */
    LIMIT_REPORT_ROWS = 256,       /* rows that one text adds to a list of facts */
    LIMIT_REPORT_MESSAGES = 1024   /* messages recognised */
};
