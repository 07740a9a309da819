// Seeing a training: what is used while it runs and after it. Only a list; ember.h does not include it.
#pragma once

#include <ember/train/plot.h>
#include <ember/train/trace.h>
