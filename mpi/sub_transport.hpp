// Some ranks of a transport as a transport of their own, counted from 0.
#pragma once

#include <algorithm>
#include <utility>

#include "mpi/transport.hpp"

namespace covey {

class SubTransport final : public Transport {
 public:
  /// `members` as `below` counts them, ascending, this rank among them. `below` must outlive the object. Errors name
  /// ranks as `below` counts them.
  SubTransport(Transport& below, std::vector<int> members)
      : below_(below),
        members_(std::move(members)),
        rank_(static_cast<int>(std::ranges::find(members_, below.rank()) - members_.begin())) {}
  /// Ranks first .. first + size - 1.
  SubTransport(Transport& below, int first, int size) : SubTransport(below, consecutive(first, size)) {}

  int rank() const override { return rank_; }
  int size() const override { return static_cast<int>(members_.size()); }
  int host_size() const override { return below_.host_size(); }
  int host_rank() const override { return below_.host_rank(); }
  void send(int to, std::span<const std::byte> bytes, Tag tag) override { below_.send(below_rank(to), bytes, tag); }
  void recv(int from, std::span<std::byte> bytes, Tag tag, Deadline deadline) override {
    below_.recv(below_rank(from), bytes, tag, deadline);
  }
  bool is_network() const override { return below_.is_network(); }
  bool ready(int from, Tag tag) override { return below_.ready(below_rank(from), tag); }
  bool arrived(int from, std::size_t bytes, Tag tag) override { return below_.arrived(below_rank(from), bytes, tag); }
  bool can_sum() const override { return size() == below_.size() && below_.can_sum(); }
  void sum(std::span<float> values, Deadline deadline) override { below_.sum(values, deadline); }
  void outlive_others() override { below_.outlive_others(); }
  void alarm(const PeerLost& loss) noexcept override { below_.alarm(loss); }
  /// `members` as `below` counts them.
  void regroup(std::uint32_t generation, std::span<const int> members) override { below_.regroup(generation, members); }
  int known_as(int rank) const override { return below_.known_as(below_rank(rank)); }
  void fail(const std::string& why) noexcept override { below_.fail(why); }

 private:
  static std::vector<int> consecutive(int first, int size) {
    std::vector<int> ranks;
    for (int i = 0; i < size; ++i) ranks.push_back(first + i);
    return ranks;
  }
  // A rank that does not exist stays one: `below` refuses it.
  int below_rank(int rank) const { return rank < 0 || rank >= size() ? -1 : members_[static_cast<std::size_t>(rank)]; }

  Transport& below_;
  std::vector<int> members_;
  int rank_;
};

}  // namespace covey
