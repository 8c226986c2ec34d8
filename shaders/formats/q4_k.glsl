// Q4_K: see kernels/quant/q4_k.hpp.
//
//   block, 36 words:  | d, dmin | sc and m: 3 words | qs: 4 x 8 words |
void decode(uint row, uint halves, uint piece, uint j, out vec4 low, out vec4 high) {
  uint block = row + 36u * (piece >> 3), p = piece & 7u;
  uint units = weights[block];
  vec2 scale = packed_scale(block + 1u, p) * vec2(low_half(units), high_half(units));
  uint at = block + 4u + 8u * (p >> 1) + j, shift = 4u * (p & 1u);
  low = scale.x * vec4(fields(weights[at], shift, 15u)) - scale.y;
  high = scale.x * vec4(fields(weights[at + 4u], shift, 15u)) - scale.y;
}
