/*
 * Group and instance normalization: channels of an image that have statistics in common. Channels first, groups or
 * channels of all images are to the driver what channels are in batch normalization; channels last, each image is a
 * tensor of its own. What the driver does not know are the parameters' gradients, which are sums over the images.
 */
#ifndef NORMA_GROUP_NORM_H
#define NORMA_GROUP_NORM_H

#include "driver.h"

/* The bytes that any function on `norm` needs. */
int64_t norma_group_space_size(const norma_group_norm *norm, const norma_kernels *kernels, norma_caches caches);

/*
 * Runs a job whose outputs, dgamma and dbeta among them, any of which may be NULL, are those of the whole tensor. The
 * workspace is large enough, or NULL.
 */
norma_status norma_group_run(const norma_group_norm *norm, const norma_kernels *kernels, norma_caches caches,
                             norma_job *job, void *workspace);

#endif
