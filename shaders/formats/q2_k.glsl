// Q2_K: see kernels/quant/q2_k.hpp.
//
//   block, 21 words:  | sc: 4 words | qs: 2 x 8 words | d, dmin |
void decode(uint row, uint halves, uint piece, uint j, out vec4 low, out vec4 high) {
  uint block = row + 21u * (piece >> 3), p = piece & 7u;
  uint units = weights[block + 20u];
  float d = low_half(units), dmin = high_half(units);
  uint at = block + 4u + 8u * (p >> 2) + j, shift = 2u * (p & 3u);
  uint first = byte_at(block, 2u * p), second = byte_at(block, 2u * p + 1u);
  low = d * float(first & 15u) * vec4(fields(weights[at], shift, 3u)) - dmin * float(first >> 4);
  high = d * float(second & 15u) * vec4(fields(weights[at + 4u], shift, 3u)) - dmin * float(second >> 4);
}
