// Layers that have no room on rank 0 stay in the memory of the other ranks, which have nothing else to do, and come
// over the network for every pass, ahead of their use: what ZeRO-Inference (layer_stream.hpp) does with several
// machines.
//
//     rank 0   keep 0, its parts ->   <- done      send 0 ->   <- part, part, …      send 3 ->   <- part, …
//     rank 1                     0 3                                0                               3
//     rank 2                     1
//
// A part travels in messages of at most kMostLayerBytes.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "model/layer_source.hpp"
#include "mpi/loaded_model.hpp"

namespace covey {

inline constexpr std::size_t kMostLayerBytes = std::size_t{4} << 20;

/// Rank 0's side. While it is a Stage's source, nothing else may use the ledger's transport.
class RemoteLayers final : public LayerSource {
 public:
  /// Collective with the others' LayerKeeper: gives each of them as many bytes as possible. Throws Error naming a rank
  /// that can't keep its layers. `ledger` must outlive the object.
  RemoteLayers(Ledger& ledger, const JobOptions& options, const std::vector<StreamedLayer>& layers,
               std::uint64_t fingerprint);

  /// A rank that is lost keeps nothing any more; if the others don't go on without it, PeerLost is thrown.
  bool ask(std::int32_t layer) override;
  bool read(std::span<std::byte> part) override;

  /// Whoever has lost `rank` says so.
  void lose(int rank, const PeerLost& loss);
  bool is_lost(int rank) const;
  /// Those that have been lost since this was asked for the last time.
  std::vector<LostRank> take_losses();
  /// Enters in the ledger what was asked for, once this is no stage's source any more.
  void enter_traffic();

 private:
  template <typename Step>
  bool attempt(const Step& step);

  Ledger& ledger_;
  Ledger requests_;  // of the thread that reads ahead: two threads can't write in one account
  std::chrono::milliseconds timeout_;
  bool goes_on_;
  std::map<std::int32_t, int> keepers_;  // rank by layer
  int asked_ = 0;                        // rank whose parts come

  mutable std::mutex mutex_;  // of what follows
  std::set<int> lost_;
  std::vector<LostRank> losses_;
};

/// The other ranks' side.
class LayerKeeper {
 public:
  /// Both must outlive the object.
  LayerKeeper(Ledger& ledger, const JobOptions& options) : ledger_(ledger), options_(options) {}

  /// Does what the bytes of a LayerRequest say. Throws Error if they are none, or of a layer that is not kept.
  void work(std::span<const std::byte> request);

 private:
  using Parts = std::vector<std::vector<std::byte>>;

  void keep(const StreamedLayer& layer, std::uint64_t fingerprint);
  void send(std::int32_t layer);

  Ledger& ledger_;
  const JobOptions& options_;
  std::optional<GgufFile> file_;
  std::uint64_t fingerprint_ = 0;
  std::map<std::int32_t, Parts> kept_;
  std::uint64_t bytes_ = 0;
};

}  // namespace covey
