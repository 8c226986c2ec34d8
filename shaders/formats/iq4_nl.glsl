// IQ4_NL: see kernels/quant/iq4_nl.hpp.
//
//   block, 4 words:  | b0 … b3 | b4 … b7 | b8 … b11 | b12 … b15 |       d stands apart
void decode(uint row, uint halves, uint piece, uint j, out vec4 low, out vec4 high) {
  uint codes = weights[row + 4u * piece + j];
  float d = half_at(halves, piece);
  low = d * iq4_values(fields(codes, 0u, 15u));
  high = d * iq4_values(fields(codes, 4u, 15u));
}
