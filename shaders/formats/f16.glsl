// F16: see kernels/quant/f16.hpp. Rows are padded with zeros to whole pieces of 32: two weights to a word.
void decode(uint row, uint halves, uint piece, uint j, out vec4 low, out vec4 high) {
  uint at = row + 16u * piece + 2u * j;
  uint a = weights[at], b = weights[at + 1u], c = weights[at + 8u], d = weights[at + 9u];
  low = vec4(both_halves(a), both_halves(b));
  high = vec4(both_halves(c), both_halves(d));
}
