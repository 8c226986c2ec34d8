// IQ4_XS: see kernels/quant/iq4_xs.hpp.
//
//   block, 34 words:  | d, sh | sl: 1 word | qs: 8 x 4 words |
void codes(uint row, uint halves, uint piece, uint j, out uvec2 both, out vec2 of_low, out vec2 of_high) {
  uint block = row + 34u * (piece >> 3), p = piece & 7u;
  uint first = weights[block], packed = weights[block + 2u + 4u * p + j];
  uint lower = (weights[block + 1u] >> (4u * p)) & 15u, upper = (first >> (16u + 2u * p)) & 3u;
  both = uvec2(iq4_values(packed), iq4_values(packed >> 4));
  of_low = of_high = vec2(low_half(first) * float(int(upper << 4 | lower) - 32), 0.0);
}
