// A rank that goes wrong after so many messages.
#pragma once

#include <functional>
#include <thread>

#include "tests/mpi/ranks.hpp"

namespace covey {

/// All messages pass; before each one that is sent under a tag of work, `fault` is told its number, from 0.
class FaultyTransport final : public Transport {
 public:
  /// Returns false to have other bytes sent instead.
  using Fault = std::function<bool(int message)>;

  FaultyTransport(Transport& below, Fault fault) : below_(below), fault_(std::move(fault)) {}

  int rank() const override { return below_.rank(); }
  int size() const override { return below_.size(); }
  int host_size() const override { return below_.host_size(); }
  int host_rank() const override { return below_.host_rank(); }
  void send(int to, std::span<const std::byte> bytes, Tag tag) override {
    const bool counted = tag == Tag::activation || tag == Tag::partial || tag == Tag::text;
    if (!counted || fault_(sent_++)) return below_.send(to, bytes, tag);
    below_.send(to, std::vector<std::byte>(bytes.size() + 1), tag);
  }
  void recv(int from, std::span<std::byte> bytes, Tag tag, Deadline deadline) override {
    below_.recv(from, bytes, tag, deadline);
  }
  bool ready(int from, Tag tag) override { return below_.ready(from, tag); }
  void outlive_others() override { below_.outlive_others(); }
  void alarm(const PeerLost& loss) noexcept override { below_.alarm(loss); }
  void regroup(std::uint32_t generation, std::span<const int> members) override { below_.regroup(generation, members); }
  void fail(const std::string& why) noexcept override { below_.fail(why); }

 private:
  Transport& below_;
  Fault fault_;
  int sent_ = 0;
};

}  // namespace covey
