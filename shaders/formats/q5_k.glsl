// Q5_K: see kernels/quant/q5_k.hpp.
//
//   block, 44 words:  | d, dmin | sc and m: 3 words | qh: 8 words | qs: 4 x 8 words |
void decode(uint row, uint halves, uint piece, uint j, out vec4 low, out vec4 high) {
  uint block = row + 44u * (piece >> 3), p = piece & 7u;
  uint units = weights[block];
  vec2 scale = packed_scale(block + 1u, p) * vec2(low_half(units), high_half(units));
  uint upper = block + 4u + j, lower = block + 12u + 8u * (p >> 1) + j, shift = 4u * (p & 1u);
  uvec4 first = fields(weights[lower], shift, 15u) | fields(weights[upper], p, 1u) << 4;
  uvec4 second = fields(weights[lower + 4u], shift, 15u) | fields(weights[upper + 4u], p, 1u) << 4;
  low = scale.x * vec4(first) - scale.y;
  high = scale.x * vec4(second) - scale.y;
}
