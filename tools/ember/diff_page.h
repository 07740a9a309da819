// What the parts of the page share.
#pragma once

#include <string>

#include "diff_trace.h"
#include "train/markup.h"

/// Of a layer: in the order of execution from blue over green to yellow, so that neighbours look alike.
std::string colour(std::size_t layer, std::size_t layers);
std::string type_of(const Layer& layer);
