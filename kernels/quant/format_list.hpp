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
struct Q4_1;
struct Q5_0;
struct Q5_1;
struct Q2_K;
struct Q3_K;
struct Q4_K;
struct Q5_K;
struct Q6_K;
struct IQ4_NL;
struct IQ4_XS;

using FormatList =
    std::tuple<F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_NL, IQ4_XS>;
inline constexpr std::size_t kFormatCount = std::tuple_size_v<FormatList>;

}  // namespace covey
