#include "mpi/loopback_transport.hpp"

#include <algorithm>
#include <exception>
#include <new>
#include <string>
#include <thread>

namespace covey {

class LoopbackTransport final : public Transport {
 public:
  LoopbackTransport(LoopbackHub& hub, int rank) : hub_(hub), rank_(rank) {}

  int rank() const override { return rank_; }
  int size() const override { return hub_.size(); }
  int host_size() const override { return hub_.size(); }
  int host_rank() const override { return rank_; }

  void send(int to, std::span<const std::byte> bytes, Tag tag) override {
    check_peer(*this, to);
    const std::scoped_lock lock(hub_.mutex_);
    if (const auto& known = hub_.failures_[static_cast<std::size_t>(to)]) throw lost(*failure_with(to, tag, known));
    queue(rank_, to, tag).emplace_back(bytes.begin(), bytes.end());
    hub_.changed_.notify_all();
  }

  void recv(int from, std::span<std::byte> bytes, Tag tag, Deadline deadline) override {
    check_peer(*this, from);
    const auto start = Clock::now();
    std::unique_lock lock(hub_.mutex_);
    LoopbackHub::Queue& messages = queue(from, rank_, tag);
    const auto ready = [&] { return !messages.empty() || failure_with(from, tag).has_value(); };
    if (deadline == kNoDeadline) {
      hub_.changed_.wait(lock, ready);
    } else if (!hub_.changed_.wait_until(lock, deadline, ready)) {
      const PeerLost silent = silent_peer(from, tag, Clock::now() - start);
      lost_ = RankFailure{from, silent.what(), silent.certain()};
      throw silent;
    }
    if (messages.empty()) throw lost(*failure_with(from, tag));
    const std::vector<std::byte> message = std::move(messages.front());
    messages.pop_front();
    if (message.size() != bytes.size()) throw wrong_size(from, tag, message.size(), bytes.size());
    std::copy(message.begin(), message.end(), bytes.begin());
  }

  bool ready(int from, Tag tag) override {
    check_peer(*this, from);
    const std::scoped_lock lock(hub_.mutex_);
    if (!queue(from, rank_, tag).empty()) return true;
    if (failure_with(from, tag)) throw lost(*failure_with(from, tag));
    return false;
  }

  void outlive_others() override { outlives_ = true; }

  void alarm(const PeerLost& loss) noexcept override {
    const std::scoped_lock lock(hub_.mutex_);
    if (hub_.alarms_.contains(generation_)) return;
    try {
      hub_.alarms_[generation_] = RankFailure{loss.rank(), loss.what(), loss.certain()};
    } catch (const std::bad_alloc&) {
      return;
    }
    hub_.changed_.notify_all();
  }

  void regroup(std::uint32_t generation, std::span<const int> members) override {
    const std::scoped_lock lock(hub_.mutex_);
    generation_ = generation;
    lost_.reset();
    members_.assign(members.begin(), members.end());
  }

  void fail(const std::string& why) noexcept override {
    const std::scoped_lock lock(hub_.mutex_);
    std::optional<RankFailure>& own = hub_.failures_[static_cast<std::size_t>(rank_)];
    if (own) return;
    try {
      own = lost_ && !outlives_ ? *lost_ : RankFailure{rank_, name_rank(rank_, why)};
    } catch (const std::bad_alloc&) {
      own = RankFailure{rank_, {}};
    }
    hub_.failed_.push_back(rank_);
    hub_.changed_.notify_all();
  }

 private:
  LoopbackHub::Queue& queue(int from, int to, Tag tag) {
    return hub_.queues_[{from, to, tag, outlasts_losses(tag) ? 0 : generation_}];
  }

  // What keeps this rank from exchanging messages of `tag` with `peer`; `usual` where the group knows of nothing.
  std::optional<RankFailure> failure_with(int peer, Tag tag, std::optional<RankFailure> usual = {}) const {
    if (outlives_ || outlasts_losses(tag)) return hub_.failures_[static_cast<std::size_t>(peer)];
    const auto alarm = hub_.alarms_.find(generation_);
    if (alarm != hub_.alarms_.end()) return alarm->second;
    for (const int rank : hub_.failed_) {
      const bool member = members_.empty() || std::ranges::find(members_, rank) != members_.end();
      if (member) return hub_.failures_[static_cast<std::size_t>(rank)];
    }
    return usual;
  }

  bool outlives_ = false;
  LoopbackHub& hub_;
  int rank_;
  std::uint32_t generation_ = 0;
  std::vector<int> members_;         // empty: all
  std::optional<RankFailure> lost_;  // the peer this rank gave up: what others should hear of, rather than of this rank
};

LoopbackHub::LoopbackHub(int ranks) : failures_(static_cast<std::size_t>(ranks)) {
  for (int rank = 0; rank < ranks; ++rank) transports_.push_back(std::make_unique<LoopbackTransport>(*this, rank));
}

LoopbackHub::~LoopbackHub() = default;

Transport& LoopbackHub::transport(int rank) { return *transports_.at(static_cast<std::size_t>(rank)); }

void run_ranks(int ranks, const std::function<void(Transport&)>& work) {
  LoopbackHub hub(ranks);
  std::vector<std::exception_ptr> errors(static_cast<std::size_t>(ranks));
  std::vector<std::thread> threads;
  threads.reserve(errors.size());
  for (int rank = 0; rank < ranks; ++rank) {
    threads.emplace_back([&hub, &work, &error = errors[static_cast<std::size_t>(rank)], rank] {
      try {
        work(hub.transport(rank));
      } catch (const std::exception& e) {
        error = std::current_exception();
        hub.transport(rank).fail(e.what());
      } catch (...) {
        error = std::current_exception();
        hub.transport(rank).fail("unknown error");
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

}  // namespace covey
