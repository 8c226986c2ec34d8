#include "mpi/link_model.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace covey {

namespace {

using Seconds = std::chrono::duration<double>;

constexpr Seconds us(double value) { return Seconds(value * 1e-6); }
constexpr Seconds ms(double value) { return Seconds(value * 1e-3); }

const std::array<LinkProfile, 7> kProfiles{{
    {.name = "10gbe", .latency = us(20), .jitter = us(2), .bits_per_second = 10e9},
    {.name = "1gbe", .latency = us(100), .jitter = us(10), .bits_per_second = 1e9},
    {.name = "100mbe", .latency = us(300), .jitter = us(50), .bits_per_second = 100e6},
    {.name = "wifi5", .latency = ms(2), .jitter = ms(1), .bits_per_second = 200e6},
    {.name = "wifi-bad", .latency = ms(8), .jitter = ms(12), .bits_per_second = 20e6},
    {.name = "lte", .latency = ms(25), .jitter = ms(8), .bits_per_second = 20e6},
    {.name = "wan", .latency = ms(40), .jitter = ms(3), .bits_per_second = 100e6},
}};

struct Unit {
  std::string_view name;
  double factor;
};
constexpr std::array<Unit, 3> kTimeUnits{{{"us", 1e-6}, {"ms", 1e-3}, {"s", 1}}};
constexpr std::array<Unit, 3> kRateUnits{{{"kbit", 1e3}, {"mbit", 1e6}, {"gbit", 1e9}}};

[[noreturn]] void refuse(std::string_view part, std::string_view expected) {
  throw Error("link: can't read '" + std::string(part) + "': expected " + std::string(expected));
}

double quantity(std::string_view part, std::string_view text, std::span<const Unit> units, std::string_view expected) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  const auto found = std::ranges::find(units, unit, &Unit::name);
  const bool usable = error == std::errc() && found != units.end() && std::isfinite(value);
  if (!usable || value < 0 || value * found->factor > 1e12) refuse(part, expected);
  return value * found->factor;
}

template <typename Integer>
Integer whole(std::string_view part, std::string_view text, std::string_view expected) {
  Integer value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || std::cmp_less(value, 0)) refuse(part, expected);
  return value;
}

void apply_setting(std::string_view part, LinkProfile& link) {
  constexpr std::string_view kTime = "a time in us, ms or s";
  const std::size_t equals = part.find('=');
  const std::string_view key = part.substr(0, equals);
  const std::string_view value = part.substr(equals + 1);
  if (key == "latency") {
    link.latency = Seconds(quantity(part, value, kTimeUnits, kTime));
  } else if (key == "jitter") {
    link.jitter = Seconds(quantity(part, value, kTimeUnits, kTime));
  } else if (key == "bandwidth") {
    link.bits_per_second = quantity(part, value, kRateUnits, "a bandwidth in kbit, mbit or gbit");
    if (link.bits_per_second <= 0) refuse(part, "a bandwidth above 0");
  } else if (key == "seed") {
    link.seed = whole<std::uint64_t>(part, value, "a whole number");
  } else if (key == "lose" || key == "die") {
    constexpr std::string_view kRankAndTime = "a rank and a time, like 2@1.5s";
    const std::size_t at = value.find('@');
    if (at == std::string_view::npos) refuse(part, kRankAndTime);
    link.lost_rank = whole<std::int32_t>(part, value.substr(0, at), kRankAndTime);
    link.dies = key == "die";
    link.lost_after = Seconds(quantity(part, value.substr(at + 1), kTimeUnits, kTime));
  } else {
    refuse(part, "latency=, jitter=, bandwidth=, seed=, lose= or die=");
  }
}

std::string profile_names() {
  std::string names;
  for (const LinkProfile& profile : kProfiles) names += (names.empty() ? "" : ", ") + profile.name;
  return names;
}

// splitmix64 (Steele, Lea, Flood 2014): a small generator whose every seed is good.
std::uint64_t next_random(std::uint64_t& state) {
  state += 0x9E3779B97F4A7C15U;
  std::uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31);
}

// Bytes on the wire: every 1448 bytes of payload travel with 78 bytes of Ethernet (preamble and gap too), IP and TCP.
double wire_bits(std::size_t bytes) {
  const std::size_t frames = std::max<std::size_t>(1, (bytes + 1447) / 1448);
  return 8.0 * (static_cast<double>(bytes) + 78.0 * static_cast<double>(frames));
}

Clock::duration ticks(Seconds time) { return std::chrono::duration_cast<Clock::duration>(time); }

}  // namespace

std::span<const LinkProfile> link_profiles() { return kProfiles; }

LinkProfile find_link_profile(std::string_view text) {
  LinkProfile link;
  constexpr std::string_view kCustom = "custom:";
  std::string_view left = text;
  if (left.starts_with(kCustom)) {
    left.remove_prefix(kCustom.size());
    if (left.substr(0, left.find(',')).find('=') == std::string_view::npos)
      refuse(text, "settings like latency=2ms after custom:");
  }
  for (bool first = true; first || !left.empty(); first = false) {
    const std::size_t comma = std::min(left.find(','), left.size());
    const std::string_view part = left.substr(0, comma);
    left.remove_prefix(std::min(comma + 1, left.size()));
    if (part.find('=') != std::string_view::npos) {
      apply_setting(part, link);
      continue;
    }
    const auto* found = std::ranges::find(kProfiles, part, &LinkProfile::name);
    if (!first || found == kProfiles.end())
      refuse(part, "one of " + profile_names() + ", or settings like latency=2ms");
    link = *found;
  }
  link.name = text;
  return link;
}

LinkModel::LinkModel(LinkProfile profile, int rank, int ranks, Clock::time_point start)
    : profile_(std::move(profile)), rank_(rank), start_(start), links_(static_cast<std::size_t>(ranks)) {
  for (std::size_t to = 0; to < links_.size(); ++to) {
    std::uint64_t state = profile_.seed;
    for (const std::uint64_t part : {static_cast<std::uint64_t>(rank), static_cast<std::uint64_t>(to)}) {
      state = next_random(state) ^ part;
    }
    links_[to] = {start, start, state};
  }
}

std::optional<Clock::time_point> LinkModel::death() const {
  if (!profile_.dies || profile_.lost_rank != rank_) return std::nullopt;
  return start_ + ticks(profile_.lost_after);
}

std::optional<Clock::time_point> LinkModel::arrival(int to, std::size_t bytes, Clock::time_point now) {
  Link& link = links_.at(static_cast<std::size_t>(to));
  const double chance = static_cast<double>(next_random(link.random) >> 11) * 0x1p-53;  // [0, 1)
  const Seconds sending(profile_.bits_per_second > 0 ? wire_bits(bytes) / profile_.bits_per_second : 0);
  link.busy_until = std::max(now, link.busy_until) + ticks(sending);
  link.last_arrival = std::max(link.last_arrival, link.busy_until + ticks(profile_.latency + profile_.jitter * chance));
  const bool cut = profile_.lost_rank == rank_ || profile_.lost_rank == to;
  if (cut && link.last_arrival >= start_ + ticks(profile_.lost_after)) return std::nullopt;
  return link.last_arrival;
}

}  // namespace covey
