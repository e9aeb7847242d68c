/* Laying words out on lines; shared by the text reports. */
#pragma once

#include "base/buffer.h"

/* Adds `text` wrapped at `width` columns, each line after the first indented by `indent` spaces. The first line is
 * taken to stand at column `column` already. Ends with a newline. A word longer than the line stands alone and
 * uncut, so that it can be copied. */
void words_wrap(struct buffer *out, const char *text, int column, int indent, int width);
/* Adds spaces until `columns` are used by `text`. */
void words_pad(struct buffer *out, const char *text, int columns);
/* UTF-8 to what an ASCII terminal shows: quotes, dashes and ellipsis as their ASCII forms, the rest as '?'. */
void words_ascii(struct buffer *out);
