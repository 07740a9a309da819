// Seeing a training: what is used while it runs and after it. Only a list; ember.h does not include it.
#pragma once

#include <ember/train/best.h>
#include <ember/train/check.h>
#include <ember/train/doctor.h>
#include <ember/train/history.h>
#include <ember/train/inspector.h>
#include <ember/train/interrupt.h>
#include <ember/train/metrics.h>
#include <ember/train/plot.h>
#include <ember/train/progress.h>
#include <ember/train/summary.h>
#include <ember/train/summary_writer.h>
#include <ember/train/trace.h>
