#include "cli/message_reader.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <utility>
#include <vector>

namespace covey {
namespace {

class GivenLines final : public LineSource {
 public:
  explicit GivenLines(std::deque<Line> lines) : lines_(std::move(lines)) {}
  std::optional<Line> next(bool continues) override {
    asked.push_back(continues);
    if (lines_.empty()) return std::nullopt;
    Line line = lines_.front();
    lines_.pop_front();
    return line;
  }
  std::vector<bool> asked;

 private:
  std::deque<Line> lines_;
};

std::vector<std::string> messages_of(std::deque<LineSource::Line> lines) {
  GivenLines source(std::move(lines));
  std::vector<std::string> messages;
  while (auto message = read_message(source)) messages.push_back((message->literal ? "literal " : "") + message->text);
  return messages;
}

using Messages = std::vector<std::string>;

TEST(MessageReader, ALineIsAMessage) {
  EXPECT_EQ(messages_of({{"one"}, {""}, {"two \"\"\" three"}}), (Messages{"one", "", "two \"\"\" three"}));
  EXPECT_EQ(messages_of({}), Messages{});
}

TEST(MessageReader, ABackslashGoesOnInTheNextLine) {
  EXPECT_EQ(messages_of({{"one\\"}, {"two\\"}, {""}, {"three"}}), (Messages{"one\ntwo\n", "three"}));
  EXPECT_EQ(messages_of({{"/system one\\"}, {"two"}}), Messages{"/system one\ntwo"}) << "may be a command";
  EXPECT_EQ(messages_of({{"one\\"}}), Messages{"one"}) << "the input ends";
}

TEST(MessageReader, FencesKeepLinesTogether) {
  EXPECT_EQ(messages_of({{"\"\"\""}, {"one"}, {""}, {"/two\\"}, {"\"\"\""}, {"three"}}),
            (Messages{"literal one\n\n/two\\", "three"}));
  EXPECT_EQ(messages_of({{"  \"\"\"one"}, {"two\"\"\""}}), Messages{"literal one\ntwo"});
  EXPECT_EQ(messages_of({{"\"\"\"one\"\"\""}}), Messages{"literal one"});
  EXPECT_EQ(messages_of({{"\"\"\"\"\"\""}}), Messages{"literal "});
  EXPECT_EQ(messages_of({{"\"\"\"one"}, {"two"}}), Messages{"literal one\ntwo"}) << "the input ends";
}

TEST(MessageReader, PastedLinesAreOneMessage) {
  EXPECT_EQ(messages_of({{"/one", true}, {"two", true}, {"three"}, {"four"}}),
            (Messages{"literal /one\ntwo\nthree", "four"}));
}

TEST(MessageReader, TellsTheSourceWhereAMessageGoesOn) {
  GivenLines source({{"one\\"}, {"two"}, {"\"\"\""}, {"\"\"\""}});
  while (read_message(source)) {
  }
  EXPECT_EQ(source.asked, (std::vector<bool>{false, true, false, true, false}));
}

TEST(MessageReader, BytesThatAreNoTextAreReplaced) {
  EXPECT_EQ(messages_of({{"gr\xC3\xBC\xC3\x9F"}, {"a\xFFz\xC3"}}),
            (Messages{"gr\xC3\xBC\xC3\x9F", "a\xEF\xBF\xBDz\xEF\xBF\xBD"}));
}

}  // namespace
}  // namespace covey
