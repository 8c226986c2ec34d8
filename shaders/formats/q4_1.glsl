// Q4_1: see kernels/quant/q4_1.hpp.
//
//   block, 5 words:  | d, m | b0 … b3 | b4 … b7 | b8 … b11 | b12 … b15 |
#define FORMAT_HAS_MINIMA
void codes(uint row, uint halves, uint piece, uint j, out uvec2 both, out vec2 of_low, out vec2 of_high) {
  uint block = row + 5u * piece;
  uint units = weights[block], packed = weights[block + 1u + j];
  both = uvec2(fields(packed, 0u, kFour), fields(packed, 4u, kFour));
  of_low = of_high = both_halves(units);
}
