// The KV cache. KV_WORDS: words of four dimensions of one token: 4 in F32, 2 in F16, 1 in Q8_0. In a layer
//
//   keys, values:     | block 0 | block 1 | …
//   block:            | head 0 | head 1 | …
//   keys of a head:   | dimensions 0..3 of all tokens | dimensions 4..7 of all tokens | … |
//   values of a head: | dimensions 0..3, 4..7, … of token 0 | the same of token 1 | … |
//   both in Q8_0:     | … | F32 scales, for each 32 dimensions those of all tokens |
//
// Keys lie so that lanes which are tokens read neighbours, values so that lanes which are dimensions do. Dimensions are
// padded with zeros to a multiple of 4.
#if KV_WORDS == 4
#define Quad uvec4
#elif KV_WORDS == 2
#define Quad uvec2
#else
#define Quad uint
#endif
