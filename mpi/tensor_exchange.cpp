#include "mpi/tensor_exchange.hpp"

#include <algorithm>

namespace covey {

namespace {

// Sums go in windows so small that a rank is never more than two of them ahead of a peer: what then waits for that peer
// stays far below a transport's limit, and two ranks can't both be stuck in a send.
constexpr std::size_t kWindow = 32768;  // floats to one peer
// From here on the second delay of slices costs less than sending everything to everybody, on links of about 1 Gbit/s.
constexpr std::size_t kSlicedFrom = 8192;  // floats

void add(std::span<const float> values, std::span<float> total) {
  for (std::size_t i = 0; i < total.size(); ++i) total[i] += values[i];
}

}  // namespace

TensorExchange::TensorExchange(Transport& transport, std::chrono::milliseconds timeout, Algorithm algorithm)
    : transport_(transport), timeout_(timeout), algorithm_(algorithm) {}

void TensorExchange::sum(std::span<float> partial) {
  const int ranks = transport_.size();
  if (ranks == 1 || partial.empty()) return;
  const bool sliced = algorithm_ == Algorithm::sliced ||
                      (algorithm_ == Algorithm::automatic && ranks > 2 && partial.size() >= kSlicedFrom);
  const std::size_t window = sliced ? kWindow * static_cast<std::size_t>(ranks) : kWindow;
  for (std::size_t done = 0; done < partial.size(); done += window) {
    const auto piece = partial.subspan(done, std::min(window, partial.size() - done));
    sliced ? sum_sliced(piece) : sum_direct(piece);
  }
}

void TensorExchange::sum_direct(std::span<float> partial) {
  const int self = transport_.rank();
  for (int rank = 0; rank < transport_.size(); ++rank) {
    if (rank != self) send(rank, partial);
  }
  total_.resize(partial.size());
  peer_.resize(partial.size());
  for (int rank = 0; rank < transport_.size(); ++rank) {
    const std::span<float> into = rank == 0 ? total_ : peer_;
    if (rank == self) {
      std::copy(partial.begin(), partial.end(), into.begin());
    } else {
      recv(rank, into);
    }
    if (rank > 0) add(peer_, total_);
  }
  std::copy(total_.begin(), total_.end(), partial.begin());
}

// Rank r adds slice r of all partial sums, then gives it to all:
//
//     rank 0  [a0 b0 c0]      [A        ]      [A B C]
//     rank 1  [a1 b1 c1]  ->  [   B     ]  ->  [A B C]      A = a0 + a1 + a2, …
//     rank 2  [a2 b2 c2]      [      C  ]      [A B C]
void TensorExchange::sum_sliced(std::span<float> partial) {
  const auto ranks = static_cast<std::size_t>(transport_.size());
  const int self = transport_.rank();
  const auto slice = [&](int rank) {
    const std::size_t first = partial.size() * static_cast<std::size_t>(rank) / ranks;
    const std::size_t last = partial.size() * (static_cast<std::size_t>(rank) + 1) / ranks;
    return partial.subspan(first, last - first);
  };
  for (int rank = 0; rank < transport_.size(); ++rank) {
    if (rank != self) send(rank, slice(rank));
  }
  const std::span<float> own = slice(self);
  total_.resize(own.size());
  peer_.resize(own.size());
  for (int rank = 0; rank < transport_.size(); ++rank) {
    const std::span<float> into = rank == 0 ? total_ : peer_;
    if (rank == self) {
      std::copy(own.begin(), own.end(), into.begin());
    } else {
      recv(rank, into);
    }
    if (rank > 0) add(peer_, total_);
  }
  std::copy(total_.begin(), total_.end(), own.begin());
  for (int rank = 0; rank < transport_.size(); ++rank) {
    if (rank != self) send(rank, own);
  }
  for (int rank = 0; rank < transport_.size(); ++rank) {
    if (rank != self) recv(rank, slice(rank));
  }
}

void TensorExchange::send(int to, std::span<const float> values) {
  if (!values.empty()) transport_.send(to, std::as_bytes(values), Tag::partial);
}

void TensorExchange::recv(int from, std::span<float> values) {
  if (!values.empty()) transport_.recv(from, std::as_writable_bytes(values), Tag::partial, Clock::now() + timeout_);
}

}  // namespace covey
