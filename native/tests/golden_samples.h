/*
 * Tests of normalizations whose statistics are those of samples: of rows, or of groups of channels of an image. Each is
 * for one file of golden vectors, its state.
 */
#ifndef NORMA_TESTS_GOLDEN_SAMPLES_H
#define NORMA_TESTS_GOLDEN_SAMPLES_H

/* Forward, and backward where the file has gradients. */
void golden_layer_norm(void **state);
void golden_rms_norm(void **state);
void golden_group_norm(void **state);

/* The running statistics of instance normalization after one batch. */
void golden_instance_running(void **state);

#endif
