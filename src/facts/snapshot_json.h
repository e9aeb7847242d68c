/* Snapshots as JSON (schema whycuda/snapshot/1). A known fact is {"value", "source"}, an absent one
 * {"absent": true, "source"}, an unknown one {"unknown": reason, "source"}; what nobody looked at is left out. */
#pragma once

#include <jansson.h>

#include "base/span.h"
#include "facts/snapshot.h"

#define SNAPSHOT_SCHEMA "whycuda/snapshot/1"

/* A new reference; never NULL. */
json_t *snapshot_to_json(const struct snapshot *snapshot);

struct snapshot_error {
    char message[640];
    int line, column; /* 1-based; 0: not about one place */
};

/* Reads a snapshot strictly: depth, size and counts are limited, kinds must be right. Keys it does not know are
 * added to `ret_newer` ("driver.foo"; may be NULL) and passed over. 0; -EINVAL with ret_error filled. */
int snapshot_from_json(struct span text, struct snapshot **ret_snapshot, struct texts *ret_newer,
                       struct snapshot_error *ret_error);

/* Reads one record ("compute") from its JSON into the snapshot; for the answers of children and live.json. Facts
 * that the JSON lacks stay as they are. 0 or -EINVAL. */
int snapshot_read_part(struct snapshot *snapshot, const char *part, const json_t *json,
                       struct snapshot_error *ret_error);

/* True where the text looks like a snapshot rather than like pasted output: a JSON object that names the schema
 * early. */
bool snapshot_recognise(struct span text);

/* The JSON Schema (draft 2020-12) of a snapshot. A new reference. */
json_t *snapshot_schema(void);
