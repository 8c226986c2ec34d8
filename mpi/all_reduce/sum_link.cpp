#include "mpi/all_reduce/sum_link.hpp"

#include <algorithm>

namespace covey {

namespace {

constexpr std::chrono::milliseconds kPatienceStep{250};

void add_values(std::span<const float> values, std::span<float> total) {
  for (std::size_t i = 0; i < total.size(); ++i) total[i] += values[i];
}

}  // namespace

SumPiece SumLink::slice(const SumPiece& piece, int part) const {
  const std::size_t size = piece.values.size();
  const std::size_t blocks = (size + kWireBlock - 1) / kWireBlock;
  const auto start_of = [&](int index) {
    return std::min(size, kWireBlock * (blocks * static_cast<std::size_t>(index) / static_cast<std::size_t>(ranks())));
  };
  return piece.part(start_of(part), start_of(part + 1) - start_of(part));
}

std::span<const std::byte> SumLink::encode(const SumPiece& piece) {
  if (wire_ == WireType::f32) return std::as_bytes(piece.values);
  outgoing_.resize(wire_bytes(wire_, piece.values.size()));
  to_wire(wire_, piece.values, outgoing_);
  read_back_.resize(piece.values.size());
  from_wire(wire_, outgoing_, read_back_);
  for (std::size_t i = 0; i < piece.errors.size(); ++i) piece.errors[i] += piece.values[i] - read_back_[i];
  std::ranges::copy(read_back_, piece.values.begin());
  return outgoing_;
}

void SumLink::send(int to, std::span<const std::byte> bytes) {
  if (!bytes.empty()) transport_.send(to, bytes, Tag::partial);
}

void SumLink::send_to_all(std::span<const std::byte> bytes) {
  for (int to = 0; to < ranks(); ++to) {
    if (to != rank()) send(to, bytes);
  }
}

void SumLink::receive(int from, std::span<float> values) { receive_bytes(from, values); }

std::span<const std::byte> SumLink::receive_bytes(int from, std::span<float> values) {
  if (values.empty()) return {};
  const Deadline deadline = Clock::now() + timeout_ + received_++ * kPatienceStep;
  if (wire_ == WireType::f32) {
    transport_.recv(from, std::as_writable_bytes(values), Tag::partial, deadline);
    return std::as_bytes(values);
  }
  incoming_.resize(wire_bytes(wire_, values.size()));
  transport_.recv(from, incoming_, Tag::partial, deadline);
  from_wire(wire_, incoming_, values);
  return incoming_;
}

void SumLink::receive_and_add(int from, std::span<float> values) {
  peer_.resize(values.size());
  receive(from, peer_);
  add_values(peer_, values);
}

void SumLink::add_in_rank_order(std::span<float> values) {
  total_.resize(values.size());
  peer_.resize(values.size());
  for (int from = 0; from < ranks(); ++from) {
    const std::span<float> into = from == 0 ? total_ : peer_;
    if (from == rank()) {
      std::ranges::copy(values, into.begin());
    } else {
      receive(from, into);
    }
    if (from > 0) add_values(peer_, total_);
  }
  std::ranges::copy(total_, values.begin());
}

}  // namespace covey
