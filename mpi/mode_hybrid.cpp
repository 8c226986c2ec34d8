// Tensor parallel within the stages of a pipeline: --mesh TxP, T ranks in each of P stages.
#include "mpi/mesh_exchange.hpp"
#include "mpi/mode_list.hpp"
#include "mpi/split_session.hpp"

namespace covey {

namespace {

void check_mesh(const Mesh& mesh, int ranks) {
  const std::string text = std::to_string(mesh.parts) + "x" + std::to_string(mesh.stages);
  if (mesh.parts == 0) {
    throw Error(
        "--mode hybrid: say how, with --mesh TxP: T ranks share each of P stages of layers, T * P ranks in all");
  }
  if (std::int64_t{mesh.parts} * mesh.stages != ranks) {
    throw Error("--mesh " + text + ": takes " + std::to_string(std::int64_t{mesh.parts} * mesh.stages) +
                " ranks; there are " + std::to_string(ranks));
  }
}

const SplitWay kHybridWay{
    "hybrid",
    [](int rank, int, const ExchangeOptions& options) {
      Shard shard;
      shard.stage = rank / options.mesh.parts;
      shard.stages = options.mesh.stages;
      shard.part = rank % options.mesh.parts;
      shard.parts = options.mesh.parts;
      return shard;
    },
    [](Transport& group, const JobOptions& job, const ModelFacts& facts) -> std::unique_ptr<Exchange> {
      return std::make_unique<MeshExchange>(group, job.peer_timeout, job.exchange.wire, job.exchange.mesh.parts,
                                            job.exchange.sums, static_cast<std::size_t>(facts.n_embd),
                                            job.exchange.overlap);
    }};

std::unique_ptr<Session> open_hybrid(Ledger& ledger, const JobOptions& options) {
  check_exchange_options(options.exchange, kHybridMode.name,
                         {.sums = true, .wire = true, .mesh = true, .stages = true});
  check_mesh(options.exchange.mesh, ledger.size());
  if (!options.stage.shard.shares.empty()) {
    throw Error("--shares: a mesh is split evenly: leave it out, or use it with pipeline or tensor");
  }
  return open_split_session(ledger, options, kHybridWay);
}

}  // namespace

const Mode kHybridMode{"hybrid", "a pipeline whose stages are split over several ranks each", open_hybrid, true};

}  // namespace covey
