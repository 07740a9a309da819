// Training on several processes, on one machine or many, through MPI. Link Ember::distributed and include this header beside ember.h.
#pragma once

#include <ember/distributed/data_parallel.h>
#include <ember/distributed/metrics.h>
#include <ember/distributed/sampler.h>
#include <ember/distributed/sync_batch_norm.h>
#include <ember/distributed/world.h>
