// BF16: see kernels/quant/bf16.hpp. Rows are padded with zeros to whole pieces of 32: two weights to a word.
void decode(uint row, uint halves, uint piece, uint j, out vec4 low, out vec4 high) {
  uint at = row + 16u * piece + 2u * j;
  uvec2 a = uvec2(weights[at], weights[at + 1u]), b = uvec2(weights[at + 8u], weights[at + 9u]);
  low = uintBitsToFloat(uvec4(a.x << 16, a.x & 0xffff0000u, a.y << 16, a.y & 0xffff0000u));
  high = uintBitsToFloat(uvec4(b.x << 16, b.x & 0xffff0000u, b.y << 16, b.y & 0xffff0000u));
}
