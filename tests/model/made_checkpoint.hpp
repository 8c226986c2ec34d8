// Models as they are published, made for tests: a folder with safetensors and JSON files.
#pragma once

#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "covey/error.hpp"
#include "model/convert/conversion.hpp"
#include "third_party_free_formats/gguf.hpp"

namespace covey {

using PlainJson = nlohmann::ordered_json;

/// A safetensors file's bytes, as its specification has them.
class MadeSafetensors {
 public:
  void add(const std::string& name, const std::string& dtype, const std::vector<std::uint64_t>& shape,
           std::string_view bytes) {
    header[name] = {{"dtype", dtype}, {"shape", shape}, {"data_offsets", {data.size(), data.size() + bytes.size()}}};
    data += bytes;
  }
  std::string bytes() const { return with_header(header.dump()); }
  std::string with_header(const std::string& text) const {
    const std::uint64_t length = text.size();
    return std::string(reinterpret_cast<const char*>(&length), sizeof length) + text + data;
  }

  PlainJson header = PlainJson::object();
  std::string data;
};

inline std::string bytes_of(std::span<const float> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}

/// A tokenizer.model in the wire format of protocol buffers.
class MadeSentencePiece {
 public:
  void piece(std::string_view text, float score, int type) {
    std::string message;
    put_bytes(message, 1, text);
    message += static_cast<char>(2 << 3 | 5);
    message.append(reinterpret_cast<const char*>(&score), sizeof score);
    put_number(message, 3, static_cast<std::uint64_t>(type));
    put_bytes(pieces_, 1, message);
  }
  /// Of the trainer: 3 the kind (1 unigram, 2 BPE), 40 to 43 the ids of unk, BOS, EOS and padding.
  void trainer(unsigned field, std::int64_t value) { put_number(trainer_, field, static_cast<std::uint64_t>(value)); }
  void normalizer(unsigned field, std::int64_t value) {
    put_number(normalizer_, field, static_cast<std::uint64_t>(value));
  }
  void character_map(std::string_view map) { put_bytes(normalizer_, 2, map); }
  std::string bytes() const {
    std::string all = pieces_;
    put_bytes(all, 2, trainer_);
    put_bytes(all, 3, normalizer_);
    return all;
  }

 private:
  static void put_varint(std::string& to, std::uint64_t value) {
    for (; value >= 0x80; value >>= 7U) to += static_cast<char>(value | 0x80U);
    to += static_cast<char>(value);
  }
  static void put_number(std::string& to, unsigned field, std::uint64_t value) {
    put_varint(to, field << 3U);
    put_varint(to, value);
  }
  static void put_bytes(std::string& to, unsigned field, std::string_view bytes) {
    put_varint(to, field << 3U | 2U);
    put_varint(to, bytes.size());
    to += bytes;
  }

  std::string pieces_, trainer_, normalizer_;
};

/// A folder that lives as long as the object.
class MadeCheckpoint {
 public:
  struct Tensor {
    std::vector<std::uint64_t> shape;  // outermost first
    std::vector<float> values;
  };

  MadeCheckpoint() { std::filesystem::create_directories(folder_); }
  ~MadeCheckpoint() { std::filesystem::remove_all(folder_); }
  MadeCheckpoint(const MadeCheckpoint&) = delete;
  MadeCheckpoint& operator=(const MadeCheckpoint&) = delete;

  const std::string& folder() const { return folder_; }
  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  void put(const std::string& name, std::string_view bytes) const {
    std::ofstream(path(name), std::ios::binary) << bytes;
  }
  void put_json(const std::string& name, const PlainJson& json) const { put(name, json.dump()); }

  /// config.json and all tensors, in `files` files: with more than one, an index lists them.
  void write(std::size_t files = 1) const {
    put_json("config.json", config);
    std::vector<MadeSafetensors> parts(files);
    PlainJson map = PlainJson::object();
    std::size_t next = 0;
    for (const auto& [name, tensor] : tensors) {
      const std::size_t part = next++ % files;
      parts[part].add(name, "F32", tensor.shape, bytes_of(tensor.values));
      map[name] = part_name(part, files);
    }
    for (std::size_t part = 0; part < files; ++part) put(part_name(part, files), parts[part].bytes());
    if (files > 1)
      put_json("model.safetensors.index.json", PlainJson{{"metadata", {{"total_size", 1}}}, {"weight_map", map}});
  }

  GgufFile convert(const ConversionOptions& options = {}) const {
    Conversion(folder_, options).write(path("out.gguf"));
    return GgufFile::open(path("out.gguf"));
  }
  /// What converting fails with.
  std::string refusal(const ConversionOptions& options = {}) const {
    try {
      convert(options);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }

  PlainJson config = PlainJson::object();
  std::map<std::string, Tensor> tensors;

 private:
  static std::string part_name(std::size_t part, std::size_t files) {
    return files == 1 ? "model.safetensors" : "model-" + std::to_string(part + 1) + ".safetensors";
  }

  std::string folder_ =
      (std::filesystem::temp_directory_path() /
       ("covey-checkpoint-" + std::to_string(getpid()) + "-" + std::to_string(reinterpret_cast<std::uintptr_t>(this))))
          .string();
};

}  // namespace covey
