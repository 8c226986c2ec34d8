// What a stage has room for, from its options and its model.
#pragma once

#include "kernels/device.hpp"
#include "model/arch_spec.hpp"
#include "model/hyper_params.hpp"
#include "model/stage.hpp"

namespace covey {

/// Throws Error for numbers of tokens below 1, and for positions that the model has not learned.
RunnerLimits stage_limits(const ArchSpec& spec, const HyperParams& params, const StageOptions& options);

/// Automatic: F32 for models of F32 alone, else F16.
KvType stored_kv_type(const GgufFile& file, KvChoice choice);

}  // namespace covey
