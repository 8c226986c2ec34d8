// Q4_1: see kernels/quant/q4_1.hpp.
//
//   block, 5 words:  | d, m | b0 … b3 | b4 … b7 | b8 … b11 | b12 … b15 |
void decode(uint row, uint halves, uint piece, uint j, out vec4 low, out vec4 high) {
  uint block = row + 5u * piece;
  uint both = weights[block];
  float d = low_half(both), m = high_half(both);
  uint codes = weights[block + 1u + j];
  low = vec4(fields(codes, 0u, 15u)) * d + m;
  high = vec4(fields(codes, 4u, 15u)) * d + m;
}
