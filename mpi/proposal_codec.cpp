#include "mpi/proposal_codec.hpp"

#include "mpi/byte_stream.hpp"

namespace covey {

namespace {

void write_tokens(ByteWriter& out, const std::vector<Token>& tokens) {
  out.varint(tokens.size());
  for (const Token token : tokens) out.varint(static_cast<std::uint32_t>(token));
}

std::vector<Token> read_tokens(ByteReader& in) {
  std::vector<Token> tokens(in.count(1));
  for (Token& token : tokens) token = in.index();
  return tokens;
}

void write_sampling(ByteWriter& out, const SamplingParams& sampling) {
  out.f32(sampling.temperature);
  out.zigzag(sampling.top_k);
  out.f32(sampling.top_p);
  out.f32(sampling.min_p);
  out.f32(sampling.repetition_penalty);
  out.f32(sampling.presence_penalty);
  out.f32(sampling.frequency_penalty);
  out.zigzag(sampling.penalty_window);
  out.varint(sampling.logit_bias.size());
  for (const auto& [token, bias] : sampling.logit_bias) {
    out.zigzag(token);
    out.f32(bias);
  }
  out.u64(sampling.seed);
  out.text(sampling.grammar);
  out.text(sampling.json_schema);
}

SamplingParams read_sampling(ByteReader& in) {
  SamplingParams sampling;
  sampling.temperature = in.f32();
  sampling.top_k = in.int32();
  sampling.top_p = in.f32();
  sampling.min_p = in.f32();
  sampling.repetition_penalty = in.f32();
  sampling.presence_penalty = in.f32();
  sampling.frequency_penalty = in.f32();
  sampling.penalty_window = in.int32();
  const std::size_t biases = in.count(1 + sizeof(float));
  for (std::size_t i = 0; i < biases; ++i) {
    const std::int32_t token = in.int32();
    if (!sampling.logit_bias.emplace(token, in.f32()).second) in.malformed("a token is biased twice");
  }
  sampling.seed = in.u64();
  sampling.grammar = in.text();
  sampling.json_schema = in.text();
  return sampling;
}

void write_chat(ByteWriter& out, const std::optional<ChatQuestion>& chat) {
  out.boolean(chat.has_value());
  if (!chat) return;
  out.text(chat_messages_to_json(chat->messages));
  out.text(chat->chat_template);
}

std::optional<ChatQuestion> read_chat(ByteReader& in) {
  if (!in.boolean()) return std::nullopt;
  ChatQuestion chat;
  chat.messages = chat_messages_from_json(in.text(), "proposal job");
  chat.chat_template = in.text();
  return chat;
}

}  // namespace

std::vector<std::byte> encode_options(const GenerateOptions& options) {
  ByteWriter out;
  out.text(options.prompt);
  // The known text is a part of the prompt and need not travel twice.
  const bool known = options.prompt.starts_with(options.known.text);
  out.varint(known ? options.known.text.size() : 0);
  write_tokens(out, known ? options.known.tokens : std::vector<Token>());
  write_sampling(out, options.sampling);
  out.zigzag(options.max_tokens);
  out.varint(options.stop.size());
  for (const std::string& stop : options.stop) out.text(stop);
  out.boolean(options.bos);
  out.boolean(options.special);
  out.boolean(options.ignore_eos);
  out.zigzag(options.proposals);
  out.zigzag(options.proposal_tokens);
  out.f32(options.aggregate_temperature);
  out.text(options.prompt_template);
  write_chat(out, options.chat);
  return out.take();
}

GenerateOptions decode_options(std::span<const std::byte> bytes) {
  ByteReader in(bytes, "proposal job");
  GenerateOptions options;
  options.prompt = in.text();
  const std::uint64_t known = in.varint();
  if (known > options.prompt.size()) in.malformed("more of the prompt is known than there is");
  options.known.text = options.prompt.substr(0, static_cast<std::size_t>(known));
  options.known.tokens = read_tokens(in);
  options.sampling = read_sampling(in);
  options.max_tokens = in.int32();
  const std::size_t stops = in.count(1);
  for (std::size_t i = 0; i < stops; ++i) options.stop.push_back(in.text());
  options.bos = in.boolean();
  options.special = in.boolean();
  options.ignore_eos = in.boolean();
  options.proposals = in.int32();
  options.proposal_tokens = in.int32();
  options.aggregate_temperature = in.f32();
  options.prompt_template = in.text();
  options.chat = read_chat(in);
  in.end();
  return options;
}

std::vector<std::byte> encode_completion(const Completion& completion) {
  ByteWriter out;
  write_tokens(out, completion.tokens);
  out.varint(completion.logprobs.size());
  for (const float logprob : completion.logprobs) out.f32(logprob);
  out.text(completion.text);
  out.u8(static_cast<std::uint8_t>(completion.finish));
  out.zigzag(completion.prompt_tokens);
  out.zigzag(completion.reused_tokens);
  return out.take();
}

Completion decode_completion(std::span<const std::byte> bytes) {
  ByteReader in(bytes, "proposal");
  Completion completion;
  completion.tokens = read_tokens(in);
  completion.logprobs.resize(in.count(sizeof(float)));
  for (float& logprob : completion.logprobs) logprob = in.f32();
  completion.text = in.text();
  const std::uint8_t finish = in.u8();
  if (finish > static_cast<std::uint8_t>(Finish::cancelled)) in.malformed("an unknown end");
  completion.finish = static_cast<Finish>(finish);
  completion.prompt_tokens = in.int32();
  completion.reused_tokens = in.int32();
  in.end();
  return completion;
}

}  // namespace covey
