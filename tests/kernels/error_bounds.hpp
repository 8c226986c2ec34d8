// What encoding a weight may cost.
#pragma once

#include "third_party_free_formats/tensor_type.hpp"

namespace covey {

/// True where encode() searches for the numbers with the least squared error, rather than following a plain rule.
inline bool encode_searches(TensorType type) {
  switch (type) {
    case TensorType::q2_k:
    case TensorType::q3_k:
    case TensorType::q4_k:
    case TensorType::q5_k:
    case TensorType::q6_k:
    case TensorType::iq4_nl:
    case TensorType::iq4_xs:
      return true;
    default:
      return false;
  }
}

/// Largest error of decode(encode(x)), in units of the largest |x| of a block.
inline double error_bound(TensorType type) {
  constexpr double kHalf = 0x1.1p-11;  // the rounding of an fp16 number, and of a product with it
  switch (type) {
    case TensorType::f32:
      return 0.0;
    case TensorType::f16:
      return 0x1p-11;
    case TensorType::bf16:
      return 0x1p-8;
    case TensorType::q8_0:
      return 0.5 / 127 + kHalf;  // half a step
    case TensorType::q4_0:
      return 1.0 / 8 + kHalf;  // 8 steps on one side, 7 on the other: a whole step at its end
    case TensorType::q5_0:
      return 1.0 / 16 + kHalf;  // likewise
    case TensorType::q4_1:
      return 1.0 / 15 + 3 * kHalf;  // half of a 15th of the range, which is 2; a minimum of 1, and the range above it
    case TensorType::q5_1:
      return 1.0 / 31 + 3 * kHalf;  // likewise
    // A search may find that the largest weight should lie beyond the last step, for the sake of the others: by one
    // step more than the half that they all have. Steps are of the range, which is 2, or between the table's outer
    // values.
    case TensorType::q2_k:
      return 1.5 * 2 / 3;
    case TensorType::q3_k:
      return 1.5 / 4;
    case TensorType::q4_k:
      return 1.5 * 2 / 15;
    case TensorType::q5_k:
      return 1.5 * 2 / 31;
    case TensorType::q6_k:
      return 1.5 / 32;
    case TensorType::iq4_nl:
    case TensorType::iq4_xs:
      return 1.5 * 24 / 113;
  }
  return -1.0;
}

}  // namespace covey
