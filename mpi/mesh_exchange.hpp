// Tensor parallel within each stage of a pipeline: sums go round the ranks of a stage, activations from stage to stage.
#pragma once

#include "mpi/pipeline_exchange.hpp"
#include "mpi/sub_transport.hpp"
#include "mpi/tensor_exchange.hpp"

namespace covey {

class MeshExchange final : public Exchange {
 public:
  /// Collective over the ranks of a stage, which are `parts` consecutive ones: see measure_sums for `sums` and `row`.
  /// `transport` must outlive the object.
  MeshExchange(Transport& transport, std::chrono::milliseconds timeout, WireType wire, int parts,
               std::span<const SumAlgorithm* const> sums, std::size_t row, bool overlap)
      : stage_(transport, transport.rank() / parts * parts, parts),
        tensor_(stage_, timeout, measure_sums(stage_, timeout, wire, sums, row), wire, overlap ? row : 0),
        pipeline_(transport, timeout, wire, parts) {}

  void begin() override { tensor_.begin(); }
  void sum(std::span<float> partial, SumUse use) override { tensor_.sum(partial, use); }
  std::int32_t tokens_on_the_way() const override { return tensor_.tokens_on_the_way(); }
  bool several_on_the_way(std::size_t values) const override { return tensor_.several_on_the_way(values); }
  void start_sum(std::span<float> partial, SumUse use, std::size_t first) override {
    tensor_.start_sum(partial, use, first);
  }
  void finish_sum() override { tensor_.finish_sum(); }
  bool sum_is_here() override { return tensor_.sum_is_here(); }
  void gather(std::span<const float> mine, std::span<float> all) override { tensor_.gather(mine, all); }
  void receive(std::span<float> activations) override { pipeline_.receive(activations); }
  void pass_on(std::span<const float> activations) override { pipeline_.pass_on(activations); }

 private:
  SubTransport stage_;
  TensorExchange tensor_;
  PipelineExchange pipeline_;
};

}  // namespace covey
