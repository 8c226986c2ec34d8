// Q3_K: see kernels/quant/q3_k.hpp.
//
//   block, 27 words:  | hm: 8 words | qs: 2 x 8 words | sc: 3 words |       d stands apart
float q3_scale(uint block, uint s) {
  uint lower = (byte_at(block + 24u, s & 7u) >> (4u * (s >> 3))) & 15u;
  uint upper = (byte_at(block + 26u, s & 3u) >> (2u * (s >> 2))) & 3u;
  return float(int(upper << 4 | lower) - 32);
}

void codes(uint row, uint halves, uint piece, uint j, out uvec2 both, out vec2 of_low, out vec2 of_high) {
  uint block = row + 27u * (piece >> 3), p = piece & 7u;
  float d = half_at(halves, piece >> 3);
  uint at = block + 8u + 8u * (p >> 2) + j, shift = 2u * (p & 3u);
  both = minus(uvec2(fields(weights[at], shift, kTwo) | fields(weights[block + j], p, kOne) << 2,
                     fields(weights[at + 4u], shift, kTwo) | fields(weights[block + 4u + j], p, kOne) << 2), 4u);
  of_low = vec2(d * q3_scale(block, 2u * p), 0.0);
  of_high = vec2(d * q3_scale(block, 2u * p + 1u), 0.0);
}
