// Products, formats x what computes x shapes, and OpenBLAS on the same shapes.
#include <array>
#include <cstring>
#include <iterator>
#include <span>

#include "bench/measure.hpp"
#include "kernels/cpu/blas.hpp"
#include "kernels/quant/formats.hpp"

namespace covey {
namespace {

struct Shape {
  std::int32_t rows, cols;
  std::string name() const { return std::to_string(rows) + "x" + std::to_string(cols); }
};
constexpr Shape kShapes[] = {{2048, 2048}, {5632, 2048}};

struct Load {
  const char* name;
  std::int32_t tokens;
};
constexpr Load kLoads[] = {{"decode", 1}, {"batch8", 8}, {"prefill64", 64}};

/// Equal matrices, as many as fill kStreamBytes.
struct Matrices {
  Matrices(const Format& format, const Computer& computer, const Shape& shape) {
    device = computer.device();
    std::array<std::int32_t, kSlotCount> widths{};
    widths[static_cast<std::size_t>(Slot::normed)] = shape.cols;
    widths[static_cast<std::size_t>(Slot::gate)] = shape.rows;
    device->reserve(widths, kLoads[std::size(kLoads) - 1].tokens);

    const TensorTypeInfo& type = tensor_type_info(format.type);
    const std::size_t row_bytes = static_cast<std::size_t>(shape.cols) / type.block_elements * type.block_bytes;
    std::vector<std::byte> rows(static_cast<std::size_t>(shape.rows) * row_bytes);
    for (std::int32_t row = 0; row < shape.rows; ++row) {
      const std::vector<float> values = random_floats(static_cast<std::size_t>(shape.cols), 1 + row);
      format.encode(values.data(), shape.cols, rows.data() + static_cast<std::size_t>(row) * row_bytes);
    }
    const std::size_t copies = (kStreamBytes + rows.size() - 1) / rows.size();
    for (std::size_t i = 0; i < copies; ++i) {
      handles.push_back(device->add_matrix({rows.data(), format.type, shape.rows, shape.cols, row_bytes}));
    }
  }

  std::unique_ptr<Device> device;
  std::vector<MatrixHandle> handles;
};

void run_matmul(benchmark::State& state, const Format& format, const Computer& computer, const Shape& shape,
                std::int32_t tokens) {
  const std::string key = std::to_string(format.index) + computer.name + shape.name();
  Matrices& matrices = prepared<Matrices>(key, [&] { return std::make_unique<Matrices>(format, computer, shape); });
  Device& device = *matrices.device;
  BatchView batch;
  batch.prompt = tokens > 8;
  device.begin(batch);
  const std::span<float> in = device.map(Slot::normed, tokens);
  const std::vector<float> values = random_floats(in.size());
  std::memcpy(in.data(), values.data(), in.size_bytes());
  const MatrixCost cost = device.matrix_cost(matrices.handles.front());
  const IterationWork work = {2.0 * static_cast<double>(cost.int8_weights) * tokens,
                              2.0 * static_cast<double>(cost.float_weights) * tokens, static_cast<double>(cost.bytes)};
  std::size_t next = 0;
  run_counted(
      state, computer, work,
      [&] {
        device.matmul(Slot::normed, matrices.handles[next], {}, Slot::gate);
        if (++next == matrices.handles.size()) next = 0;
      },
      [&] { benchmark::DoNotOptimize(device.map(Slot::gate).data()); });
}

/// Plain floats for BLAS: weights (rows, cols) transposed on the way in.
struct FloatMatrices {
  explicit FloatMatrices(const Shape& shape) {
    const std::size_t size = static_cast<std::size_t>(shape.rows) * static_cast<std::size_t>(shape.cols);
    copies = (kStreamBytes / sizeof(float) + size - 1) / size;
    weights = random_floats(size * copies);  // (copies, cols, rows)
  }
  std::size_t copies;
  std::vector<float> weights;
};

void run_sgemm(benchmark::State& state, Sgemm sgemm, const Shape& shape, std::int32_t tokens) {
  FloatMatrices& matrices =
      prepared<FloatMatrices>(shape.name(), [&] { return std::make_unique<FloatMatrices>(shape); });
  const std::vector<float> in = random_floats(static_cast<std::size_t>(tokens) * static_cast<std::size_t>(shape.cols));
  std::vector<float> out(static_cast<std::size_t>(tokens) * static_cast<std::size_t>(shape.rows));
  const std::size_t size = matrices.weights.size() / matrices.copies;
  const IterationWork work = {0, 2.0 * static_cast<double>(size) * tokens, static_cast<double>(size * sizeof(float))};
  std::size_t next = 0;
  // OpenBLAS chooses its own instruction set: the best, as ours.
  run_counted(
      state, computers_here().front(), work,
      [&] {
        sgemm(tokens, shape.rows, shape.cols, in.data(), shape.cols, matrices.weights.data() + next * size, shape.rows,
              false, out.data(), shape.rows);
        benchmark::DoNotOptimize(out.data());
        if (++next == matrices.copies) next = 0;
      },
      [] {});
}

}  // namespace

void register_matmul() {
  for (const Format& format : formats()) {
    for (const Computer& computer : computers_here()) {
      for (const Shape& shape : kShapes) {
        for (const Load& load : kLoads) {
          const std::string name = "matmul/" + std::string(tensor_type_info(format.type).name) + "/" + computer.name +
                                   "/" + shape.name() + "/" + load.name;
          benchmark::RegisterBenchmark(name.c_str(), run_matmul, format, computer, shape, load.tokens)->UseRealTime();
        }
      }
    }
  }
  const Sgemm sgemm = open_blas_sgemm();
  if (sgemm == nullptr) return;
  for (const Shape& shape : kShapes) {
    for (const Load& load : kLoads) {
      benchmark::RegisterBenchmark(("openblas_sgemm/" + shape.name() + "/" + load.name).c_str(), run_sgemm, sgemm,
                                   shape, load.tokens)
          ->UseRealTime();
    }
  }
}

}  // namespace covey
