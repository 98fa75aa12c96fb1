/* Runs jobs: see job.h. Arguments have been checked. */
#ifndef NORMA_BATCH_NORM_H
#define NORMA_BATCH_NORM_H

#include "job.h"

/* Runs a job by a plan. The workspace is large enough for the plan, or NULL. */
norma_status norma_run(const norma_plan *plan, norma_job *job, void *workspace);

/* The same in steps, for who has more to do with channels that are in the caches. First, in norma_space_size bytes: */
void norma_set_up(const norma_plan *plan, norma_job *job, void *workspace);
/* Then, by every member of a team, all of it; */
void norma_take_part(const norma_job *job, norma_member member);
/* or, on one thread, of channels [first, end) of a job on runs with gradient sums: what these need, */
void norma_prepare_channels(const norma_job *job, int64_t first, int64_t end);
/* and all the rest. */
void norma_run_channels(const norma_job *job, int64_t first, int64_t end);

#endif
