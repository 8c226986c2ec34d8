// Matrices of 16 x 16 that the lanes of a subgroup hold and multiply together, by one of
//
//   COOPERATIVE_KHR   VK_KHR_cooperative_matrix
//   COOPERATIVE_NV    VK_NV_cooperative_matrix, its forerunner, for compilers that know no other
//   neither           the same by ordinary loops, which shows on any device that what is around them is right
//
//   LOAD_WEIGHTS(m, at)         m = 16 rows of `weights16` from element `at` on, kWeightStride apart
//   LOAD_ACTIVATIONS(m, at)     m = 16 tokens of `halves_in` from element `at` on, `padded` apart: a column each
//   MULTIPLY_ADD(sum, w, x)     sum += w * x
//   STORE_SUMS(sum, at)         to `sums_out`, a column of 16 for each token
// LOOP: before loops over matrices, which subgroups hold in registers only where such loops are written out.
#if defined(COOPERATIVE_KHR) || defined(COOPERATIVE_NV)
#define LOOP [[unroll]]
#else
#define LOOP [[dont_unroll]]
#endif
#if defined(COOPERATIVE_KHR)
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#define WeightMatrix coopmat<float16_t, gl_ScopeSubgroup, 16, 16, gl_MatrixUseA>
#define ActivationMatrix coopmat<float16_t, gl_ScopeSubgroup, 16, 16, gl_MatrixUseB>
#define SumMatrix coopmat<float, gl_ScopeSubgroup, 16, 16, gl_MatrixUseAccumulator>
#define NO_SUM SumMatrix(0.0)
#define LOAD_WEIGHTS(m, at) coopMatLoad(m, weights16, at, kWeightStride, gl_CooperativeMatrixLayoutRowMajor)
#define LOAD_ACTIVATIONS(m, at) coopMatLoad(m, halves_in, at, padded, gl_CooperativeMatrixLayoutColumnMajor)
#define MULTIPLY_ADD(sum, w, x) sum = coopMatMulAdd(w, x, sum)
#define STORE_SUMS(sum, at) coopMatStore(sum, sums_out, at, 16u, gl_CooperativeMatrixLayoutColumnMajor)
#elif defined(COOPERATIVE_NV)
#extension GL_NV_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#define WeightMatrix fcoopmatNV<16, gl_ScopeSubgroup, 16, 16>
#define ActivationMatrix fcoopmatNV<16, gl_ScopeSubgroup, 16, 16>
#define SumMatrix fcoopmatNV<32, gl_ScopeSubgroup, 16, 16>
#define NO_SUM SumMatrix(0.0)
#define LOAD_WEIGHTS(m, at) coopMatLoadNV(m, weights16, at, kWeightStride, false)
#define LOAD_ACTIVATIONS(m, at) coopMatLoadNV(m, halves_in, at, padded, true)
#define MULTIPLY_ADD(sum, w, x) sum = coopMatMulAddNV(w, x, sum)
#define STORE_SUMS(sum, at) coopMatStoreNV(sum, sums_out, at, 16u, true)
#else
#define WeightMatrix uint
#define ActivationMatrix uint
struct SumMatrix {
  float of_lane[32];  // of which 256 kSubgroups / 64 are in use
};
SumMatrix no_sum() {
  SumMatrix sum;
  [[dont_unroll]] for (uint i = 0u; i < 256u * kSubgroups / 64u; ++i) sum.of_lane[i] = 0.0;
  return sum;
}
#define NO_SUM no_sum()
#define LOAD_WEIGHTS(m, at) m = at
#define LOAD_ACTIVATIONS(m, at) m = at
#define MULTIPLY_ADD(sum, w, x) multiply_add(sum, w, x)
#define STORE_SUMS(sum, at) store_sums(sum, at)
// A lane's elements of a matrix, column by column.
uint element_of_lane(uint i) { return lane_number() % (64u / kSubgroups) + i * (64u / kSubgroups); }
// Loops stay loops: written out they would take compilers seconds.
void multiply_add(inout SumMatrix sum, uint w, uint x) {
  [[dont_unroll]] for (uint i = 0u; i < 256u * kSubgroups / 64u; ++i) {
    uint row = element_of_lane(i) & 15u, column = element_of_lane(i) >> 4;
    [[dont_unroll]] for (uint k = 0u; k < 16u; ++k) {
      sum.of_lane[i] += float(weights16[w + row * kWeightStride + k]) * float(halves_in[x + column * padded + k]);
    }
  }
}
void store_sums(SumMatrix sum, uint at) {
  [[dont_unroll]] for (uint i = 0u; i < 256u * kSubgroups / 64u; ++i) sums_out[at + element_of_lane(i)] = sum.of_lane[i];
}
#endif
