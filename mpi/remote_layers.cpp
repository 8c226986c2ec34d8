#include "mpi/remote_layers.hpp"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <utility>

#include "mpi/command.hpp"
#include "mpi/layer_request.hpp"
#include "mpi/message.hpp"
#include "mpi/peer_message.hpp"

namespace covey {

namespace {

std::uint64_t size_of(const StreamedLayer& layer) {
  return std::accumulate(layer.parts.begin(), layer.parts.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const TensorPart& part) { return sum + part.bytes; });
}

void send_request(Transport& transport, int to, const LayerRequest& request) {
  send_command_to(transport, to, Tag::batch, Command::Kind::work, encode_layer_request(request));
}

}  // namespace

RemoteLayers::RemoteLayers(Ledger& ledger, const JobOptions& options, const std::vector<StreamedLayer>& layers,
                           std::uint64_t fingerprint)
    : ledger_(ledger), requests_(ledger.below()), timeout_(options.peer_timeout), goes_on_(options.regroups) {
  ledger_.set_phase(Phase::load);
  requests_.set_phase(Phase::other);
  std::vector<std::uint64_t> kept(static_cast<std::size_t>(ledger.size()));
  for (const StreamedLayer& layer : layers) {
    const auto least = std::min_element(std::next(kept.begin()), kept.end());
    *least += size_of(layer);
    const int keeper = static_cast<int>(least - kept.begin());
    keepers_[layer.layer] = keeper;
    send_request(ledger_, keeper, {LayerRequest::Kind::keep, layer, fingerprint});
  }
  std::size_t done = 0;
  for (const StreamedLayer& layer : layers) {
    const int keeper = keepers_[layer.layer];
    const auto answer = recv_message(ledger_, keeper, Tag::weights, Clock::now() + timeout_);
    if (!answer.empty()) {
      throw Error(name_rank(keeper, std::string(reinterpret_cast<const char*>(answer.data()), answer.size())));
    }
    if (options.stage.progress) {
      options.stage.progress(static_cast<double>(++done) / static_cast<double>(layers.size()));
    }
  }
}

void RemoteLayers::lose(int rank, const PeerLost& loss) {
  const std::scoped_lock lock(mutex_);
  if (lost_.insert(rank).second) losses_.push_back({rank, loss.what(), ledger_.since_start(), 0});
}

// Whether a step succeeds that needs the rank asked.
template <typename Step>
bool RemoteLayers::attempt(const Step& step) {
  if (is_lost(asked_)) return false;
  try {
    step();
    return true;
  } catch (const PeerLost& loss) {
    if (!goes_on_) throw;
    lose(asked_, loss);
    return false;
  }
}

bool RemoteLayers::ask(std::int32_t layer) {
  asked_ = keepers_.at(layer);
  return attempt([&] { send_request(requests_, asked_, {LayerRequest::Kind::send, {layer, {}}, 0}); });
}

bool RemoteLayers::read(std::span<std::byte> part) {
  return attempt([&] {
    while (!part.empty()) {
      const std::size_t bytes = std::min(part.size(), kMostLayerBytes);
      const auto message = recv_message(requests_, asked_, Tag::weights, Clock::now() + timeout_, bytes);
      if (message.size() != bytes) throw wrong_size(asked_, Tag::weights, message.size(), bytes);
      std::ranges::copy(message, part.begin());
      part = part.subspan(bytes);
    }
  });
}

bool RemoteLayers::is_lost(int rank) const {
  const std::scoped_lock lock(mutex_);
  return lost_.contains(rank);
}

std::vector<LostRank> RemoteLayers::take_losses() {
  const std::scoped_lock lock(mutex_);
  return std::exchange(losses_, {});
}

void RemoteLayers::enter_traffic() {
  for (const auto& [peer, phases] : requests_.report().sent) {
    for (std::size_t phase = 0; phase < phases.size(); ++phase) {
      Traffic& traffic = ledger_.report().sent[peer][phase];
      traffic.messages += phases[phase].messages;
      traffic.bytes += phases[phase].bytes;
    }
  }
}

void LayerKeeper::work(std::span<const std::byte> bytes) {
  const LayerRequest request = decode_layer_request(bytes);
  if (request.kind == LayerRequest::Kind::send) return send(request.layer.layer);
  std::string wrong;
  try {
    keep(request.layer, request.fingerprint);
  } catch (const PeerLost&) {
    throw;
  } catch (const std::exception& error) {
    wrong = error.what();
  }
  send_message(ledger_, 0, std::as_bytes(std::span(wrong)), Tag::weights);
}

void LayerKeeper::keep(const StreamedLayer& layer, std::uint64_t fingerprint) {
  if (!file_) {
    file_.emplace(GgufFile::open(options_.model_path));
    fingerprint_ = model_facts(*file_).fingerprint;
  }
  if (fingerprint_ != fingerprint) {
    throw Error(file_->path() + " is another model than rank 0's: copy the same file to all ranks");
  }
  std::vector<std::span<const std::byte>> found;
  for (const TensorPart& part : layer.parts) found.push_back(bytes_of(*file_, part));
  bytes_ += size_of(layer);
  const std::uint64_t limit = options_.stage.memory_limit;
  if (limit > 0 && bytes_ > limit) {
    throw Error("--memory-limit: the layers that it is to keep for rank 0 take " + std::to_string(bytes_) +
                " bytes and more: start more ranks, or raise the limit");
  }
  Parts& parts = kept_[layer.layer];
  for (const std::span<const std::byte> bytes : found) {
    parts.emplace_back(bytes.begin(), bytes.end());
    file_->release(bytes);
  }
  ledger_.report().model_bytes = bytes_;
}

void LayerKeeper::send(std::int32_t layer) {
  const auto kept = kept_.find(layer);
  if (kept == kept_.end()) throw Error("rank 0 asks for a layer that this rank does not keep");
  for (const std::vector<std::byte>& part : kept->second) {
    for (std::size_t from = 0; from < part.size(); from += kMostLayerBytes) {
      const std::size_t bytes = std::min(part.size() - from, kMostLayerBytes);
      send_message(ledger_, 0, std::span(part).subspan(from, bytes), Tag::weights);
    }
  }
}

}  // namespace covey
