#include "third_party_free_formats/sentencepiece_model.hpp"

#include <gtest/gtest.h>

#include "covey/error.hpp"

namespace covey {
namespace {

using std::string_literals::operator""s;

std::string pieces_error(const std::string& bytes) {
  try {
    parse_sentencepiece_model(std::as_bytes(std::span(bytes)), "made.model");
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

// One piece, "ab" of score -1 and type 6; a trainer of kind 2 without BOS; a normalizer without a prefix.
const std::string kPieceBytes =
    "\x0A\x0B\x0A\x02"
    "ab"
    "\x15\x00\x00\x80\xBF\x18\x06"s;
const std::string kTrainerBytes = "\x12\x0E\x18\x02\xC8\x02\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"s;
const std::string kPlainBytes = "\x1A\x04\x18\x00\x20\x00"s;

TEST(SentencePieceModel, ReadsItsFields) {
  const std::string bytes = kPieceBytes +
                            "\x0A\x03\x0A\x01"
                            "c" +
                            kTrainerBytes + kPlainBytes + "\x2A\x01?"s;
  const SentencePieceModel model = parse_sentencepiece_model(std::as_bytes(std::span(bytes)), "made");
  ASSERT_EQ(model.pieces.size(), 2U);
  EXPECT_EQ(model.pieces[0].text, "ab");
  EXPECT_EQ(model.pieces[0].score, -1.0F);
  EXPECT_EQ(model.pieces[0].type, 6);
  EXPECT_EQ(model.pieces[1].type, 1);
  EXPECT_EQ(model.kind, SentencePieceModel::Kind::bpe);
  EXPECT_EQ(model.bos_id, -1);
  EXPECT_EQ(model.eos_id, 2);
  EXPECT_FALSE(model.add_dummy_prefix);
  EXPECT_FALSE(model.remove_extra_whitespaces);
  EXPECT_FALSE(model.has_character_map);
}

TEST(SentencePieceModel, RefusesWhatIsNone) {
  EXPECT_NE(pieces_error("").find("no pieces"), std::string::npos);
  for (std::size_t size = 1; size < kPieceBytes.size(); ++size) {
    EXPECT_NE(pieces_error(kPieceBytes.substr(0, size)), "no error") << size;
  }
  EXPECT_NE(pieces_error("\x0B"s).find("wire type 3"), std::string::npos);
  EXPECT_NE(pieces_error("\x0A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"s).find("ends inside"), std::string::npos);
  EXPECT_NE(pieces_error(std::string(11, '\xFF')).find("64 bits"), std::string::npos);
  EXPECT_NE(pieces_error("\x0A\x02\x18\x07"s).find("type 7"), std::string::npos);
  EXPECT_NE(pieces_error("\x0A\x05\x15\x00\x00\xC0\x7F"s).find("no number"), std::string::npos);
  EXPECT_NE(pieces_error(kPieceBytes + "\x12\x02\x18\x09"s).find("unknown type"), std::string::npos);
}

}  // namespace
}  // namespace covey
