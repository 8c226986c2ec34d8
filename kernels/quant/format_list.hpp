// Every weight format, once. Tests, benches, the program and the dispatcher go over this list; adding a format is its
// header and a place here.
#pragma once

#include <cstddef>
#include <tuple>

namespace covey {

struct F32;
struct F16;
struct BF16;
struct Q8_0;
struct Q4_0;
struct Q6_K;

using FormatList = std::tuple<F32, F16, BF16, Q8_0, Q4_0, Q6_K>;
inline constexpr std::size_t kFormatCount = std::tuple_size_v<FormatList>;

}  // namespace covey
