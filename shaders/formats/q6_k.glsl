// Q6_K: see kernels/quant/q6_k.hpp.
//
//   block, 52 words:  | ql: 2 x 16 words | qh: 2 x 8 words | sc: 4 words |       d stands apart
float q6_scale(uint block, uint s) { return float(int(byte_at(block + 48u, s) << 24) >> 24); }

void codes(uint row, uint halves, uint piece, uint j, out uvec2 both, out vec2 of_low, out vec2 of_high) {
  uint block = row + 52u * (piece >> 3), p = piece & 3u, half_block = (piece >> 2) & 1u, s = 2u * (piece & 7u);
  float d = half_at(halves, piece >> 3);
  uint lower = block + 16u * half_block + 8u * (p & 1u) + j, upper = block + 32u + 8u * half_block + j;
  uint shift = 4u * (p >> 1);
  both = minus(uvec2(fields(weights[lower], shift, kFour) | fields(weights[upper], 2u * p, kTwo) << 4,
                     fields(weights[lower + 4u], shift, kFour) | fields(weights[upper + 4u], 2u * p, kTwo) << 4), 32u);
  of_low = vec2(d * q6_scale(block, s), 0.0);
  of_high = vec2(d * q6_scale(block, s + 1u), 0.0);
}
