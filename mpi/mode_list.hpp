// The modes, one of each file mode_*.cpp.
#pragma once

#include "mpi/mode.hpp"

namespace covey {

extern const Mode kSoloMode;
extern const Mode kPipelineMode;
extern const Mode kTensorMode;
extern const Mode kHybridMode;
extern const Mode kSingleMode;
extern const Mode kVoteMode;
extern const Mode kBestOfMode;
extern const Mode kSelfMoaMode;
extern const Mode kSelfMoaSeqMode;
extern const Mode kMoaMode;

}  // namespace covey
