// Q6_K: see kernels/quant/q6_k.hpp.
//
//   block, 52 words:  | ql: 2 x 16 words | qh: 2 x 8 words | sc: 4 words |       d stands apart
float q6_scale(uint block, uint s) { return float(int(byte_at(block + 48u, s) << 24) >> 24); }

void decode(uint row, uint halves, uint piece, uint j, out vec4 low, out vec4 high) {
  uint block = row + 52u * (piece >> 3), p = piece & 3u, half_block = (piece >> 2) & 1u, s = 2u * (piece & 7u);
  float d = half_at(halves, piece >> 3);
  uint lower = block + 16u * half_block + 8u * (p & 1u) + j, upper = block + 32u + 8u * half_block + j;
  uvec4 first = fields(weights[lower], 4u * (p >> 1), 15u) | fields(weights[upper], 2u * p, 3u) << 4;
  uvec4 second = fields(weights[lower + 4u], 4u * (p >> 1), 15u) | fields(weights[upper + 4u], 2u * p, 3u) << 4;
  low = d * q6_scale(block, s) * (vec4(first) - 32.0);
  high = d * q6_scale(block, s + 1u) * (vec4(second) - 32.0);
}
