// IQ4_XS: see kernels/quant/iq4_xs.hpp.
//
//   block, 34 words:  | d, sh | sl: 1 word | qs: 8 x 4 words |
void decode(uint row, uint halves, uint piece, uint j, out vec4 low, out vec4 high) {
  uint block = row + 34u * (piece >> 3), p = piece & 7u;
  uint first = weights[block];
  uint lower = (weights[block + 1u] >> (4u * p)) & 15u, upper = (first >> (16u + 2u * p)) & 3u;
  float scale = low_half(first) * float(int(upper << 4 | lower) - 32);
  uint codes = weights[block + 2u + 4u * p + j];
  low = scale * iq4_values(fields(codes, 0u, 15u));
  high = scale * iq4_values(fields(codes, 4u, 15u));
}
