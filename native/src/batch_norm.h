/* Runs jobs: see job.h. Arguments have been checked. */
#ifndef NORMA_BATCH_NORM_H
#define NORMA_BATCH_NORM_H

#include "finish.h"

/* Runs a job by a plan. The workspace is large enough for the plan, or NULL. */
norma_status norma_run(const norma_plan *plan, norma_job *job, void *workspace);

#endif
