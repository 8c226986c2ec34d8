#include "mpi/all_reduce/sum_link.hpp"

#include <algorithm>

#include "kernels/cpu/isa.hpp"

namespace covey {

namespace {

constexpr std::chrono::milliseconds kPatienceStep{250};

void add_values(std::span<const float> values, std::span<float> total) {
  host_isa().add(values.data(), static_cast<std::int64_t>(total.size()), total.data());
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
  round_for_wire(wire_, piece.values, piece.errors, outgoing_);
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

bool SumLink::all_arrived(std::size_t values) {
  for (int from = 0; from < ranks(); ++from) {
    if (from != rank() && !transport_.arrived(from, wire_bytes(wire_, values), Tag::partial)) return false;
  }
  return true;
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
  // Those before this rank add up first; a + b is b + a, so their total can be added to this rank's values.
  for (int from = 0; from < rank(); ++from) {
    std::vector<float>& into = from == 0 ? total_ : peer_;
    into.resize(values.size());
    receive(from, into);
    if (from > 0) add_values(peer_, total_);
  }
  if (rank() > 0) add_values(total_, values);
  for (int from = rank() + 1; from < ranks(); ++from) receive_and_add(from, values);
}

}  // namespace covey
