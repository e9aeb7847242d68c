#include "loader/torch_plan.h"

#include <stdio.h>

#include "base/limits.h"
#include "base/text.h"
#include "loader/torch_init.h"

const char *torch_stage_title(enum torch_stage stage) {
    static const char *const titles[] = {
        [TORCH_STAGE_PYTHON] = "the interpreter",
        [TORCH_STAGE_DEPS] = "import torch: libtorch_global_deps.so",
        [TORCH_STAGE_PRELOAD] = "import torch: libraries that torch/__init__.py opens itself",
        [TORCH_STAGE_EXTENSION] = "import torch: torch._C",
        [TORCH_STAGE_COMPANION] = "other packages built on torch",
        [TORCH_STAGE_LATER] = "later, when a GPU is used",
    };
    return titles[stage];
}

const char *torch_stage_name(enum torch_stage stage) {
    static const char *const names[] = {"python", "deps", "preload", "extension", "companion", "later"};
    return names[stage];
}

struct planning {
    struct torch_plan plan;
    struct loader *loader;
    const struct root *root;
    struct arena *arena;
    const struct torch_plan_options *options;
    struct torch_init init;
    int minor;                          /* of Python 3; -1: not known */
    const struct loader_object *ctypes; /* whose code dlopens what Python's ctypes opens */
};

static void stage_end(struct planning *p, enum torch_stage stage) {
    p->plan.first_request[stage + 1] = loader_requests(p->loader)->count;
}

/* The name of a library that is missing for what `object` brought along; NULL: nothing is. */
static const char *missing_for(const struct loader *loader, const struct loader_object *object) {
    const struct loader_requests *requests = loader_requests(loader);
    for (size_t i = 0; i < requests->count; i++) {
        const struct loader_request *request = &requests->items[i];
        for (size_t n = 0; !request->object && !request->optional && n < request->needed_by.count; n++)
            if (request->needed_by.items[n]->group == object)
                return request->name;
    }
    return NULL;
}

static bool open_by_ctypes(struct planning *p, const char *path, bool global) {
    const struct loader_object *object = loader_dlopen(p->loader, p->ctypes, path, global, false);
    return object && !object->error && !missing_for(p->loader, object);
}

/* --- Python ------------------------------------------------------------------------------------------------ */

/* The minor version of this Python 3, from its file ("python3.12", "libpython3.12.so.1.0") or a directory of its
 * sys.path ("lib/python3.12"). -1: none of them says. */
static int python_minor(const struct planning *p) {
    const struct loader_objects *objects = loader_objects(p->loader);
    int minor;
    for (size_t i = 0; i < objects->count; i++) {
        const char *name = text_basename(objects->items[i]->path);
        if (sscanf(name, "python3.%d", &minor) == 1 || sscanf(name, "libpython3.%d.", &minor) == 1)
            return minor;
    }
    for (size_t i = 0; i < p->options->search_path->count; i++) {
        const char *at = strstr(p->options->search_path->items[i], "/python3.");
        if (at && sscanf(at, "/python3.%d", &minor) == 1)
            return minor;
    }
    return -1;
}

/* The file Python imports for an extension module: of its own version, of the stable ABI, or without a tag. */
static const char *extension_find(struct planning *p, const char *directory, const char *name) {
    struct texts names;
    const char *abi = p->minor >= 0 ? arena_printf(p->arena, ".cpython-3%d-", p->minor) : NULL;
    const char *stable = NULL, *any = NULL;
    if (root_list(p->root, p->arena, directory, &names) < 0)
        return NULL;
    for (size_t i = 0; i < names.count; i++) {
        const char *file = names.items[i], *rest = file + strlen(name);
        if (!text_starts(file, name) || rest[0] != '.' || !text_ends(file, ".so"))
            continue;
        if (abi && text_starts(rest, abi))
            return text_path(p->arena, directory, file);
        if (strcmp(rest, ".so") == 0 || text_starts(rest, ".abi3."))
            stable = file;
        else if (!abi)
            any = file;
    }
    const char *found = stable ? stable : any;
    return found ? text_path(p->arena, directory, found) : NULL;
}

/* Python opens extension modules from its own code: libpython's where there is one, else the program's. */
static const struct loader_object *python_code(const struct loader *loader) {
    const struct loader_objects *objects = loader_objects(loader);
    for (size_t i = 0; i < objects->count; i++)
        if (text_starts(text_basename(objects->items[i]->path), "libpython3."))
            return objects->items[i];
    return loader_program(loader);
}

/* _ctypes is an extension module in lib/python3.N/lib-dynload, or part of the interpreter. */
static void ctypes_open(struct planning *p) {
    const struct loader_object *program = loader_program(p->loader);
    if (!program || p->minor < 0)
        return;
    const char *bin = strrchr(program->path, '/');
    const char *prefix = arena_copy_span(p->arena, span_from(program->path, (size_t)(bin - program->path)));
    prefix = arena_copy_span(
        p->arena, span_from(prefix, strrchr(prefix, '/') ? (size_t)(strrchr(prefix, '/') - prefix) : 0));
    const char *path =
        extension_find(p, arena_printf(p->arena, "%s/lib/python3.%d/lib-dynload", prefix, p->minor), "_ctypes");
    if (path)
        p->ctypes = loader_dlopen(p->loader, python_code(p->loader), path, false, true);
}

/* --- libtorch_global_deps and what goes with it ------------------------------------------------------------- */

/* Whether a library could be opened, tried in a process of its own: a failed dlopen leaves nothing behind. */
static bool rehearse(struct planning *p, const char *path, const char **ret_missing) {
    struct loader *loader;
    *ret_missing = NULL;
    if (loader_open(&loader, p->root, loader_options(p->loader)) < 0)
        return true;
    int r = p->options->python ? loader_start(loader, p->options->python) : loader_start_bare(loader);
    const struct loader_object *object = r == 0 ? loader_dlopen(loader, NULL, path, true, false) : NULL;
    const char *missing = object ? missing_for(loader, object) : NULL;
    *ret_missing = missing ? arena_copy(p->arena, missing) : NULL;
    loader_close(loader);
    return !missing;
}

/* One entry of the list. False: the list ends here. */
static bool preload_one(struct planning *p, const struct torch_preload *preload, bool required) {
    const char *path = torch_init_find(&p->init, p->root, p->arena, preload, p->options->search_path);
    if (!path)
        return !(required && preload->required);
    return open_by_ctypes(p, path, false);
}

static bool is_listed(const struct torch_init *init, const char *missing) {
    for (size_t i = 0; i < init->all.count; i++)
        if (strncmp(missing, init->all.items[i].pattern, strcspn(init->all.items[i].pattern, ".")) == 0)
            return true;
    return false;
}

/* Whether a mapped file has that text in its path. */
static bool is_mapped(const struct planning *p, const char *text) {
    const struct loader_objects *objects = loader_objects(p->loader);
    for (size_t i = 0; i < objects->count; i++) {
        const char *real; /* /proc/self/maps shows paths without symlinks and dots */
        if (root_realpath(p->root, p->arena, objects->items[i]->path, &real) == 0 && text_has(real, text))
            return true;
    }
    return false;
}

static void preload_after_success(struct planning *p) {
    if (p->init.maps && !is_mapped(p, p->init.maps))
        return;
    for (size_t i = 0; i < p->init.first.count; i++)
        if (!preload_one(p, &p->init.first.items[i], true))
            return; /* torch swallows the exception */
    for (size_t i = 0; p->init.all_always && i < p->init.all.count; i++)
        if (!preload_one(p, &p->init.all.items[i], p->init.all_required))
            return;
}

static void preload_after_error(struct planning *p, const char *missing) {
    if (!is_listed(&p->init, missing))
        return;
    p->plan.preloads_after_error = true;
    for (size_t i = 0; i < p->init.all.count; i++)
        if (!preload_one(p, &p->init.all.items[i], true)) {
            p->plan.failure =
                arena_printf(p->arena, "%s not found in the system path", p->init.all.items[i].pattern);
            return;
        }
}

static void global_deps_open(struct planning *p) {
    const char *path = text_path(p->arena, p->options->torch_directory, "lib/libtorch_global_deps.so"), *missing;
    if (!root_exists(p->root, path)) {
        stage_end(p, TORCH_STAGE_DEPS);
        return;
    }
    if (rehearse(p, path, &missing)) {
        open_by_ctypes(p, path, true);
        stage_end(p, TORCH_STAGE_DEPS);
        preload_after_success(p);
    } else {
        stage_end(p, TORCH_STAGE_DEPS);
        preload_after_error(p, missing);
        open_by_ctypes(p, path, true);
    }
}

/* --- torch._C ---------------------------------------------------------------------------------------------- */

static void extension_open(struct planning *p) {
    const char *path = extension_find(p, p->options->torch_directory, "_C");
    if (!path) {
        p->plan.failure = "torch/_C for this Python is missing";
        return;
    }
    const struct loader_object *object = loader_dlopen(p->loader, python_code(p->loader), path, false, false);
    const struct loader_object *torch_cpu = loader_find(p->loader, "libtorch_cpu.so");
    const char *missing = object ? missing_for(p->loader, object) : NULL;
    /* PyTorch 2.0 and 2.1: a constructor of libtorch_cpu opens it (torch/csrc/jit/codegen/cuda/interface.cpp) */
    if (torch_cpu && !missing &&
        root_exists(p->root, text_path(p->arena, p->options->torch_directory, "lib/libnvfuser_codegen.so")))
        loader_dlopen(p->loader, torch_cpu, "libnvfuser_codegen.so", false, true);
    if (missing)
        p->plan.failure = arena_printf(p->arena, "%s: cannot open shared object file", missing);
}

/* --- other packages ---------------------------------------------------------------------------------------- */

/* Compiled parts of packages that are built for one release of torch: a directory below site-packages, and the
 * module. They are opened after torch, so that libtorch is found by its soname. */
static const struct {
    const char *directory, *module;
} COMPANIONS[] = {
    {"torchvision", "_C"},
    {"torchvision", "image"},
    {"torchaudio/lib", "libtorchaudio"},
    {"torchaudio/lib", "_torchaudio"},
    {"torchtext/lib", "libtorchtext"},
    {"", "flash_attn_2_cuda"},
    {"flash_attn_3", "_C"},
    {"xformers", "_C"},
    {"xformers", "_C_flashattention"},
    {"apex", "amp_C"},
    {"", "amp_C"},
    {"detectron2", "_C"},
    {"mmcv", "_ext"},
    {"torch_scatter", "_scatter_cuda"},
    {"torch_sparse", "_spmm_cuda"},
    {"torch_cluster", "_knn_cuda"},
    {"pytorch3d", "_C"},
    {"vllm", "_C"},
    {"sgl_kernel", "common_ops"},
    {"causal_conv1d_cuda", "causal_conv1d_cuda"},
    {"", "causal_conv1d_cuda"},
    {"", "selective_scan_cuda"},
    {"nvdiffrast_plugin", "nvdiffrast_plugin"},
    {"fbgemm_gpu", "fbgemm_gpu_py"},
};

static void companions_open(struct planning *p) {
    for (size_t s = 0; s < p->options->search_path->count; s++)
        for (size_t i = 0; i < sizeof COMPANIONS / sizeof *COMPANIONS; i++) {
            const char *directory = p->options->search_path->items[s];
            if (*COMPANIONS[i].directory)
                directory = text_path(p->arena, directory, COMPANIONS[i].directory);
            const char *path = extension_find(p, directory, COMPANIONS[i].module);
            if (path)
                loader_dlopen(p->loader, python_code(p->loader), path, false, true);
        }
}

/* --- later ------------------------------------------------------------------------------------------------- */

/* What libraries open by name once they are used; read from their own strings (CUDA 10.2 to 13.2, cuDNN 8 and 9,
 * NCCL 2.14 to 2.28, PyTorch 1.13 to 2.15). An asterisk: every file of that form beside the library. */
static const struct {
    const char *caller; /* how its file name starts */
    const char *name;
    bool optional; /* it does without */
} LATER[] = {
    {"libcudart", "libcuda.so.1", false},
    {"libtorch_cpu.so", "libcaffe2_nvrtc.so", true},
    {"libtorch_cuda.so", "libtorch_cuda_linalg.so", true},
    {"libtorch_cuda_cu.so", "libtorch_cuda_linalg.so", true},
    {"libnvrtc.so", "libnvrtc-builtins.so.*", true},
    {"libnvrtc-", "libnvrtc-builtins.so.*", true},
    {"libcudnn.so.8", "libcudnn_ops_infer.so.8", false},
    {"libcudnn.so.8", "libcudnn_cnn_infer.so.8", false},
    {"libcudnn.so.8", "libcudnn_adv_infer.so.8", false},
    {"libcudnn.so.8", "libcudnn_ops_train.so.8", false},
    {"libcudnn.so.8", "libcudnn_cnn_train.so.8", false},
    {"libcudnn.so.8", "libcudnn_adv_train.so.8", false},
    {"libcudnn.so.9", "libcudnn_graph.so.9", false},
    {"libcudnn.so.9", "libcudnn_ops.so.9", false},
    {"libcudnn.so.9", "libcudnn_cnn.so.9", false},
    {"libcudnn.so.9", "libcudnn_adv.so.9", false},
    {"libcudnn.so.9", "libcudnn_ext.so.*", true},
    {"libcudnn_graph.so.9", "libcudnn_heuristic.so.9", false},
    {"libcudnn_graph.so.9", "libcudnn_engines_precompiled.so.9", false},
    {"libcudnn_graph.so.9", "libcudnn_engines_runtime_compiled.so.9", false},
    {"libcudnn_graph.so.9", "libcudnn_engines_tensor_ir.so.*", true},
    {"libc10_cuda.so", "libnvidia-ml.so.1", true},
    {"libnccl.so", "libnvidia-ml.so.1", true},
    {"libcublasLt.so.13", "libnvrtc.so.13", true},
    {"libcufft.so.12", "libnvJitLink.so.13", true},
    {"libcusparse.so.12", "libnvJitLink.so.1*", true},
};

static void later_open(struct planning *p, const struct loader_object *caller, const char *name, bool optional) {
    const char *star = strchr(name, '*'), *slash = strrchr(caller->path, '/');
    struct texts names = {0};
    if (!star) {
        loader_dlopen(p->loader, caller, name, false, optional);
        return;
    }
    const char *directory = arena_copy_span(p->arena, span_from(caller->path, (size_t)(slash - caller->path)));
    root_list(p->root, p->arena, *directory ? directory : "/", &names);
    for (size_t i = 0; i < names.count; i++)
        if (strncmp(names.items[i], name, (size_t)(star - name)) == 0 && !text_has(names.items[i], ".alt."))
            loader_dlopen(p->loader, caller, names.items[i], false, optional);
}

static void later_all(struct planning *p) {
    const struct loader_objects *objects = loader_objects(p->loader);
    for (size_t i = 0; i < objects->count; i++) /* the list grows on the way */
        for (size_t l = 0; l < sizeof LATER / sizeof *LATER; l++)
            if (text_starts(text_basename(objects->items[i]->path), LATER[l].caller))
                later_open(p, objects->items[i], LATER[l].name, LATER[l].optional);
}

int loader_torch_plan(struct torch_plan *ret_plan, struct loader *loader, const struct root *root,
                      struct arena *arena, const struct torch_plan_options *options) {
    static const struct texts nothing;
    struct torch_plan_options own = *options;
    own.search_path = own.search_path ? own.search_path : &nothing;
    struct planning p = {.loader = loader, .root = root, .arena = arena, .options = &own};
    int r = options->python ? loader_start(loader, options->python) : loader_start_bare(loader);
    if (r < 0)
        return r;
    torch_init_read(&p.init, root, arena, options->torch_directory);
    p.plan.cuda = p.init.cuda;
    p.minor = python_minor(&p);
    ctypes_open(&p);
    stage_end(&p, TORCH_STAGE_PYTHON);
    global_deps_open(&p);
    stage_end(&p, TORCH_STAGE_PRELOAD);
    if (!p.plan.failure)
        extension_open(&p);
    stage_end(&p, TORCH_STAGE_EXTENSION);
    if (!p.plan.failure && options->companions)
        companions_open(&p);
    stage_end(&p, TORCH_STAGE_COMPANION);
    if (!p.plan.failure)
        later_all(&p);
    stage_end(&p, TORCH_STAGE_LATER);
    *ret_plan = p.plan;
    return 0;
}
