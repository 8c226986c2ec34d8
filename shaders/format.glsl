// The format that a shader is compiled for, FORMAT_<NAME>. Each provides
//
//   decode(row, halves, piece, j, low, high):  weights 32 piece + 4 j .. + 3 and those 16 above them, of the row that
//                                              begins at word `row` and has its scales, if apart, at word `halves`.
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
