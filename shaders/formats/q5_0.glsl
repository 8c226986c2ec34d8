// Q5_0: see kernels/quant/q5_0.hpp.
//
//   block, 5 words:  | h: 32 fifth bits | b0 … b3 | b4 … b7 | b8 … b11 | b12 … b15 |       d stands apart
void codes(uint row, uint halves, uint piece, uint j, out uvec2 both, out vec2 of_low, out vec2 of_high) {
  uint block = row + 5u * piece;
  uint fifth = weights[block], packed = weights[block + 1u + j];
  both = minus(uvec2(fields(packed, 0u, kFour) | bits_of(fifth, 4u * j) << 4,
                     fields(packed, 4u, kFour) | bits_of(fifth, 16u + 4u * j) << 4), 16u);
  of_low = of_high = vec2(half_at(halves, piece), 0.0);
}
