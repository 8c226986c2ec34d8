// Q5_0: see kernels/quant/q5_0.hpp.
//
//   block, 5 words:  | h: 32 fifth bits | b0 … b3 | b4 … b7 | b8 … b11 | b12 … b15 |       d stands apart
void decode(uint row, uint halves, uint piece, uint j, out vec4 low, out vec4 high) {
  uint block = row + 5u * piece;
  uint fifth = weights[block], codes = weights[block + 1u + j];
  float d = half_at(halves, piece);
  low = d * (vec4(fields(codes, 0u, 15u) | bits_of(fifth, 4u * j, 4u)) - 16.0);
  high = d * (vec4(fields(codes, 4u, 15u) | bits_of(fifth, 16u + 4u * j, 4u)) - 16.0);
}
