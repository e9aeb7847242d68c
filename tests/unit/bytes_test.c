#include <stdlib.h>

#include "format/bytes.h"
#include "support/unit.h"

static void numbers(void **state) {
    (void)state;
    static const unsigned char b[] = {0xff, 0x01, 0x02, 0x03, 0x84, 0x05, 0x06, 0x07, 0x88};
    assert_int_equal(bytes_le16(b + 1), 0x0201);
    assert_int_equal(bytes_be16(b + 1), 0x0102);
    assert_int_equal(bytes_le32(b + 1), 0x84030201);
    assert_int_equal(bytes_be32(b + 1), 0x01020384);
    assert_true(bytes_le64(b + 1) == UINT64_C(0x8807060584030201));
    assert_true(bytes_be64(b + 1) == UINT64_C(0x0102038405060788));
}

/* The same answers as memmem, with the pattern, and parts of it, at every place of every length. */
static void find(void **state) {
    (void)state;
    for (size_t len = 0; len < 300; len++)
        for (size_t at = 0; at < len + 8; at++) {
            char *bytes = malloc(len + 1); /* exact, so that a read beyond the end shows */
            memset(bytes, 'P', len + 1);
            for (size_t i = 0; i < 4 && at + i < len; i++)
                bytes[at + i] = "Pxyz"[i];
            for (size_t i = 0; i < 3 && at + 100 + i < len; i++) /* a false start */
                bytes[at + 100 + i] = "Pxy"[i];
            char *exact = realloc(bytes, len ? len : 1);
            assert_ptr_equal(bytes_find(exact, len, "Pxyz", 4), memmem(exact, len, "Pxyz", 4));
            free(exact);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(numbers), cmocka_unit_test(find)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
