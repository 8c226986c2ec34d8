// The algorithms, one of each file beside this one.
#pragma once

#include "mpi/all_reduce/algorithm.hpp"

namespace covey {

extern const SumAlgorithm kDirectSum;
extern const SumAlgorithm kScatterSum;
extern const SumAlgorithm kRingSum;
extern const SumAlgorithm kDoublingSum;
extern const SumAlgorithm kTransportSum;

}  // namespace covey
