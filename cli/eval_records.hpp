// What `covey eval` keeps of each answer, and what the answers come to.
//
// Records are lines of JSON: first the settings, then one line an answer. Going on from a file whose settings differ is
// refused; a last line that was cut off is written again.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/report_json.hpp"
#include "mpi/eval_marks.hpp"

namespace covey {

struct EvalRecord {
  std::size_t index = 0;  ///< of the question
  std::string id, subject, wanted, text, finish;
  EvalMark mark;
  std::int32_t tokens = 0;           ///< of the answer
  std::int32_t proposal_tokens = 0;  ///< of all its proposals
  double seconds = 0;                ///< the batch's time over its questions
};

Json record_json(const EvalRecord& record);

class RecordFile {
 public:
  /// Throws Error if the file exists unless `resume`, or if it is not one of these settings.
  RecordFile(std::string path, const Json& settings, bool resume);

  /// Those that were in the file, by index.
  const std::map<std::size_t, EvalRecord>& found() const { return found_; }
  /// Adds a record, at once. Throws Error if it can't be written.
  void add(const EvalRecord& record) const;

 private:
  void read(const Json& settings);

  std::string path_;
  std::map<std::size_t, EvalRecord> found_;
};

/// What all records come to.
struct EvalScore {
  Share correct;
  Share unanswered;         ///< no answer was found in the text
  Share proposals;          ///< correct ones of all proposals
  Share vote, oracle;       ///< of questions with proposals: right by vote; any proposal right
  double seconds = 0;       ///< of all answers
  std::int64_t tokens = 0;  ///< proposals included

  void add(const EvalRecord& record);
};
std::map<std::string, EvalScore> scores_by_subject(const std::vector<EvalRecord>& records);

}  // namespace covey
