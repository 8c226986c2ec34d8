// Q3_K: see kernels/quant/q3_k.hpp.
//
//   block, 27 words:  | hm: 8 words | qs: 2 x 8 words | sc: 3 words |       d stands apart
float q3_scale(uint block, uint s) {
  uint lower = (byte_at(block + 24u, s & 7u) >> (4u * (s >> 3))) & 15u;
  uint upper = (byte_at(block + 26u, s & 3u) >> (2u * (s >> 2))) & 3u;
  return float(int(upper << 4 | lower) - 32);
}

void decode(uint row, uint halves, uint piece, uint j, out vec4 low, out vec4 high) {
  uint block = row + 27u * (piece >> 3), p = piece & 7u;
  float d = half_at(halves, piece >> 3);
  uint at = block + 8u + 8u * (p >> 2) + j, shift = 2u * (p & 3u);
  uvec4 first = fields(weights[at], shift, 3u) | fields(weights[block + j], p, 1u) << 2;
  uvec4 second = fields(weights[at + 4u], shift, 3u) | fields(weights[block + 4u + j], p, 1u) << 2;
  low = d * q3_scale(block, 2u * p) * (vec4(first) - 4.0);
  high = d * q3_scale(block, 2u * p + 1u) * (vec4(second) - 4.0);
}
