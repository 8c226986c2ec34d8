#include "mpi/frame.hpp"

#include "mpi/message.hpp"
#include "tests/mpi/ranks.hpp"

namespace covey {
namespace {

std::vector<std::byte> framed(Tag kind, std::string_view payload) {
  const auto bytes = bytes_of(payload);
  const auto frame = frame_of(kind, bytes);
  std::vector<std::byte> message(frame.begin(), frame.end());
  message.insert(message.end(), bytes.begin(), bytes.end());
  return message;
}

// What reading a message of rank 3 says.
std::string verdict_on(std::span<const std::byte> message) {
  return error_of([&] {
    const Frame frame = read_frame(message, 3, Tag::text);
    check_payload(frame, message.subspan(kFrameBytes), 3);
  });
}

TEST(Frame, WhatWasFramedIsAccepted) {
  for (const std::size_t size : {0UL, 1UL, 8UL, 31UL, 32UL, 33UL, 1000UL}) {
    EXPECT_EQ(verdict_on(framed(Tag::text, std::string(size, 'x'))), "(no error)") << size;
  }
}

TEST(Frame, EveryChangeOfABitIsFoundAndTheSenderNamed) {
  for (const std::size_t size : {0UL, 5UL, 70UL}) {
    std::vector<std::byte> message = framed(Tag::text, std::string(size, 'x'));
    for (std::size_t bit = 0; bit < 8 * message.size(); ++bit) {
      message[bit / 8] ^= std::byte{1} << (bit % 8);
      EXPECT_TRUE(contains(verdict_on(message), "rank 3 sent a malformed text")) << "bit " << bit << " of " << size;
      message[bit / 8] ^= std::byte{1} << (bit % 8);
    }
  }
}

TEST(Frame, OtherLengthsAndKindsAreFound) {
  std::vector<std::byte> message = framed(Tag::text, "twenty bytes of text");
  for (std::size_t size = 0; size < message.size(); ++size) {
    EXPECT_TRUE(contains(verdict_on(std::span(message).first(size)), "rank 3")) << size;
  }
  message.push_back(std::byte{0});
  EXPECT_TRUE(contains(verdict_on(message), "21 bytes where 20 were announced"));
  EXPECT_TRUE(contains(verdict_on(framed(Tag::batch, "text")), "kind 1"));
  message = framed(Tag::text, "text");
  message[1] = std::byte{9};
  EXPECT_TRUE(contains(verdict_on(message), "format 9 where this program speaks 1"));
}

TEST(Message, GarbageIsRefusedNamingItsSenderAndTheNextMessageIsRead) {
  run_ranks(2, [](Transport& t) {
    if (t.rank() == 1) {
      t.send(0, bytes_of("sixteen bytes, 16"), Tag::text);  // of another size than any frame
      t.send(0, bytes_of("sixteen bytes 16"), Tag::text);
      t.send(0, frame_of(Tag::text, bytes_of("hello")), Tag::text);
      t.send(0, bytes_of("hallo"), Tag::text);
      send_message(t, 0, bytes_of("hello"), Tag::text);
      return;
    }
    const auto receive = [&] { return text_of(recv_message(t, 1, Tag::text, soon())); };
    EXPECT_TRUE(contains(error_of(receive), "rank 1 sent text of 17 bytes"));
    EXPECT_TRUE(contains(error_of(receive), "rank 1 sent a malformed text (it does not begin as one)"));
    EXPECT_TRUE(contains(error_of(receive), "rank 1 sent a malformed text (its checksum is wrong)"));
    EXPECT_EQ(receive(), "hello");
  });
}

}  // namespace
}  // namespace covey
