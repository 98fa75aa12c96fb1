/* What is done between the sums and the last pass, channel by channel, for one instruction-set level. */
#ifndef NORMA_FINISH_H
#define NORMA_FINISH_H

#include "job.h"

/* Coefficients of up to PIECE neighbouring channels, and whether they need the wide family. */
typedef struct norma_channel_coefficients {
  double center[PIECE], scale[PIECE], bias[PIECE], offset[PIECE], slope[PIECE];
  bool is_wide[PIECE];
} norma_channel_coefficients;

struct norma_finishing {
  /* What the gradient sums of channels [first, end) need, before any of them is added up. */
  void (*prepare)(const norma_job *job, int64_t first, int64_t end);
  /* What job->finish says, of channels [first, end), which are whole groups; keeps what the last pass needs. */
  void (*finish)(const norma_job *job, int64_t first, int64_t end);
  /* The coefficients of the forward pass of up to PIECE channels whose statistics are given. */
  void (*normalize)(const norma_job *job, int64_t first, int64_t count, norma_channel_coefficients *by);
};

/* norma_finishing_<name>, one for each line of isa.def */
#define ISA(name, text, supported) extern const norma_finishing norma_finishing_##name;
#include "isa.def"
#undef ISA

#endif
