#include "mpi/report_codec.hpp"

#include <utility>

#include "mpi/byte_stream.hpp"

namespace covey {

namespace {

void write_stream(ByteWriter& out, const StreamTimes& stream) {
  out.f64(stream.start);
  out.f64(stream.first_token);
  out.varint(stream.tokens.size());
  for (const double time : stream.tokens) out.f64(time);
  out.zigzag(stream.prompt_tokens);
  out.zigzag(stream.reused_tokens);
  out.text(stream.role);
}

StreamTimes read_stream(ByteReader& in) {
  StreamTimes stream;
  stream.start = in.f64();
  stream.first_token = in.f64();
  stream.tokens.resize(in.count(sizeof(double)));
  for (double& time : stream.tokens) time = in.f64();
  stream.prompt_tokens = in.int32();
  stream.reused_tokens = in.int32();
  stream.role = in.text();
  return stream;
}

void read_sent(ByteReader& in, RankReport& report) {
  const std::size_t peers = in.count(1 + 2 * kPhaseCount);
  for (std::size_t i = 0; i < peers; ++i) {
    const auto [entry, is_new] = report.sent.try_emplace(in.index());
    if (!is_new) in.malformed("a peer comes twice");
    for (Traffic& traffic : entry->second) {
      traffic.messages = in.varint();
      traffic.bytes = in.varint();
    }
  }
}

void write_timeline(ByteWriter& out, const std::vector<TimelineSpan>& timeline) {
  out.varint(timeline.size());
  for (const TimelineSpan& span : timeline) {
    out.f64(span.start);
    out.f64(span.end);
    out.u8(static_cast<std::uint8_t>(span.doing));
  }
}

std::vector<TimelineSpan> read_timeline(ByteReader& in) {
  std::vector<TimelineSpan> timeline(in.count(2 * sizeof(double) + 1));
  for (TimelineSpan& span : timeline) {
    span.start = in.f64();
    span.end = in.f64();
    const std::uint8_t doing = in.u8();
    if (!(span.start >= 0 && span.end >= span.start) || doing > static_cast<int>(TimelineSpan::Doing::wait)) {
      in.malformed("a span of the time line is out of range");
    }
    span.doing = static_cast<TimelineSpan::Doing>(doing);
  }
  return timeline;
}

void write_loss(ByteWriter& out, const LostRank& loss) {
  out.zigzag(loss.rank);
  out.text(loss.why);
  out.f64(loss.at);
  out.f64(loss.seconds);
}

LostRank read_loss(ByteReader& in) {
  LostRank loss;
  loss.rank = in.int32();
  loss.why = in.text();
  loss.at = in.f64();
  loss.seconds = in.f64();
  return loss;
}

constexpr std::size_t kMinStreamBytes = 2 * sizeof(double) + 4;
constexpr std::size_t kMinLossBytes = 2 * sizeof(double) + 2;

}  // namespace

std::vector<std::byte> encode_report(const RankReport& report) {
  ByteWriter out;
  out.zigzag(report.rank);
  out.text(report.host);
  out.text(report.device);
  for (const PhaseTime& phase : report.phases) {
    out.f64(phase.compute);
    out.f64(phase.transfer);
    out.f64(phase.wait);
    out.varint(phase.passes);
    out.varint(phase.tokens);
  }
  out.varint(report.operations.size());
  for (const OperationTime& time : report.operations) {
    out.text(time.operation);
    out.f64(time.seconds);
    out.varint(time.count);
  }
  out.varint(report.sent.size());
  for (const auto& [peer, phases] : report.sent) {
    out.varint(static_cast<std::uint32_t>(peer));
    for (const Traffic& traffic : phases) {
      out.varint(traffic.messages);
      out.varint(traffic.bytes);
    }
  }
  out.varint(report.streams.size());
  for (const StreamTimes& stream : report.streams) write_stream(out, stream);
  write_timeline(out, report.timeline);
  out.varint(report.model_bytes);
  out.varint(report.peak_rss_bytes);
  out.f64(report.joules);
  out.f64(report.load_seconds);
  out.f64(report.work_seconds);
  out.varint(report.losses.size());
  for (const LostRank& loss : report.losses) write_loss(out, loss);
  return out.take();
}

RankReport decode_report(std::span<const std::byte> bytes) {
  ByteReader in(bytes, "report");
  RankReport report;
  report.rank = in.int32();
  report.host = in.text();
  report.device = in.text();
  for (PhaseTime& phase : report.phases) {
    phase.compute = in.f64();
    phase.transfer = in.f64();
    phase.wait = in.f64();
    phase.passes = in.varint();
    phase.tokens = in.varint();
  }
  report.operations.resize(in.count(1 + sizeof(double) + 1));
  for (OperationTime& time : report.operations) {
    time.operation = in.text();
    time.seconds = in.f64();
    time.count = in.varint();
  }
  read_sent(in, report);
  const std::size_t streams = in.count(kMinStreamBytes);
  report.streams.reserve(streams);
  for (std::size_t i = 0; i < streams; ++i) report.streams.push_back(read_stream(in));
  report.timeline = read_timeline(in);
  report.model_bytes = in.varint();
  report.peak_rss_bytes = in.varint();
  report.joules = in.f64();
  report.load_seconds = in.f64();
  report.work_seconds = in.f64();
  const std::size_t losses = in.count(kMinLossBytes);
  report.losses.reserve(losses);
  for (std::size_t i = 0; i < losses; ++i) report.losses.push_back(read_loss(in));
  in.end();
  return report;
}

}  // namespace covey
