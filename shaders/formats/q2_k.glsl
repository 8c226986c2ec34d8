// Q2_K: see kernels/quant/q2_k.hpp.
//
//   block, 21 words:  | sc: 4 words | qs: 2 x 8 words | d, dmin |
#define FORMAT_HAS_MINIMA
void codes(uint row, uint halves, uint piece, uint j, out uvec2 both, out vec2 of_low, out vec2 of_high) {
  uint block = row + 21u * (piece >> 3), p = piece & 7u;
  vec2 units = both_halves(weights[block + 20u]) * vec2(1.0, -1.0);
  uint at = block + 4u + 8u * (p >> 2) + j, shift = 2u * (p & 3u);
  uint first = byte_at(block, 2u * p), second = byte_at(block, 2u * p + 1u);
  both = uvec2(fields(weights[at], shift, kTwo), fields(weights[at + 4u], shift, kTwo));
  of_low = units * vec2(uvec2(first & 15u, first >> 4));
  of_high = units * vec2(uvec2(second & 15u, second >> 4));
}
