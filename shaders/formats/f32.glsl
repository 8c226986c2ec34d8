// F32: see kernels/quant/f32.hpp. Rows are padded with zeros to whole pieces of 32.
void decode(uint row, uint halves, uint piece, uint j, out vec4 low, out vec4 high) {
  uint at = row + 32u * piece + 4u * j;
  low = uintBitsToFloat(uvec4(weights[at], weights[at + 1u], weights[at + 2u], weights[at + 3u]));
  high = uintBitsToFloat(uvec4(weights[at + 16u], weights[at + 17u], weights[at + 18u], weights[at + 19u]));
}
