// Q8_0: see kernels/quant/q8_0.hpp.
//
//   block, 8 words:  | q0 … q3 | q4 … q7 | … | q28 … q31 |       d stands apart
void codes(uint row, uint halves, uint piece, uint j, out uvec2 both, out vec2 of_low, out vec2 of_high) {
  uint at = row + 8u * piece + j;
  both = uvec2(weights[at], weights[at + 4u]);
  of_low = of_high = vec2(half_at(halves, piece), 0.0);
}
