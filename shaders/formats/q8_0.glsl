// Q8_0: see kernels/quant/q8_0.hpp.
//
//   block, 8 words:  | q0 … q3 | q4 … q7 | … | q28 … q31 |       d stands apart
void decode(uint row, uint halves, uint piece, uint j, out vec4 low, out vec4 high) {
  uint at = row + 8u * piece + j;
  float d = half_at(halves, piece);
  low = d * signed_bytes(weights[at]);
  high = d * signed_bytes(weights[at + 4u]);
}
