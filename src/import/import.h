/* From what programs printed to facts. Importers gather and never judge. */
#pragma once

#include "base/span.h"
#include "facts/snapshot.h"

struct knowledge;

/* Reads any mixture of pasted output into a snapshot (origin "text"). Never fails: text that says nothing gives a
 * snapshot that knows nothing. `knowledge` holds the messages' expressions; with NULL messages are not recognised.
 * The snapshot is the caller's. */
struct snapshot *import_text(struct span text, struct knowledge *knowledge);
