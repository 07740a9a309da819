// From the bytes of a delimited text to columns and cells.
#pragma once

#include <ember/data/table.h>

#include <limits>

#include "data/table_layout.h"

namespace ember::data {

/// What every cell must be: for tables of numbers, which have no header.
struct Demand {
  Must must = Must::Anything;
  double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();  ///< of whole numbers
};

/// Reads the table. Missing cells are NaN, or refused when options.missing is Error.
Table read_cells(const std::string& path, const TableOptions& options, Demand demand = {});

}  // namespace ember::data
