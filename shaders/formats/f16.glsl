// F16: see kernels/quant/f16.hpp. Rows are padded with zeros to whole pieces of 32: two weights to a word.
void decode(uint row, uint halves, uint piece, uint j, out vec4 low, out vec4 high) {
  uint at = row + 16u * piece + 2u * j;
  uint a = weights[at], b = weights[at + 1u], c = weights[at + 8u], d = weights[at + 9u];
  low = vec4(low_half(a), high_half(a), low_half(b), high_half(b));
  high = vec4(low_half(c), high_half(c), low_half(d), high_half(d));
}
