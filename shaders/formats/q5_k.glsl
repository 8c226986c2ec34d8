// Q5_K: see kernels/quant/q5_k.hpp.
//
//   block, 44 words:  | d, dmin | sc and m: 3 words | qh: 8 words | qs: 4 x 8 words |
#define FORMAT_HAS_MINIMA
void codes(uint row, uint halves, uint piece, uint j, out uvec2 both, out vec2 of_low, out vec2 of_high) {
  uint block = row + 44u * (piece >> 3), p = piece & 7u;
  uint upper = block + 4u + j, lower = block + 12u + 8u * (p >> 1) + j, shift = 4u * (p & 1u);
  both = uvec2(fields(weights[lower], shift, kFour) | fields(weights[upper], p, kOne) << 4,
               fields(weights[lower + 4u], shift, kFour) | fields(weights[upper + 4u], p, kOne) << 4);
  of_low = of_high = packed_scale(block + 1u, p) * both_halves(weights[block]) * vec2(1.0, -1.0);
}
