#include "mpi/flock_task.hpp"

#include <algorithm>
#include <string_view>

#include "mpi/byte_stream.hpp"
#include "mpi/proposal_codec.hpp"

namespace covey {

namespace {

std::string_view text_of_bytes(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void write_question(ByteWriter& out, const FlockQuestion& question) {
  out.text(text_of_bytes(encode_options(question.options)));
  out.varint(question.proposals.size());
  for (const std::string& proposal : question.proposals) out.text(proposal);
  out.text(question.synthesis);
  out.varint(question.first_sample);
}

FlockQuestion read_question(ByteReader& in) {
  FlockQuestion question;
  const std::string options = in.text();
  question.options = decode_options(std::as_bytes(std::span(options)));
  question.proposals.resize(in.count(1));
  for (std::string& proposal : question.proposals) proposal = in.text();
  question.synthesis = in.text();
  question.first_sample = in.varint();
  return question;
}

}  // namespace

std::vector<std::byte> encode_task(const FlockTask& task) {
  ByteWriter out;
  out.varint(task.job);
  out.varint(task.members.size());
  for (const std::int32_t member : task.members) out.varint(static_cast<std::uint32_t>(member));
  out.varint(static_cast<std::uint32_t>(task.samples));
  out.boolean(task.rotates);
  out.boolean(task.streams);
  out.boolean(task.answers);
  out.boolean(task.drafts);
  out.varint(task.questions.size());
  for (const FlockQuestion& question : task.questions) write_question(out, question);
  return out.take();
}

FlockTask decode_task(std::span<const std::byte> bytes) {
  ByteReader in(bytes, "flock task");
  FlockTask task;
  task.job = in.varint();
  task.members.resize(in.count(1));
  for (std::int32_t& member : task.members) member = in.index();
  task.samples = in.index();
  if (task.members.empty() || task.samples < 1) in.malformed("nobody draws anything");
  task.rotates = in.boolean();
  task.streams = in.boolean();
  task.answers = in.boolean();
  task.drafts = in.boolean();
  const std::size_t questions = in.count(1);
  if (questions == 0) in.malformed("no question");
  for (std::size_t i = 0; i < questions; ++i) task.questions.push_back(read_question(in));
  in.end();
  return task;
}

Range samples_of(const FlockTask& task, std::size_t question, std::int32_t rank) {
  const auto found = std::ranges::find(task.members, rank);
  if (found == task.members.end()) return {};
  const auto members = static_cast<std::int32_t>(task.members.size());
  auto place = static_cast<std::int32_t>(found - task.members.begin());
  if (task.rotates) place = (place + members - static_cast<std::int32_t>(question % task.members.size())) % members;
  const std::int32_t each = task.samples / members;
  const std::int32_t more = task.samples % members;
  const std::int32_t first = place * each + std::min(place, more);
  return {first, first + each + (place < more ? 1 : 0)};
}

std::vector<std::byte> encode_flock_message(const FlockMessage& message) {
  ByteWriter out;
  out.u8(static_cast<std::uint8_t>(message.kind));
  out.varint(message.job);
  switch (message.kind) {
    case FlockMessage::Kind::proposal:
      out.varint(static_cast<std::uint32_t>(message.question));
      out.varint(static_cast<std::uint32_t>(message.index));
      out.text(text_of_bytes(encode_completion(message.completion)));
      break;
    case FlockMessage::Kind::text:
      out.text(message.text);
      break;
    case FlockMessage::Kind::failed:
      out.varint(static_cast<std::uint32_t>(message.samples));
      out.text(message.text);
      break;
    case FlockMessage::Kind::draft:
      out.varint(static_cast<std::uint32_t>(message.index));
      out.text(message.text);
      break;
  }
  return out.take();
}

FlockMessage decode_flock_message(std::span<const std::byte> bytes) {
  ByteReader in(bytes, "flock message");
  FlockMessage message;
  const std::uint8_t kind = in.u8();
  if (kind > static_cast<std::uint8_t>(FlockMessage::Kind::draft)) in.malformed("an unknown kind");
  message.kind = static_cast<FlockMessage::Kind>(kind);
  message.job = in.varint();
  switch (message.kind) {
    case FlockMessage::Kind::proposal: {
      message.question = in.index();
      message.index = in.index();
      const std::string completion = in.text();
      message.completion = decode_completion(std::as_bytes(std::span(completion)));
      break;
    }
    case FlockMessage::Kind::text:
      message.text = in.text();
      break;
    case FlockMessage::Kind::failed:
      message.samples = in.index();
      message.text = in.text();
      break;
    case FlockMessage::Kind::draft:
      message.index = in.index();
      message.text = in.text();
      break;
  }
  in.end();
  return message;
}

}  // namespace covey
