#include "mpi/all_reduce/sum_plan.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "mpi/byte_stream.hpp"
#include "mpi/message.hpp"

namespace covey {

namespace {

// Sums go in windows so small that a rank is never more than two of them ahead of a peer: what then waits for that peer
// stays about where a transport begins to hold back, and two ranks can't both be stuck in a send.
constexpr std::size_t kWindow = 131072;  // values to one peer

constexpr std::size_t kManyRows = 16;
constexpr int kRepetitions = 3;

double seconds_of_sum(SumLink& link, const SumAlgorithm& algorithm, std::vector<float>& values) {
  double best = std::numeric_limits<double>::max();
  for (int i = 0; i < kRepetitions; ++i) {
    std::ranges::fill(values, 1.0F);
    const auto start = Clock::now();
    sum_in_windows(link, algorithm, {values, {}});
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
  }
  return best;
}

// By candidate: a row, then many.
std::vector<std::array<double, 2>> measured(SumLink& link, std::span<const SumAlgorithm* const> candidates,
                                            std::size_t row) {
  std::vector<std::array<double, 2>> times;
  for (const SumAlgorithm* const algorithm : candidates) {
    auto& entry = times.emplace_back();
    for (std::size_t i = 0; i < entry.size(); ++i) {
      std::vector<float> values(i == 0 ? row : row * kManyRows);
      entry[i] = seconds_of_sum(link, *algorithm, values);
    }
  }
  return times;
}

std::vector<std::byte> encode_times(const std::vector<std::array<double, 2>>& times) {
  ByteWriter out;
  for (const auto& entry : times) {
    for (const double seconds : entry) out.f64(seconds);
  }
  return out.take();
}

std::vector<std::array<double, 2>> decode_times(std::span<const std::byte> bytes, std::size_t count) {
  ByteReader in(bytes, "times of sums");
  std::vector<std::array<double, 2>> times(count);
  for (auto& entry : times) {
    for (double& seconds : entry) {
      seconds = in.f64();
      if (!(seconds >= 0 && seconds < 1e9)) in.malformed("a time is out of range");
    }
  }
  in.end();
  return times;
}

// The slowest rank's times, on all ranks.
std::vector<std::array<double, 2>> agree(Transport& transport, std::chrono::milliseconds timeout,
                                         std::vector<std::array<double, 2>> times) {
  const auto receive = [&](int from) {
    return decode_times(recv_message(transport, from, Tag::control, Clock::now() + timeout), times.size());
  };
  if (transport.rank() != 0) {
    send_message(transport, 0, encode_times(times), Tag::control);
    return receive(0);
  }
  for (int rank = 1; rank < transport.size(); ++rank) {
    const auto others = receive(rank);
    for (std::size_t i = 0; i < times.size(); ++i) {
      for (std::size_t k = 0; k < times[i].size(); ++k) times[i][k] = std::max(times[i][k], others[i][k]);
    }
  }
  for (int rank = 1; rank < transport.size(); ++rank) {
    send_message(transport, rank, encode_times(times), Tag::control);
  }
  return times;
}

std::vector<const SumAlgorithm*> usual_candidates(int ranks) {
  std::vector<const SumAlgorithm*> usual;
  for (const SumAlgorithm& algorithm : sum_algorithms()) {
    // Of two ranks each sends the other its half of everything, whichever way: nothing is faster than one delay.
    if (algorithm.in_rank_order && (ranks > 2 || usual.empty())) usual.push_back(&algorithm);
  }
  return usual;
}

}  // namespace

SumPlan::SumPlan(std::vector<MeasuredSum> choices) : choices_(std::move(choices)) {}

const SumAlgorithm& SumPlan::best(std::size_t values) const {
  const auto seconds = [&](const MeasuredSum& sum) { return sum.fixed + sum.per_value * static_cast<double>(values); };
  return *std::ranges::min_element(choices_, {}, seconds)->algorithm;
}

void sum_in_windows(SumLink& link, const SumAlgorithm& algorithm, const SumPiece& piece) {
  const bool whole = piece.values.size() <= kWindow;
  for (std::size_t done = 0; done < piece.values.size(); done += kWindow) {
    link.begin();
    algorithm.sum(link, whole ? piece : piece.part(done, std::min(kWindow, piece.values.size() - done)));
  }
}

SumPlan measure_sums(Transport& transport, std::chrono::milliseconds timeout, WireType wire,
                     std::span<const SumAlgorithm* const> candidates, std::size_t row) {
  const auto usual = usual_candidates(transport.size());
  if (candidates.empty()) candidates = usual;
  if (candidates.size() == 1 || transport.size() == 1) return SumPlan(*candidates.front());
  SumLink link(transport, timeout, wire);
  const auto times = agree(transport, timeout, measured(link, candidates, row));
  std::vector<MeasuredSum> choices;
  for (std::size_t i = 0; i < times.size(); ++i) {
    // Noise can make the larger sum look faster.
    const double per_value = std::max(0.0, times[i][1] - times[i][0]) / static_cast<double>(row * (kManyRows - 1));
    choices.push_back({candidates[i], std::max(0.0, times[i][0] - per_value * static_cast<double>(row)), per_value});
  }
  return SumPlan(std::move(choices));
}

}  // namespace covey
