// Q5_1: see kernels/quant/q5_1.hpp.
//
//   block, 6 words:  | d, m | h: 32 fifth bits | b0 … b3 | b4 … b7 | b8 … b11 | b12 … b15 |
void decode(uint row, uint halves, uint piece, uint j, out vec4 low, out vec4 high) {
  uint block = row + 6u * piece;
  uint both = weights[block], fifth = weights[block + 1u], codes = weights[block + 2u + j];
  float d = low_half(both), m = high_half(both);
  low = vec4(fields(codes, 0u, 15u) | bits_of(fifth, 4u * j, 4u)) * d + m;
  high = vec4(fields(codes, 4u, 15u) | bits_of(fifth, 16u + 4u * j, 4u)) * d + m;
}
