// Q4_K: see kernels/quant/q4_k.hpp.
//
//   block, 36 words:  | d, dmin | sc and m: 3 words | qs: 4 x 8 words |
#define FORMAT_HAS_MINIMA
void codes(uint row, uint halves, uint piece, uint j, out uvec2 both, out vec2 of_low, out vec2 of_high) {
  uint block = row + 36u * (piece >> 3), p = piece & 7u;
  uint at = block + 4u + 8u * (p >> 1) + j, shift = 4u * (p & 1u);
  both = uvec2(fields(weights[at], shift, kFour), fields(weights[at + 4u], shift, kFour));
  of_low = of_high = packed_scale(block + 1u, p) * both_halves(weights[block]) * vec2(1.0, -1.0);
}
