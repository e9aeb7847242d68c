/* Runs a fuzz target over the files and folders named on the command line, without a fuzzer. */
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int files;

static int replay(const char *path, const struct stat *st, int type, struct FTW *where) {
    (void)where;
    if (type != FTW_F || st->st_size > 16 * 1024 * 1024)
        return 0;
    FILE *file = fopen(path, "rb");
    if (!file)
        return 0;
    uint8_t *bytes = malloc((size_t)st->st_size + 1);
    size_t size = bytes ? fread(bytes, 1, (size_t)st->st_size, file) : 0;
    fclose(file);
    LLVMFuzzerTestOneInput(bytes, size);
    free(bytes);
    files++;
    return 0;
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++)
        nftw(argv[i], replay, 16, FTW_PHYS);
    printf("%d inputs\n", files);
    return files ? 0 : 1;
}
