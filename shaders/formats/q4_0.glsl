// Q4_0: see kernels/quant/q4_0.hpp.
//
//   block, 4 words:  | b0 … b3 | b4 … b7 | b8 … b11 | b12 … b15 |       d stands apart
void decode(uint row, uint halves, uint piece, uint j, out vec4 low, out vec4 high) {
  uint codes = weights[row + 4u * piece + j];
  float d = half_at(halves, piece);
  low = d * (vec4(fields(codes, 0u, 15u)) - 8.0);
  high = d * (vec4(fields(codes, 4u, 15u)) - 8.0);
}
