#include "mpi/request_run.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace covey {

Request continuation(const GenerateOptions& options, const Tokenizer& tokenizer) {
  EncodeOptions encode;
  if (!options.bos) encode.bos = false;
  encode.special = options.special;
  Request request;
  std::string_view text = options.prompt;
  if (!options.known.text.empty() && text.starts_with(options.known.text)) {
    text.remove_prefix(options.known.text.size());
    request.prompt = options.known.tokens;
    encode.bos = false;
    encode.continues = true;
  }
  const std::vector<Token> rest = tokenizer.encode(text, encode);
  request.prompt.insert(request.prompt.end(), rest.begin(), rest.end());
  request.sampling = options.sampling;
  request.max_tokens = options.max_tokens;
  request.stop = options.stop;
  request.ignore_eos = options.ignore_eos;
  request.samples = options.sequences;
  return request;
}

RequestRun::RequestRun(Engine& engine, Ledger& ledger, const std::vector<Request>& requests, const std::string& role)
    : engine_(engine), ledger_(ledger), first_stream_(ledger.report().streams.size()), texts_(requests.size()) {
  try {
    for (std::size_t request = 0; request < requests.size(); ++request) {
      std::int32_t index = 0;
      for (const SampleId id : engine.submit(requests[request])) streams_.push_back({id, request, index++});
    }
  } catch (...) {
    cancel();
    for (const Stream& stream : streams_) engine_.forget(stream.id);
    throw;
  }
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    StreamTimes& stream = ledger_.stream(first_stream_ + i);
    stream.start = ledger_.since_start();
    stream.role = role;
  }
}

RequestRun::~RequestRun() {
  cancel();
  take_ended();
}

bool RequestRun::step() {
  for (std::string& text : texts_) text.clear();
  return engine_.step([this](const Event& event) { enter(event); });
}

void RequestRun::enter(const Event& event) {
  const auto found = std::ranges::lower_bound(streams_, event.sample, {}, &Stream::id);
  if (found == streams_.end() || found->id != event.sample) return;
  if (found->sample == 0) texts_[found->request] += event.text;
  if (event.token < 0 || event.finish == Finish::end_token) return;  // not part of the text
  StreamTimes& stream = ledger_.stream(first_stream_ + static_cast<std::size_t>(found - streams_.begin()));
  stream.tokens.push_back(ledger_.since_start());
  stream.first_token = stream.tokens.front();
}

RequestRun::Unfinished RequestRun::unfinished(std::size_t request) const {
  for (const Stream& stream : streams_) {
    if (stream.request != request || stream.taken) continue;
    const Completion& completion = engine_.completion(stream.id);
    if (completion.finish == Finish::running) return {stream.sample, completion.text};
  }
  return {};
}

std::vector<RequestRun::Ended> RequestRun::take_ended() {
  std::vector<Ended> ended;
  for (Stream& stream : streams_) {
    if (!stream.taken && engine_.completion(stream.id).finish != Finish::running) take(stream, ended);
  }
  return ended;
}

void RequestRun::take(Stream& stream, std::vector<Ended>& ended) {
  ended.push_back({stream.request, stream.sample, engine_.completion(stream.id)});
  engine_.forget(stream.id);
  stream.taken = true;
  StreamTimes& times = ledger_.stream(first_stream_ + static_cast<std::size_t>(&stream - streams_.data()));
  times.prompt_tokens = ended.back().completion.prompt_tokens;
  times.reused_tokens = ended.back().completion.reused_tokens;
}

void RequestRun::cancel(std::size_t request, std::int32_t sample) {
  for (const Stream& stream : streams_) {
    if (!stream.taken && stream.request == request && stream.sample == sample) engine_.cancel(stream.id);
  }
}

void RequestRun::cancel(std::size_t request) {
  for (const Stream& stream : streams_) {
    if (!stream.taken && stream.request == request) engine_.cancel(stream.id);
  }
}

void RequestRun::cancel() {
  for (std::size_t request = 0; request < texts_.size(); ++request) cancel(request);
}

std::vector<Completion> RequestRun::finish(const TextSink& sink) {
  try {
    for (bool more = true; more;) {
      more = step();
      if (sink) sink(texts_.front());
    }
  } catch (const StopAnswer&) {
    cancel();
  }
  std::vector<Completion> completions;
  for (Ended& one : take_ended()) completions.push_back(std::move(one.completion));
  return completions;
}

std::vector<Answer> answer_together(Engine& engine, Ledger& ledger, const Tokenizer& tokenizer,
                                    std::span<const GenerateOptions> questions, const TextSink& sink) {
  std::vector<Request> requests;
  for (const GenerateOptions& options : questions) requests.push_back(continuation(options, tokenizer));
  RequestRun run(engine, ledger, requests, "answer");
  std::vector<Answer> answers(questions.size());
  std::vector<Completion> completions = run.finish(sink);
  auto next = completions.begin();
  for (std::size_t i = 0; i < answers.size(); ++i) {
    answers[i].completion = std::move(*next++);
    for (std::int32_t other = 1; other < questions[i].sequences; ++other) {
      answers[i].others.push_back(std::move(*next++));
    }
  }
  return answers;
}

}  // namespace covey
