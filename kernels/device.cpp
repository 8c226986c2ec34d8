#include "kernels/device.hpp"

#include "covey/error.hpp"

namespace covey {

MatrixHandle Device::declare_matrix(const MatrixView&) {
  throw Error("weights that come and go while the model computes: only the CPU has those; leave --memory-limit out");
}

// There are none to call these with.
void Device::fill_matrix(MatrixHandle, const MatrixView&, const Packed&) {}
void Device::empty_matrix(MatrixHandle) {}

}  // namespace covey
