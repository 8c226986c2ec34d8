// All messages of variable shape: what is encoded comes back; what is cut short or stretched is refused.
#include <algorithm>
#include <cmath>
#include <limits>

#include "mpi/batch_codec.hpp"
#include "mpi/byte_stream.hpp"
#include "mpi/command.hpp"
#include "mpi/flock_task.hpp"
#include "mpi/frame.hpp"
#include "mpi/layer_request.hpp"
#include "mpi/message.hpp"
#include "mpi/proposal_codec.hpp"
#include "mpi/report_codec.hpp"
#include "mpi/startup.hpp"
#include "tests/mpi/ranks.hpp"

namespace covey {
namespace {

constexpr std::int32_t kMax = std::numeric_limits<std::int32_t>::max();

Batch sample_batch() {
  Batch batch;
  batch.prompt = true;
  batch.shortlist = 40;
  batch.ops = {
      {SequenceOp::Kind::fork, 3, 1, 17}, {SequenceOp::Kind::truncate, 2, 0, 5}, {SequenceOp::Kind::drop, kMax, 0, 0}};
  batch.tokens = {{0, 0, false}, {kMax, kMax, true}, {127999, 4, true}, {5, 5, false}};
  return batch;
}

RankReport sample_report() {
  RankReport report;
  report.rank = 2;
  report.host = "kitchen";
  report.device = "cpu neon, 4 threads";
  report.phases[1] = {1.5, 0.25, 0.125, 3, 700};
  report.operations = {{"products", 0.75, 12}, {"attention", 0.5, 3}};
  report.sent[0] = {Traffic{1, 2}, Traffic{3, 400}, Traffic{5, 6}, Traffic{7, 1ULL << 40}};
  report.sent[3] = {};
  report.timeline = {{0.25, 0.5, TimelineSpan::Doing::wait}, {0, 0.75, TimelineSpan::Doing::compute}};
  report.streams = {{0.5, 1.0, {1.0, 1.25}, 12, 7, "proposal"}, {}};
  report.model_bytes = 1ULL << 33;
  report.peak_rss_bytes = 12345;
  report.joules = -1;
  report.load_seconds = 2;
  report.work_seconds = 3;
  return report;
}

GenerateOptions sample_options() {
  GenerateOptions options;
  options.prompt = std::string("Once\0upon", 9);
  options.known = {"Once", {1, 300}};
  options.sampling.temperature = 0.7F;
  options.sampling.top_k = -5;
  options.sampling.logit_bias = {{3, -1.5F}, {-9, 2.0F}};
  options.sampling.seed = ~0ULL;
  options.max_tokens = 33;
  options.stop = {"", "The end"};
  options.bos = false;
  options.ignore_eos = true;
  options.proposals = 9;
  options.proposal_tokens = 12;
  options.aggregate_temperature = 0.25F;
  options.sampling.grammar = "root ::= [0-9]+";
  options.prompt_template = "{{ prompt }}";
  options.chat = ChatQuestion{{{"user", "Why?"}}, "chatml"};
  return options;
}

Completion sample_completion() { return {{1, kMax, 0}, {-0.5F, -1.0F, 0.0F}, "a text", Finish::max_tokens, 4, 2}; }

RankStart sample_start() {
  return {"1.2",
          "tensor",
          "--wire f16",
          "no such file",
          true,
          0x123456789ABCDEF0U,
          {300, 128, 64, 32, 8},
          77,
          "cpu neon, 4 threads"};
}

TEST(BatchCodec, RoundTrip) {
  EXPECT_EQ(decode_batch(encode_batch(sample_batch())), sample_batch());
  EXPECT_EQ(decode_batch(encode_batch(Batch{})), Batch{});
}

TEST(BatchCodec, ATokenOfDecodeTakesFewBytes) {
  Batch batch;
  for (std::int32_t i = 0; i < 8; ++i) batch.tokens.push_back({127000 + i, i, true});
  EXPECT_LE(encode_batch(batch).size(), 4U + 8 * 4);
  batch.tokens.resize(1);
  EXPECT_LE(encode_batch(batch).size(), 8U);
}

TEST(ReportCodec, RoundTrip) {
  const RankReport in = sample_report();
  const RankReport out = decode_report(encode_report(in));
  EXPECT_EQ(encode_report(out), encode_report(in));
  EXPECT_EQ(out.rank, 2);
  EXPECT_EQ(out.host, "kitchen");
  EXPECT_EQ(out.sent, in.sent);
  ASSERT_EQ(out.operations.size(), 2U);
  EXPECT_EQ(out.operations[1].operation, "attention");
  EXPECT_EQ(out.operations[1].seconds, 0.5);
  EXPECT_EQ(out.operations[1].count, 3U);
  EXPECT_EQ(out.streams.at(0).tokens, in.streams[0].tokens);
  EXPECT_EQ(out.streams.at(0).role, "proposal");
  EXPECT_EQ(out.timeline, in.timeline);
  EXPECT_EQ(out.phases[1].tokens, 700U);
  EXPECT_EQ(out.model_bytes, in.model_bytes);
  EXPECT_EQ(out.work_seconds, 3);
}

TEST(ProposalCodec, OptionsRoundTrip) {
  const GenerateOptions in = sample_options();
  const GenerateOptions out = decode_options(encode_options(in));
  EXPECT_EQ(encode_options(out), encode_options(in));
  EXPECT_EQ(out.prompt, in.prompt);
  EXPECT_EQ(out.known, in.known);
  EXPECT_EQ(out.sampling.logit_bias, in.sampling.logit_bias);
  EXPECT_EQ(out.sampling.seed, in.sampling.seed);
  EXPECT_EQ(out.sampling.top_k, -5);
  EXPECT_EQ(out.stop, in.stop);
  EXPECT_FALSE(out.bos);
  EXPECT_EQ(out.proposals, 9);
}

TEST(ProposalCodec, WhatIsKnownIsOfThePrompt) {
  GenerateOptions other = sample_options();
  other.known.text = "Twice";
  EXPECT_EQ(decode_options(encode_options(other)).known, KnownTokens());
}

FlockTask sample_task() {
  FlockTask task;
  task.job = 7;
  task.members = {0, 2};
  task.samples = 3;
  task.rotates = true;
  task.drafts = true;
  task.questions = {{sample_options(), {"one", ""}, "so far", 4}, {sample_options(), {}, {}, 0}};
  return task;
}

constexpr FlockMessage::Kind kFlockMessageKinds[] = {FlockMessage::Kind::proposal, FlockMessage::Kind::text,
                                                     FlockMessage::Kind::failed, FlockMessage::Kind::draft};

FlockMessage sample_message(FlockMessage::Kind kind) {
  FlockMessage message;
  message.kind = kind;
  message.job = 300;
  message.question = 1;
  message.index = 5;
  message.samples = 2;
  message.completion = sample_completion();
  message.text = "why";
  return message;
}

TEST(FlockCodec, RoundTrip) {
  const FlockTask task = decode_task(encode_task(sample_task()));
  EXPECT_EQ(encode_task(task), encode_task(sample_task()));
  EXPECT_EQ(task.members, sample_task().members);
  EXPECT_EQ(task.questions[0].proposals, sample_task().questions[0].proposals);
  EXPECT_EQ(chat_messages_to_json(task.questions[0].options.chat->messages),
            chat_messages_to_json(sample_options().chat->messages));
  for (const auto kind : kFlockMessageKinds) {
    const auto bytes = encode_flock_message(sample_message(kind));
    EXPECT_EQ(encode_flock_message(decode_flock_message(bytes)), bytes);
  }
}

TEST(FlockCodec, TasksThatMakeNoSenseAreRefused) {
  FlockTask task = sample_task();
  task.questions.clear();
  EXPECT_TRUE(contains(error_of([&] { decode_task(encode_task(task)); }), "no question"));
  task = sample_task();
  task.members.clear();
  EXPECT_TRUE(contains(error_of([&] { decode_task(encode_task(task)); }), "nobody"));
}

TEST(FlockTask, SpreadsSamplesOverItsMembers) {
  FlockTask task = sample_task();
  EXPECT_EQ(samples_of(task, 0, 0), (Range{0, 2}));
  EXPECT_EQ(samples_of(task, 0, 2), (Range{2, 3}));
  EXPECT_EQ(samples_of(task, 1, 2), (Range{0, 2})) << "the next question begins with the next member";
  EXPECT_EQ(samples_of(task, 1, 0), (Range{2, 3}));
  EXPECT_EQ(samples_of(task, 0, 1).size(), 0) << "no member";
  task.rotates = false;
  EXPECT_EQ(samples_of(task, 1, 0), (Range{0, 2}));
}

TEST(ProposalCodec, CompletionRoundTrip) {
  const Completion in = sample_completion();
  const Completion out = decode_completion(encode_completion(in));
  EXPECT_EQ(out.tokens, in.tokens);
  EXPECT_EQ(out.logprobs, in.logprobs);
  EXPECT_EQ(out.text, in.text);
  EXPECT_EQ(out.finish, in.finish);
  EXPECT_EQ(out.prompt_tokens, 4);
  EXPECT_EQ(out.reused_tokens, 2);
}

LayerRequest sample_request() {
  return {LayerRequest::Kind::keep, {7, {{0, 0, 1}, {291, 1ULL << 35, 25'000'000}}}, ~0ULL};
}

TEST(LayerRequestCodec, RoundTrip) {
  const LayerRequest keep = decode_layer_request(encode_layer_request(sample_request()));
  EXPECT_EQ(keep.kind, LayerRequest::Kind::keep);
  EXPECT_EQ(keep.layer.layer, 7);
  EXPECT_EQ(keep.layer.parts, sample_request().layer.parts);
  EXPECT_EQ(keep.fingerprint, ~0ULL);
  const LayerRequest send = decode_layer_request(encode_layer_request({LayerRequest::Kind::send, {300, {}}, 0}));
  EXPECT_EQ(send.kind, LayerRequest::Kind::send);
  EXPECT_EQ(send.layer.layer, 300);
}

TEST(StartCodec, RoundTrip) {
  const RankStart out = decode_start(encode_start(sample_start()));
  EXPECT_EQ(out.mode, "tensor");
  EXPECT_EQ(out.error, "no such file");
  EXPECT_EQ(out.fingerprint, sample_start().fingerprint);
  EXPECT_EQ(out.limits.blocks, 8);
  EXPECT_EQ(out.adapters, 77U);
  EXPECT_EQ(out.device, "cpu neon, 4 threads");
}

template <typename Decode>
void expect_exact(std::vector<std::byte> bytes, const Decode& decode) {
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THROW(decode(std::span(bytes).first(size)), Error) << "cut to " << size << " of " << bytes.size();
  }
  bytes.push_back(std::byte{0});
  EXPECT_TRUE(contains(error_of([&] { decode(bytes); }), "malformed"));
}

TEST(Codecs, CutOrStretchedMessagesAreRefused) {
  expect_exact(encode_batch(sample_batch()), [](auto bytes) { decode_batch(bytes); });
  expect_exact(encode_report(sample_report()), [](auto bytes) { decode_report(bytes); });
  expect_exact(encode_options(sample_options()), [](auto bytes) { decode_options(bytes); });
  expect_exact(encode_layer_request(sample_request()), [](auto bytes) { decode_layer_request(bytes); });
  expect_exact(encode_completion(sample_completion()), [](auto bytes) { decode_completion(bytes); });
  expect_exact(encode_task(sample_task()), [](auto bytes) { decode_task(bytes); });
  for (const auto kind : kFlockMessageKinds) {
    expect_exact(encode_flock_message(sample_message(kind)), [](auto bytes) { decode_flock_message(bytes); });
  }
  expect_exact(encode_start(sample_start()), [](auto bytes) { decode_start(bytes); });
}

std::vector<std::byte> raw(std::initializer_list<int> values) {
  std::vector<std::byte> bytes;
  for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

TEST(BatchCodec, EveryFieldIsChecked) {
  for (const auto& bytes : {raw({2, 0, 0}),                                   // prompt is neither yes nor no
                            raw({0, 1, 3, 0, 0}),                             // unknown op
                            raw({0, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F}),           // more ops than bytes
                            raw({0, 1, 2, 0x80, 0x80, 0x80, 0x80, 0x10, 0}),  // sequence over 31 bits
                            raw({0, 0, 1, 0x80, 0x80, 0x80, 0x80, 0x20, 0}),  // token over 31 bits
                            raw({0, 0, 1, 0, 1}),                             // sequence -1
                            raw({0, 0, 1, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1}),
                            raw({0, 0, 1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 2, 0})}) {
    EXPECT_TRUE(contains(error_of([&] { decode_batch(bytes); }), "malformed batch"));
  }
}

TEST(ByteStream, NumbersOfAllSizesComeBack) {
  ByteWriter out;
  const std::vector<std::uint64_t> naturals{0, 1, 127, 128, 16383, 16384, 1ULL << 63, ~0ULL};
  const std::vector<std::int64_t> integers{
      0, -1, 1, -64, 64, std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()};
  for (const auto n : naturals) out.varint(n);
  for (const auto n : integers) out.zigzag(n);
  out.f32(-0.0F);
  out.f64(1e-310);
  const auto bytes = out.take();
  ByteReader in(bytes, "test");
  for (const auto n : naturals) EXPECT_EQ(in.varint(), n);
  for (const auto n : integers) EXPECT_EQ(in.zigzag(), n);
  EXPECT_TRUE(std::signbit(in.f32()));
  EXPECT_EQ(in.f64(), 1e-310);
  in.end();
}

TEST(Message, VariableSizesTravelFramed) {
  run_ranks(2, [](Transport& t) {
    for (const std::size_t size : {0, 1, 100000}) {
      const std::string text(size, 'x');
      if (t.rank() == 0) {
        send_message(t, 1, bytes_of(text), Tag::text);
      } else {
        EXPECT_EQ(text_of(recv_message(t, 0, Tag::text, soon())), text);
      }
    }
  });
}

TEST(Message, AnAnnouncedSizeOverTheLimitIsRefusedBeforeMemoryIsTaken) {
  const std::string message = error_of([] {
    run_ranks(2, [](Transport& t) {
      if (t.rank() == 1) {
        auto frame = frame_of(Tag::text, {});
        std::fill(frame.begin() + 8, frame.end(), std::byte{0xFF});  // its length
        t.send(0, frame, Tag::text);
      } else {
        recv_message(t, 1, Tag::text, soon());
      }
    });
  });
  EXPECT_TRUE(contains(message, "rank 1 announces a text of 18446744073709551615 bytes"));
}

TEST(Command, ReachesAllRanksAndIsChecked) {
  run_ranks(3, [](Transport& t) {
    if (t.rank() == 0) {
      send_command(t, Tag::text, Command::Kind::work, bytes_of("write"));
      send_command(t, Tag::text, Command::Kind::end, {});
      for (const int to : {1, 2}) send_message(t, to, bytes_of("\x07"), Tag::text);
      return;
    }
    const Command work = recv_command(t, Tag::text);
    EXPECT_EQ(work.kind, Command::Kind::work);
    EXPECT_EQ(text_of(work.payload), "write");
    EXPECT_EQ(recv_command(t, Tag::text).kind, Command::Kind::end);
    EXPECT_TRUE(contains(error_of([&] { recv_command(t, Tag::text); }), "malformed command"));
  });
}

}  // namespace
}  // namespace covey
