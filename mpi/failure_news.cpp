#include "mpi/failure_news.hpp"

#include <limits>
#include <string_view>

#include "mpi/byte_stream.hpp"

namespace covey {

namespace {

constexpr std::size_t kMostText = kMostNewsBytes - 32;

}  // namespace

std::vector<std::byte> encode_news(const FailureNews& news) {
  ByteWriter out;
  out.u8(static_cast<std::uint8_t>(news.kind));
  out.varint(news.generation);
  out.varint(static_cast<std::uint32_t>(news.failure.rank));
  out.boolean(news.failure.certain);
  out.text(std::string_view(news.failure.message).substr(0, kMostText));
  return out.take();
}

FailureNews decode_news(std::span<const std::byte> bytes) {
  ByteReader in(bytes, "news of a failure");
  FailureNews news;
  const std::uint8_t kind = in.u8();
  if (kind > static_cast<std::uint8_t>(FailureNews::Kind::failed)) in.malformed("of an unknown kind");
  news.kind = static_cast<FailureNews::Kind>(kind);
  const std::uint64_t generation = in.varint();
  if (generation > std::numeric_limits<std::uint32_t>::max()) in.malformed("the generation is out of range");
  news.generation = static_cast<std::uint32_t>(generation);
  news.failure.rank = in.index();
  news.failure.certain = in.boolean();
  news.failure.message = in.text();
  in.end();
  return news;
}

}  // namespace covey
