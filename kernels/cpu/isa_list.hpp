// The instruction sets built for this processor family: what isa/*.cpp export and isa.cpp lists.
#pragma once

#include "kernels/cpu/isa.hpp"

namespace covey {

extern const IsaTable kIsaScalar;
extern const IsaTable kIsaAvx2;
extern const IsaTable kIsaAvx512Vnni;
extern const IsaTable kIsaAmx;
extern const IsaTable kIsaAmxFp16;
extern const IsaTable kIsaNeon;
extern const IsaTable kIsaNeonDotprod;
extern const IsaTable kIsaNeonI8mm;

// Asked before any of a file's code runs, so they live in isa.cpp, compiled for the plainest processor.
bool scalar_runs_here() noexcept;
bool avx2_runs_here() noexcept;
bool avx512vnni_runs_here() noexcept;
bool amx_runs_here() noexcept;
bool amx_fp16_runs_here() noexcept;
bool neon_runs_here() noexcept;
bool neon_dotprod_runs_here() noexcept;
bool neon_i8mm_runs_here() noexcept;

}  // namespace covey
