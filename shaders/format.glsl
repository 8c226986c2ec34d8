// The format that a shader is compiled for, FORMAT_<NAME>. A format of floats provides
//
//   decode(row, halves, piece, j, low, high):  weights 32 piece + 4 j .. + 3 and those 16 above them, of the row that
//                                              begins at word `row` and has its scales, if apart, at word `halves`.
//
// and one of blocks the same weights before they are numbers:
//
//   codes(row, halves, piece, j, both, of_low, of_high):  as signed bytes, four to a word; a weight is scale * code +
//                                                         minimum, both in of_low for the lower four, in of_high for
//                                                         those above. FORMAT_HAS_MINIMA: minima are not all zero.
#include "formats/words.glsl"
#if defined(FORMAT_F32)
#include "formats/f32.glsl"
#elif defined(FORMAT_F16)
#include "formats/f16.glsl"
#elif defined(FORMAT_BF16)
#include "formats/bf16.glsl"
#elif defined(FORMAT_Q8_0)
#include "formats/q8_0.glsl"
#elif defined(FORMAT_Q4_0)
#include "formats/q4_0.glsl"
#elif defined(FORMAT_Q4_1)
#include "formats/q4_1.glsl"
#elif defined(FORMAT_Q5_0)
#include "formats/q5_0.glsl"
#elif defined(FORMAT_Q5_1)
#include "formats/q5_1.glsl"
#elif defined(FORMAT_Q2_K)
#include "formats/q2_k.glsl"
#elif defined(FORMAT_Q3_K)
#include "formats/q3_k.glsl"
#elif defined(FORMAT_Q4_K)
#include "formats/packed_scales.glsl"
#include "formats/q4_k.glsl"
#elif defined(FORMAT_Q5_K)
#include "formats/packed_scales.glsl"
#include "formats/q5_k.glsl"
#elif defined(FORMAT_Q6_K)
#include "formats/q6_k.glsl"
#elif defined(FORMAT_IQ4_NL)
#include "formats/iq4_codes.glsl"
#include "formats/iq4_nl.glsl"
#elif defined(FORMAT_IQ4_XS)
#include "formats/iq4_codes.glsl"
#include "formats/iq4_xs.glsl"
#endif
#if !defined(FORMAT_F32) && !defined(FORMAT_F16) && !defined(FORMAT_BF16)
void decode(uint row, uint halves, uint piece, uint j, out vec4 low, out vec4 high) {
  uvec2 both;
  vec2 of_low, of_high;
  codes(row, halves, piece, j, both, of_low, of_high);
  low = fma(vec4(of_low.x), signed_bytes(both.x), vec4(of_low.y));
  high = fma(vec4(of_high.x), signed_bytes(both.y), vec4(of_high.y));
}
#endif
