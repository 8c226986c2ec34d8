#include "third_party_free_formats/sentencepiece_model.hpp"

#include <cmath>
#include <cstring>

#include "covey/error.hpp"
#include "third_party_free_formats/byte_cursor.hpp"

namespace covey {
namespace {

/// A field of a protocol buffer: a number, or bytes.
struct ProtoField {
  std::uint64_t number = 0;
  std::uint64_t value = 0;           // of varints and of fixed sizes, as their bits
  std::span<const std::byte> bytes;  // of strings and messages

  std::int64_t whole() const { return static_cast<std::int64_t>(value); }
  float real() const {
    const auto bits = static_cast<std::uint32_t>(value);
    float read;
    std::memcpy(&read, &bits, sizeof read);
    return read;
  }
};

class ProtoReader {
 public:
  ProtoReader(std::span<const std::byte> bytes, const std::string& name) : cursor_(bytes, name), name_(name) {}

  bool next(ProtoField& field) {
    if (cursor_.remaining() == 0) return false;
    const std::uint64_t tag = varint();
    field = {.number = tag >> 3U, .value = 0, .bytes = {}};
    switch (tag & 7U) {
      case 0:
        field.value = varint();
        break;
      case 1:
        field.value = cursor_.read<std::uint64_t>("a number");
        break;
      case 2:
        field.bytes = cursor_.take(varint(), "a field");
        break;
      case 5:
        field.value = cursor_.read<std::uint32_t>("a number");
        break;
      default:
        throw Error(name_ + ": no SentencePiece model: a field of wire type " + std::to_string(tag & 7U));
    }
    return true;
  }

 private:
  /// Seven bits a byte, the lowest first; the top bit says that more follow.
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = cursor_.read<std::uint8_t>("a number");
      value |= std::uint64_t{byte & 0x7FU} << shift;
      if (byte < 0x80) return value;
    }
    throw Error(name_ + ": no SentencePiece model: a number of more than 64 bits");
  }

  ByteCursor cursor_;
  const std::string& name_;
};

SentencePiece read_piece(std::span<const std::byte> bytes, const std::string& name) {
  SentencePiece piece;
  ProtoReader reader(bytes, name);
  for (ProtoField field; reader.next(field);) {
    if (field.number == 1) piece.text.assign(reinterpret_cast<const char*>(field.bytes.data()), field.bytes.size());
    if (field.number == 2) piece.score = field.real();
    if (field.number == 3) {
      if (field.value < 1 || field.value > 6) {
        throw Error(name + ": a piece is of type " + std::to_string(field.value) + "; types are 1 to 6");
      }
      piece.type = static_cast<std::int32_t>(field.value);
    }
  }
  if (!std::isfinite(piece.score)) throw Error(name + ": a piece has a score that is no number");
  return piece;
}

void read_trainer(std::span<const std::byte> bytes, const std::string& name, SentencePieceModel& model) {
  ProtoReader reader(bytes, name);
  for (ProtoField field; reader.next(field);) {
    switch (field.number) {
      case 3:
        if (field.value < 1 || field.value > 4) throw Error(name + ": a model of an unknown type");
        model.kind = static_cast<SentencePieceModel::Kind>(field.value);
        break;
      case 40:
        model.unk_id = field.whole();
        break;
      case 41:
        model.bos_id = field.whole();
        break;
      case 42:
        model.eos_id = field.whole();
        break;
      case 43:
        model.pad_id = field.whole();
        break;
      default:
        break;
    }
  }
}

void read_normalizer(std::span<const std::byte> bytes, const std::string& name, SentencePieceModel& model) {
  ProtoReader reader(bytes, name);
  for (ProtoField field; reader.next(field);) {
    if (field.number == 2) model.has_character_map = !field.bytes.empty();
    if (field.number == 3) model.add_dummy_prefix = field.value != 0;
    if (field.number == 4) model.remove_extra_whitespaces = field.value != 0;
  }
}

}  // namespace

SentencePieceModel parse_sentencepiece_model(std::span<const std::byte> bytes, const std::string& name) {
  SentencePieceModel model;
  ProtoReader reader(bytes, name);
  for (ProtoField field; reader.next(field);) {
    if (field.number == 1) model.pieces.push_back(read_piece(field.bytes, name));
    if (field.number == 2) read_trainer(field.bytes, name, model);
    if (field.number == 3) read_normalizer(field.bytes, name, model);
  }
  if (model.pieces.empty()) throw Error(name + ": no SentencePiece model: it has no pieces");
  return model;
}

}  // namespace covey
