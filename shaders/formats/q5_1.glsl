// Q5_1: see kernels/quant/q5_1.hpp.
//
//   block, 6 words:  | d, m | h: 32 fifth bits | b0 … b3 | b4 … b7 | b8 … b11 | b12 … b15 |
#define FORMAT_HAS_MINIMA
void codes(uint row, uint halves, uint piece, uint j, out uvec2 both, out vec2 of_low, out vec2 of_high) {
  uint block = row + 6u * piece;
  uint units = weights[block], fifth = weights[block + 1u], packed = weights[block + 2u + j];
  both = uvec2(fields(packed, 0u, kFour) | bits_of(fifth, 4u * j) << 4,
               fields(packed, 4u, kFour) | bits_of(fifth, 16u + 4u * j) << 4);
  of_low = of_high = both_halves(units);
}
