#include "cli/eval_records.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "cli/text_files.hpp"
#include "covey/error.hpp"

namespace covey {

namespace {

EvalRecord record_of(const Json& json) {
  EvalRecord record;
  record.index = json.at("index").get<std::size_t>();
  record.id = json.at("id").get<std::string>();
  record.subject = json.at("subject").get<std::string>();
  record.wanted = json.at("wanted").get<std::string>();
  record.text = json.at("text").get<std::string>();
  record.finish = json.at("finish").get<std::string>();
  record.mark.got = json.at("got").get<std::string>();
  record.mark.correct = json.at("correct").get<bool>();
  record.mark.proposals = json.at("proposals").get<std::int32_t>();
  record.mark.correct_proposals = json.at("correct_proposals").get<std::int32_t>();
  record.mark.vote_correct = json.at("vote_correct").get<bool>();
  record.tokens = json.at("tokens").get<std::int32_t>();
  record.proposal_tokens = json.at("proposal_tokens").get<std::int32_t>();
  record.seconds = json.at("seconds").get<double>();
  return record;
}

void append_line(const std::string& path, const std::string& line) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  const bool written = file >= 0 && ::write(file, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  const int failure = errno;
  if (file >= 0) ::close(file);
  if (!written) throw Error(path + ": can't be written: " + std::strerror(failure));
}

void tally(Share& share, bool success) {
  ++share.count;
  share.successes += success ? 1 : 0;
}

}  // namespace

Json record_json(const EvalRecord& record) {
  return {{"index", record.index},
          {"id", record.id},
          {"subject", record.subject},
          {"wanted", record.wanted},
          {"got", record.mark.got},
          {"correct", record.mark.correct},
          {"proposals", record.mark.proposals},
          {"correct_proposals", record.mark.correct_proposals},
          {"vote_correct", record.mark.vote_correct},
          {"tokens", record.tokens},
          {"proposal_tokens", record.proposal_tokens},
          {"seconds", record.seconds},
          {"finish", record.finish},
          {"text", record.text}};
}

RecordFile::RecordFile(std::string path, const Json& settings, bool resume) : path_(std::move(path)) {
  const bool exists = std::filesystem::exists(path_);
  if (exists && !resume) {
    throw Error("--records: " + path_ + " exists already: take another name, or --resume to go on with it");
  }
  if (exists) {
    read(settings);
  } else {
    append_line(path_, json_line(settings));
  }
}

void RecordFile::read(const Json& settings) {
  const std::string text = read_file(path_);
  std::size_t done = 0;
  bool first = true;
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', done)) {
    const Json line = Json::parse(text.substr(done, end - done), nullptr, false);
    if (first && line != Json::parse(json_line(settings))) {
      throw Error("--resume: " + path_ + " was made with other settings: " + (line.is_object() ? line.dump() : "none"));
    }
    if (!first) {
      try {
        const EvalRecord record = record_of(line);
        found_[record.index] = record;
      } catch (const Json::exception& error) {
        throw Error("--resume: " + path_ + " holds a line that is no record: " + error.what());
      }
    }
    first = false;
    done = end + 1;
  }
  std::filesystem::resize_file(path_, done);  // a line that was cut off is written again
  if (first) append_line(path_, json_line(settings));
}

void RecordFile::add(const EvalRecord& record) const { append_line(path_, json_line(record_json(record))); }

void EvalScore::add(const EvalRecord& record) {
  tally(correct, record.mark.correct);
  tally(unanswered, record.mark.got.empty());
  proposals.count += record.mark.proposals;
  proposals.successes += record.mark.correct_proposals;
  if (record.mark.proposals > 0) {
    tally(vote, record.mark.vote_correct);
    tally(oracle, record.mark.correct_proposals > 0);
  }
  seconds += record.seconds;
  tokens += record.tokens + record.proposal_tokens;
}

std::map<std::string, EvalScore> scores_by_subject(const std::vector<EvalRecord>& records) {
  std::map<std::string, EvalScore> scores;
  for (const EvalRecord& record : records) scores[record.subject].add(record);
  return scores;
}

}  // namespace covey
