// To the nearest, ties to even, as the host does; of conversions by the device some cut off.
uint half_bits(float value) {
  uint bits = floatBitsToUint(value), sign_bit = (bits >> 16) & 0x8000u, magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return sign_bit | 0x7e00u;
  if (magnitude >= 0x477ff000u) return sign_bit | 0x7c00u;
  if (magnitude < 0x38800000u) {
    return sign_bit | (floatBitsToUint(uintBitsToFloat(magnitude) + 0.5) - 0x3f000000u);
  }
  return sign_bit | ((magnitude + 0xfffu + ((magnitude >> 13) & 1u) - (112u << 23)) >> 13);
}
