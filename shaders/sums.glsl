// Sums and maxima over the 64 lanes of a workgroup. A tree of fixed shape: the same bits whatever the device's
// subgroups are. Every lane must take part.
shared float sum_of_lane[64];

float sum_over_lanes(float value) {
  sum_of_lane[gl_LocalInvocationID.x] = value;
  barrier();
  for (uint half_of = 32; half_of > 0; half_of >>= 1) {
    if (gl_LocalInvocationID.x < half_of) {
      sum_of_lane[gl_LocalInvocationID.x] += sum_of_lane[gl_LocalInvocationID.x + half_of];
    }
    barrier();
  }
  float sum = sum_of_lane[0];
  barrier();  // before it is used again
  return sum;
}

float largest_over_lanes(float value) {
  sum_of_lane[gl_LocalInvocationID.x] = value;
  barrier();
  for (uint half_of = 32; half_of > 0; half_of >>= 1) {
    if (gl_LocalInvocationID.x < half_of) {
      sum_of_lane[gl_LocalInvocationID.x] =
          max(sum_of_lane[gl_LocalInvocationID.x], sum_of_lane[gl_LocalInvocationID.x + half_of]);
    }
    barrier();
  }
  float largest = sum_of_lane[0];
  barrier();
  return largest;
}
