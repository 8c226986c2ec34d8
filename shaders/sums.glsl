// Sums and maxima over the 64 lanes of a workgroup, the same on every lane. Every lane must take part.
//
// With SUBGROUPS lanes that run together add up among themselves, and what they have is added in their order: one
// barrier, where a tree in shared memory has six. Each has an order of its own, which nothing changes on a device.
#ifdef SUBGROUPS
#extension GL_KHR_shader_subgroup_arithmetic : require
shared float of_subgroup[64];

float sum_over_lanes(float value) {
  float part = subgroupAdd(value);
  if (subgroupElect()) of_subgroup[gl_SubgroupID] = part;
  barrier();
  float sum = 0.0;
  for (uint i = 0u; i < gl_NumSubgroups; ++i) sum += of_subgroup[i];
  barrier();  // before it is used again
  return sum;
}

float largest_over_lanes(float value) {
  float part = subgroupMax(value);
  if (subgroupElect()) of_subgroup[gl_SubgroupID] = part;
  barrier();
  float largest = of_subgroup[0];
  for (uint i = 1u; i < gl_NumSubgroups; ++i) largest = max(largest, of_subgroup[i]);
  barrier();
  return largest;
}
#else
shared float of_lane[64];

float sum_over_lanes(float value) {
  of_lane[gl_LocalInvocationID.x] = value;
  barrier();
  for (uint half_of = 32; half_of > 0; half_of >>= 1) {
    if (gl_LocalInvocationID.x < half_of) of_lane[gl_LocalInvocationID.x] += of_lane[gl_LocalInvocationID.x + half_of];
    barrier();
  }
  float sum = of_lane[0];
  barrier();  // before it is used again
  return sum;
}

float largest_over_lanes(float value) {
  of_lane[gl_LocalInvocationID.x] = value;
  barrier();
  for (uint half_of = 32; half_of > 0; half_of >>= 1) {
    if (gl_LocalInvocationID.x < half_of) {
      of_lane[gl_LocalInvocationID.x] =
          max(of_lane[gl_LocalInvocationID.x], of_lane[gl_LocalInvocationID.x + half_of]);
    }
    barrier();
  }
  float largest = of_lane[0];
  barrier();
  return largest;
}
#endif
