#include "kernels/device.hpp"

#include "covey/error.hpp"

namespace covey {
namespace {

[[noreturn]] void without_columns() { throw Error("products that begin with some columns: not on this device"); }

}  // namespace

MatrixHandle Device::declare_matrix(const MatrixView&) {
  throw Error("weights that come and go while the model computes: only the CPU has those; leave --memory-limit out");
}

// There are none to call these with.
void Device::fill_matrix(MatrixHandle, const MatrixView&, const Packed&) {}
void Device::empty_matrix(MatrixHandle) {}

void Device::add_norm(Slot from, Slot into, const NormSpec& spec, std::span<const MatrixHandle>, Slot out) {
  add(from, into);
  norm(spec, into, out);
}

void Device::gated_products(const GatedProducts& products, Slot in, Slot gate, Slot up) {
  matmul(in, products.gate, {}, gate);
  matmul(in, products.up, {}, up);
  gated(products.activation, gate, up);
}

bool Device::multiplies_columns(MatrixHandle) const { return false; }
void Device::add_columns(std::span<const float>, std::int32_t, Slot) { without_columns(); }
void Device::weigh_columns(VectorHandle, Slot, const Band&, Slot, Slot, std::int32_t) { without_columns(); }
void Device::matmul_columns(Slot, MatrixHandle, const Band&, Slot) { without_columns(); }
void Device::divide_by_norm(Slot, std::int32_t, float, VectorHandle, Slot) { without_columns(); }

}  // namespace covey
