// The 6-bit scale (x) and minimum (y) number `index` of 12 bytes from word `base` on: kernels/quant/packed_scales.hpp.
vec2 packed_scale(uint base, uint index) {
  uint j = index & 3u;
  uint shift = 8u * j;
  uint first = (weights[base] >> shift) & 0xffu;
  uint second = (weights[base + 1u] >> shift) & 0xffu;
  if (index < 4u) return vec2(float(first & 63u), float(second & 63u));
  uint third = (weights[base + 2u] >> shift) & 0xffu;
  return vec2(float((third & 15u) | (first >> 6) << 4), float((third >> 4) | (second >> 6) << 4));
}
