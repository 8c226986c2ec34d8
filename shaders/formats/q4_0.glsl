// Q4_0: see kernels/quant/q4_0.hpp.
//
//   block, 4 words:  | b0 … b3 | b4 … b7 | b8 … b11 | b12 … b15 |       d stands apart
void codes(uint row, uint halves, uint piece, uint j, out uvec2 both, out vec2 of_low, out vec2 of_high) {
  uint packed = weights[row + 4u * piece + j];
  both = minus(uvec2(fields(packed, 0u, kFour), fields(packed, 4u, kFour)), 8u);
  of_low = of_high = vec2(half_at(halves, piece), 0.0);
}
