#include "import/prompt.h"

#include <ctype.h>

/* --- commands ------------------------------------------------------------------------------------------------ */

/* Programs whose name alone, behind a bare '#' or '>', makes a line a command. Sorted by what they are for. */
static const char *const programs[] = {"nvidia-smi",
                                       "nvidia-smi.exe",
                                       "nvcc",
                                       "nvidia-ctk",
                                       "nvidia-container-cli",
                                       "nvidia-docker",
                                       "nvidia-modprobe",
                                       "nvidia-settings",
                                       "nvidia-persistenced",
                                       "python",
                                       "python2",
                                       "python3",
                                       "ipython",
                                       "py",
                                       "pip",
                                       "pip2",
                                       "pip3",
                                       "uv",
                                       "conda",
                                       "mamba",
                                       "micromamba",
                                       "pixi",
                                       "poetry",
                                       "pipx",
                                       "pdm",
                                       "docker",
                                       "docker-compose",
                                       "podman",
                                       "nerdctl",
                                       "ctr",
                                       "crictl",
                                       "kubectl",
                                       "helm",
                                       "microk8s",
                                       "singularity",
                                       "apptainer",
                                       "enroot",
                                       "srun",
                                       "sbatch",
                                       "salloc",
                                       "squeue",
                                       "sinfo",
                                       "scontrol",
                                       "bsub",
                                       "qsub",
                                       "module",
                                       "ml",
                                       "spack",
                                       "ls",
                                       "cat",
                                       "head",
                                       "tail",
                                       "grep",
                                       "zgrep",
                                       "find",
                                       "locate",
                                       "which",
                                       "whereis",
                                       "where",
                                       "type",
                                       "echo",
                                       "printenv",
                                       "env",
                                       "export",
                                       "set",
                                       "setx",
                                       "unset",
                                       "source",
                                       "cd",
                                       "pwd",
                                       "id",
                                       "groups",
                                       "whoami",
                                       "uname",
                                       "hostnamectl",
                                       "lsb_release",
                                       "lspci",
                                       "lshw",
                                       "inxi",
                                       "lsmod",
                                       "modinfo",
                                       "modprobe",
                                       "rmmod",
                                       "insmod",
                                       "depmod",
                                       "dkms",
                                       "mokutil",
                                       "dmesg",
                                       "journalctl",
                                       "systemctl",
                                       "service",
                                       "update-initramfs",
                                       "mkinitcpio",
                                       "dracut",
                                       "update-grub",
                                       "prime-select",
                                       "ubuntu-drivers",
                                       "apt",
                                       "apt-get",
                                       "apt-cache",
                                       "aptitude",
                                       "dpkg",
                                       "yum",
                                       "dnf",
                                       "rpm",
                                       "zypper",
                                       "pacman",
                                       "yay",
                                       "snap",
                                       "flatpak",
                                       "nix-shell",
                                       "nix",
                                       "nix-build",
                                       "sudo",
                                       "su",
                                       "ldd",
                                       "ldconfig",
                                       "readelf",
                                       "objdump",
                                       "nm",
                                       "strace",
                                       "ltrace",
                                       "gdb",
                                       "gcc",
                                       "g++",
                                       "clang",
                                       "cmake",
                                       "make",
                                       "ninja",
                                       "git",
                                       "wget",
                                       "curl",
                                       "sh",
                                       "bash",
                                       "chmod",
                                       "chown",
                                       "ln",
                                       "cp",
                                       "mv",
                                       "rm",
                                       "mkdir",
                                       "touch",
                                       "tar",
                                       "unzip",
                                       "reboot",
                                       "wsl",
                                       "wsl.exe",
                                       "ver",
                                       "winver",
                                       "systeminfo",
                                       "dir",
                                       "get-command",
                                       "jetson_release",
                                       "jtop",
                                       "tegrastats",
                                       "nvpmodel",
                                       "torchrun",
                                       "accelerate",
                                       "deepspeed",
                                       "vllm",
                                       "ollama",
                                       "jupyter",
                                       "streamlit",
                                       "ds_report",
                                       "transformers-cli",
                                       "yolo",
                                       "cuda-memcheck",
                                       "compute-sanitizer",
                                       "deviceQuery",
                                       "time",
                                       "nohup",
                                       "watch",
                                       "ssh",
                                       "exit",
                                       "mpirun",
                                       "mpiexec",
                                       "go",
                                       "cargo",
                                       "npm",
                                       "node",
                                       "xvfb-run",
                                       "virtualenv",
                                       "pyenv",
                                       "update-alternatives",
                                       "sw_vers",
                                       "nvitop",
                                       "gpustat",
                                       "lscpu",
                                       "free",
                                       "df",
                                       "ps",
                                       "kill",
                                       "sysctl",
                                       "swapoff",
                                       "cuobjdump",
                                       "numba",
                                       "dotnet",
                                       "screen"};

static bool is_program(struct span word) {
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
        if (span_eq(word, programs[i]))
            return true;
    return (span_starts(word, "./") || span_starts(word, "~/") || (span_starts(word, "/") && word.len > 3)) &&
           !memchr(word.ptr, ':', word.len);
}

/* First words that need one of these second ones, where no prompt says that the line was typed. "*": any option,
 * "" : nothing else on the line. */
static const struct {
    const char *program, *seconds;
} bare[] = {
    {"pip", "install uninstall list show freeze check download cache config debug index"},
    {"pip3", "install uninstall list show freeze check download cache"},
    {"uv", "pip add sync run venv lock init python tool"},
    {"conda", "install create activate list info env update remove config search deactivate"},
    {"mamba", "install create activate list info env update remove"},
    {"micromamba", "install create activate list"},
    {"poetry", "add install run shell update show lock"},
    {"docker", "run build exec compose pull start images ps info version load save --version * context inspect"},
    {"docker-compose", "up run build exec logs"},
    {"podman", "run build exec info version"},
    {"nerdctl", "run build exec"},
    {"nvidia-docker", "run build"},
    {"singularity", "run exec shell pull build"},
    {"apptainer", "run exec shell pull build"},
    {"kubectl", "get describe logs apply exec create"},
    {"nvidia-smi", " *"},
    {"nvidia-smi.exe", " *"},
    {"nvcc", "*"},
    {"python", "*"},
    {"python3", "*"},
    {"srun", "*"},
    {"sbatch", "*"},
    {"sudo", "apt apt-get docker modprobe nvidia-smi sh pip pip3 python python3 dkms lshw dmesg systemctl dnf yum "
             "pacman rmmod nvidia-ctk mokutil prime-select ubuntu-drivers update-initramfs lspci nvidia-modprobe "
             "podman bash ldconfig zypper insmod *"},
    {"apt", "install remove update upgrade purge list search autoremove"},
    {"apt-get", "install remove update upgrade purge autoremove"},
    {"git", "clone checkout pull submodule"},
    {"lspci", " *"},
    {"lsmod", " * |"},
    {"uname", " *"},
    {"dmesg", " * |"},
    {"modprobe", "nvidia nvidia_uvm nvidia-uvm nvidia_drm *"},
    {"dkms", "status install build autoinstall add remove"},
    {"module", "load list avail purge"},
    {"export", "="},
    {"set", "="},
    {"setx", "CUDA_VISIBLE_DEVICES CUDA_HOME CUDA_PATH"},
    {"unset", "LD_LIBRARY_PATH CUDA_VISIBLE_DEVICES PYTHONPATH CUDA_HOME"},
    {"source", "/"},
    {"torchrun", "*"},
    {"accelerate", "launch config env"},
    {"vllm", "serve bench collect-env chat"},
    {"wsl", "* "},
    {"mokutil", "*"},
    {"ldconfig", "*"},
};

/* "NAME=", "NAME=value ", with quotes around the value. */
size_t assignment_length(struct span text) {
    size_t at = 0;
    while (at < text.len && (isalnum((unsigned char)text.ptr[at]) || text.ptr[at] == '_'))
        at++;
    if (at < 2 || at >= text.len || text.ptr[at] != '=' || isdigit((unsigned char)text.ptr[0]))
        return 0;
    if (at + 1 < text.len && text.ptr[at + 1] == '=')
        return 0; /* a comparison, or a requirement */
    at++;
    if (at < text.len && (text.ptr[at] == '"' || text.ptr[at] == '\'')) {
        const char *close = memchr(text.ptr + at + 1, text.ptr[at], text.len - at - 1);
        at = close ? (size_t)(close - text.ptr) + 1 : text.len;
    }
    while (at < text.len && text.ptr[at] != ' ')
        at++;
    while (at < text.len && text.ptr[at] == ' ')
        at++;
    return at;
}

static bool has_second(const char *seconds, struct span second) {
    struct span rest = span_of(seconds), word;
    if (!second.len)
        return seconds[0] == ' ';
    while (span_next_word(&rest, &word)) {
        if (span_eq(word, "*") && second.ptr[0] == '-')
            return true;
        if (span_eq(word, "=") && assignment_length(second))
            return true;
        if (span_eq(word, "/") && (memchr(second.ptr, '/', second.len) || span_has(second, "activate")))
            return true;
        if (word.len == second.len && memcmp(word.ptr, second.ptr, word.len) == 0)
            return true;
    }
    return false;
}

bool is_command(struct span text) {
    struct span rest = text, first, second = {0};
    bool assigned = false;
    for (size_t length; (length = assignment_length(rest)); assigned = true) {
        bool upper = rest.len && isupper((unsigned char)rest.ptr[0]);
        rest = span_slice(rest, length, rest.len);
        if (!upper)
            return false;
    }
    if (!span_next_word(&rest, &first))
        return false;
    span_next_word(&rest, &second);
    if (span_has(text, "did not run"))
        return false; /* pip, about a command of its own */
    if (assigned)
        return is_program(first) || span_eq(first, "\\");
    if (span_starts(first, "./") && span_ends(first, ".sh") && !second.len)
        return true;
    if ((span_eq(first, "python") || span_eq(first, "python3")) && span_ends(second, ".py"))
        return true;
    if (span_eq(first, "cd") && second.len && span_has(rest, "&&"))
        return true;
    for (size_t i = 0; i < sizeof bare / sizeof *bare; i++)
        if (span_eq(first, bare[i].program))
            return has_second(bare[i].seconds, second);
    return false;
}

/* --- prompts ------------------------------------------------------------------------------------------------- */

static bool take(struct line *line, enum line_kind kind, enum prompt_style style, struct span all, size_t prompt) {
    line->kind = kind;
    line->style = style;
    line->prompt = span_trim(span_slice(all, 0, prompt));
    line->text = span_trim(span_slice(all, prompt, all.len));
    return true;
}

/* "(base) (env) " in front of a prompt: its length. */
static size_t environments_length(struct span text) {
    size_t at = 0;
    while (at < text.len && text.ptr[at] == '(') {
        const char *close = memchr(text.ptr + at, ')', text.len - at < 80 ? text.len - at : 80);
        if (!close)
            break;
        size_t end = (size_t)(close - text.ptr) + 1;
        if (end < text.len && text.ptr[end] == ' ')
            end++;
        at = end;
    }
    return at;
}

static bool python_prompt(struct span text, struct line *line) {
    if (span_starts(text, ">>>"))
        return take(line, LINE_PYTHON, PROMPT_PYTHON, text, 3);
    if (span_starts(text, "... ") || span_eq(text, "..."))
        return take(line, LINE_CONTINUED, PROMPT_PYTHON, text, 3);
    if (span_starts(text, "In [") || span_starts(text, "In[") || span_starts(text, "Out[")) {
        const char *colon = memchr(text.ptr, ':', text.len < 12 ? text.len : 12);
        if (!colon)
            return false;
        size_t prompt = (size_t)(colon - text.ptr) + 1;
        if (text.ptr[0] == 'O')
            return take(line, LINE_OUTPUT, PROMPT_NOTEBOOK, text, prompt);
        take(line, LINE_PYTHON, PROMPT_NOTEBOOK, text, prompt);
        if (span_starts(line->text, "!") || span_starts(line->text, "%pip") || span_starts(line->text, "%conda")) {
            line->kind = LINE_SHELL;
            line->text = span_slice(line->text, 1, line->text.len);
        }
        return true;
    }
    if (span_starts(text, "...:"))
        return take(line, LINE_CONTINUED, PROMPT_NOTEBOOK, text, 4);
    return false;
}

/* "C:\Users\user>pip", "(env) C:\>", "PS C:\x> ", "PS>" */
static bool windows_prompt(struct span text, struct line *line) {
    size_t at = environments_length(text);
    struct span rest = span_slice(text, at, text.len);
    bool shell = span_starts(rest, "PS ") || span_starts(rest, "PS>");
    struct span path = shell ? span_slice(rest, 2, rest.len) : rest;
    while (path.len && path.ptr[0] == ' ')
        path = span_slice(path, 1, path.len);
    bool drive = path.len > 2 && isalpha((unsigned char)path.ptr[0]) && path.ptr[1] == ':' &&
                 (path.ptr[2] == '\\' || path.ptr[2] == '/' || path.ptr[2] == '>');
    if (!drive && !shell)
        return false;
    const char *end = path.len ? memchr(path.ptr, '>', path.len < 260 ? path.len : 260) : NULL;
    if (!end || memchr(path.ptr, '"', (size_t)(end - path.ptr)) || memchr(path.ptr, '<', (size_t)(end - path.ptr)))
        return false;
    return take(line, LINE_SHELL, PROMPT_WINDOWS, text, (size_t)(end - text.ptr) + 1);
}

/* "user@host:~/dir", "[root@host ~]", "sh-4.4", "root@4f2e1a:/app", "(container)", "host", "~/src" */
static bool is_prompt_text(struct span text) {
    text = span_trim(text);
    if (!text.len || text.len > 120)
        return !text.len;
    if (text.ptr[0] == '[' && text.ptr[text.len - 1] == ']')
        return memchr(text.ptr, '@', text.len) || memchr(text.ptr, ' ', text.len);
    bool named = text.ptr[0] == '~' || text.ptr[0] == '/', blank = false;
    for (size_t i = 0; i < text.len; i++) {
        named |= text.ptr[i] == '@' || text.ptr[i] == ':' || text.ptr[i] == '~';
        blank |= text.ptr[i] == ' ';
        if (strchr("\"'=;,<>|", text.ptr[i]) && !(text.ptr[i] == ',' && i))
            return false;
    }
    if (blank)
        return memchr(text.ptr, '@', text.len) != NULL; /* zsh: "user@host dir %" */
    return named || span_starts(text, "sh-") || span_starts(text, "bash-") || text.len <= 16;
}

static const struct {
    const char *sign;
    bool root;  /* also opens a remark */
    bool alone; /* counts without anything in front */
} signs[] = {{"$ ", false, true},      {"# ", true, true},       {"% ", false, true},
             {"\u276f ", false, true}, {"\u279c ", false, true}, {"\u03bb ", false, true}};

/* A prompt of a Unix shell: an environment, user and host, a directory, and its sign. */
static bool unix_prompt(struct span text, struct line *line) {
    size_t environments = environments_length(text);
    struct span rest = span_slice(text, environments, text.len);
    bool sign_there = false;
    for (size_t i = 0; i < rest.len && i < 140 && !sign_there; i++)
        sign_there = strchr("$#%\xe2\xce", rest.ptr[i]) != NULL;
    for (size_t i = 0; sign_there && i < sizeof signs / sizeof *signs; i++) {
        size_t at = span_find(span_slice(rest, 0, 140), signs[i].sign);
        size_t sign = strlen(signs[i].sign);
        if (at == SIZE_MAX && rest.len && span_eq(span_slice(rest, rest.len - 1, rest.len), "$") && i == 0) {
            at = rest.len - 1; /* an empty prompt */
            sign = 1;
        }
        if (at == SIZE_MAX || !is_prompt_text(span_slice(rest, 0, at)))
            continue;
        struct span command = span_trim(span_slice(rest, at + sign, rest.len)), first;
        struct span words = command;
        bool plain = !span_next_word(&words, &first) || is_program(first) || assignment_length(command);
        bool named = at > 0 && (memchr(rest.ptr, '@', at) || memchr(rest.ptr, ':', at) || rest.ptr[0] == '[');
        if (!plain && signs[i].root && !named && !environments)
            continue; /* a remark, or a word and a number sign */
        if (!plain && at > 0 && !named && !environments && !span_starts(rest, "sh-") &&
            !span_starts(rest, "bash-"))
            continue;
        return take(line, LINE_SHELL, PROMPT_UNIX, text, environments + at + sign);
    }
    /* "<<SHELL>>eval …": the mark of a launcher */
    size_t mark = span_starts(rest, "<<") ? span_find(span_slice(rest, 0, 60), ">>") : SIZE_MAX;
    if (mark != SIZE_MAX)
        return take(line, LINE_SHELL, PROMPT_UNIX, text, environments + mark + 2);
    /* "(llama) conda install pytorch": an environment and no sign */
    if (environments && is_command(rest))
        return take(line, LINE_SHELL, PROMPT_UNIX, text, environments);
    return false;
}

/* "> pip list", "+ docker run", "!pip install", "RUN pip install", "Executing: nvidia-smi" */
static bool bare_prompt(struct span text, struct line *line) {
    static const struct {
        const char *sign;
        enum prompt_style style;
        bool always;
    } marks[] = {{"> ", PROMPT_WINDOWS, false},     {">", PROMPT_WINDOWS, false},
                 {"+ ", PROMPT_BUILD, false},       {"!", PROMPT_NOTEBOOK, false},
                 {"%", PROMPT_NOTEBOOK, false},     {"RUN ", PROMPT_BUILD, true},
                 {"cmd: ", PROMPT_UNIX, true},      {"Executing: ", PROMPT_UNIX, true},
                 {"Command: ", PROMPT_UNIX, false}, {"Running command: ", PROMPT_UNIX, true},
                 {"command: ", PROMPT_UNIX, false}};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        if (!span_starts(text, marks[i].sign))
            continue;
        struct span command = span_trim(span_slice(text, strlen(marks[i].sign), text.len)), first, words = command;
        bool known = span_next_word(&words, &first) && (is_program(first) || assignment_length(command));
        if (known || (marks[i].always && first.len))
            return take(line, LINE_SHELL, marks[i].style, text, strlen(marks[i].sign));
    }
    return false;
}

void line_classify(struct span cleaned, size_t number, struct line *ret_line) {
    struct span text = span_trim(cleaned);
    *ret_line = (struct line){.number = number, .whole = cleaned, .text = text};
    ret_line->indent = text.len ? (size_t)(text.ptr - cleaned.ptr) : 0;
    if (!text.len) {
        ret_line->kind = LINE_BLANK;
        return;
    }
    if (python_prompt(text, ret_line) || windows_prompt(text, ret_line) || unix_prompt(text, ret_line) ||
        bare_prompt(text, ret_line))
        return;
    if (text.ptr[0] == '#' && text.len > 1 && (text.ptr[1] == ' ' || text.ptr[1] == '#')) {
        size_t at = 0;
        while (at < text.len && (text.ptr[at] == '#' || text.ptr[at] == ' '))
            at++;
        take(ret_line, LINE_REMARK, PROMPT_NONE, text, at);
        return;
    }
    if (is_command(text))
        take(ret_line, LINE_SHELL, PROMPT_NONE, text, 0);
}
