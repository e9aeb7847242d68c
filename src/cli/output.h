/* What the diagnosing verbs share: style of the terminal, writing the report, the exit status. */
#pragma once

#include "cli/verb.h"
#include "diagnose/diagnosis.h"
#include "facts/snapshot.h"
#include "report/report.h"

/* The format asked for (--format, --json); NULL after a message for an unknown one. */
const struct report_format *output_format(const struct cli *cli);
struct report_style output_style(const struct cli *cli);

/* Redacts what travels, diagnoses, writes the report; the exit status of the design. */
int output_diagnosis(struct cli *cli, struct snapshot *snapshot);
enum exit_status output_status(const struct cli *cli, const struct diagnosis *diagnosis);
