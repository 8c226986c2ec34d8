// The sixteen weights of IQ4_NL and IQ4_XS, kernels/quant/iq4_codes.hpp: four of them as the bytes of a word.
const uint kIq4Words[4] = uint[4](0xbfad9881u, 0xf6eaddcfu, 0x26190d01u, 0x71594535u);

uint iq4_value(uint code) { return (kIq4Words[code >> 2] >> (8u * (code & 3u))) & 0xffu; }
uint iq4_values(uint four) {
  return iq4_value(four & 15u) | iq4_value((four >> 8) & 15u) << 8 | iq4_value((four >> 16) & 15u) << 16 |
         iq4_value((four >> 24) & 15u) << 24;
}
