#include "model/synth.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "covey/error.hpp"
#include "kernels/quant/formats.hpp"
#include "model/synth_rule.hpp"
#include "third_party_free_formats/gguf_writer.hpp"

namespace covey {
namespace {

constexpr std::array<SynthPreset, 2> kPresets{{
    {"tiny", {}},
    {"1.1b", {.n_embd = 2048, .n_layer = 22, .n_ff = 5632, .n_head = 32, .n_kv = 4, .n_vocab = 32000, .n_ctx = 2048}},
}};

constexpr std::uint32_t kLeastVocab = 3 + 256;
constexpr std::uint32_t kMostVocab = 1 << 24;
constexpr std::uint32_t kMostLayers = 1 << 16;
constexpr std::uint32_t kMostWidth = 1 << 20;  // rows are generated whole, so this bounds memory

void require(bool condition, const std::string& message) {
  if (!condition) throw Error("random model: " + message);
}

void check(const SynthOptions& o) {
  const auto number = [](std::uint64_t n) { return std::to_string(n); };
  require(o.n_embd > 0 && o.n_ff > 0 && o.n_head > 0 && o.n_kv > 0 && o.n_ctx > 0,
          "n_embd, n_ff, n_head, n_kv and n_ctx must be at least 1");
  require(o.n_embd <= kMostWidth && o.n_ff <= kMostWidth, "n_embd and n_ff must be at most " + number(kMostWidth));
  require(o.n_layer > 0 && o.n_layer <= kMostLayers, "n_layer must be 1 to " + number(kMostLayers));
  require(o.n_vocab >= kLeastVocab && o.n_vocab <= kMostVocab,
          "n_vocab is " + number(o.n_vocab) + ", it must be " + number(kLeastVocab) + " to " + number(kMostVocab));
  require(o.n_embd % o.n_head == 0 && o.n_embd / o.n_head % 2 == 0,
          "n_embd " + number(o.n_embd) + " does not divide into " + number(o.n_head) + " heads of an even size");
  require(o.n_head % o.n_kv == 0, "n_head " + number(o.n_head) + " is not a multiple of n_kv " + number(o.n_kv));
  require(std::isfinite(o.base) && o.base > 0.0F, "base must be positive");
  require(std::isfinite(o.linear) && o.linear >= 0.0F, "linear must be a factor above 0, or 0 for none");
  require(!o.yarn || o.linear == 0.0F, "yarn and linear exclude each other");
  require(!o.yarn || o.n_ctx >= 4, "yarn needs n_ctx of at least 4");
}

std::uint32_t head_dim(const SynthOptions& o) { return o.n_embd / o.n_head; }

// Workers beside the calling thread take pieces as they become free. Where the system gives no thread, fewer work.
template <typename Work>
void for_each_piece(std::size_t count, const Work& work) {
  std::atomic<std::size_t> next{0};
  const auto take = [&] {
    for (std::size_t i = next++; i < count; i = next++) work(i);
  };
  std::vector<std::jthread> workers;
  const std::size_t wanted = std::min<std::size_t>(std::thread::hardware_concurrency(), count);
  try {
    while (workers.size() + 1 < wanted) workers.emplace_back(take);
  } catch (const std::system_error&) {
  }
  take();
}

// Generates a matrix, (rows, cols), in pieces of whole rows; several at once, handed on in order.
void generate(const RandomWeights& weights, const Format& format, std::uint64_t rows, std::uint64_t cols,
              const GgufWriter::Sink& sink) {
  constexpr std::uint64_t kPieceWeights = 1 << 18;
  const TensorTypeInfo& info = tensor_type_info(format.type);
  const std::uint64_t row_bytes = cols / info.block_elements * info.block_bytes;
  const std::uint64_t piece_rows = std::min(rows, std::max<std::uint64_t>(1, kPieceWeights / cols));
  const std::uint64_t pieces = (rows + piece_rows - 1) / piece_rows;

  struct Piece {
    std::vector<float> weights;      // (piece_rows, cols)
    std::vector<std::byte> encoded;  // (piece_rows, row_bytes)
  };
  std::vector<Piece> wave(
      std::min<std::uint64_t>(pieces, std::size_t{4} * std::max(1U, std::thread::hardware_concurrency())));
  for (Piece& piece : wave) {
    piece.weights.resize(piece_rows * cols);
    piece.encoded.resize(piece_rows * row_bytes);
  }
  for (std::uint64_t first = 0; first < pieces; first += wave.size()) {
    const std::size_t count = std::min<std::uint64_t>(wave.size(), pieces - first);
    const auto rows_of = [&](std::size_t i) { return std::min(piece_rows, rows - (first + i) * piece_rows); };
    for_each_piece(count, [&](std::size_t i) {
      const std::uint64_t n = rows_of(i) * cols;
      weights.fill((first + i) * piece_rows * cols, std::span(wave[i].weights).first(n));
      format.encode(wave[i].weights.data(), static_cast<std::int64_t>(n), wave[i].encoded.data());
    });
    for (std::size_t i = 0; i < count; ++i) sink(std::span(wave[i].encoded).first(rows_of(i) * row_bytes));
  }
}

void set_metadata(GgufWriter& writer, const SynthOptions& o) {
  writer.set("general.architecture", std::string("llama"));
  writer.set("general.name", std::string("random-llama"));
  writer.set("general.alignment", std::uint32_t{32});
  writer.set("llama.context_length", o.n_ctx);
  writer.set("llama.embedding_length", o.n_embd);
  writer.set("llama.block_count", o.n_layer);
  writer.set("llama.feed_forward_length", o.n_ff);
  writer.set("llama.attention.head_count", o.n_head);
  writer.set("llama.attention.head_count_kv", o.n_kv);
  writer.set("llama.vocab_size", o.n_vocab);
  writer.set("llama.rope.freq_base", o.base);
  writer.set("llama.attention.layer_norm_rms_epsilon", 1e-5F);
  writer.set("llama.rope.dimension_count", head_dim(o));
  if (o.yarn) {
    writer.set("llama.rope.scaling.type", std::string("yarn"));
    writer.set("llama.rope.scaling.factor", 4.0F);
    writer.set("llama.rope.scaling.original_context_length", o.n_ctx / 4);
  }
  if (o.linear > 0.0F) {
    writer.set("llama.rope.scaling.type", std::string("linear"));
    writer.set("llama.rope.scaling.factor", o.linear);
  }
  RandomVocabulary vocabulary = random_vocabulary(o.n_vocab);
  writer.set("tokenizer.ggml.model", std::string("llama"));
  writer.set("tokenizer.ggml.tokens", GgufArray{std::move(vocabulary.tokens)});
  writer.set("tokenizer.ggml.scores", GgufArray{std::move(vocabulary.scores)});
  writer.set("tokenizer.ggml.token_type", GgufArray{std::move(vocabulary.types)});
  writer.set("tokenizer.ggml.bos_token_id", std::uint32_t{1});
  writer.set("tokenizer.ggml.eos_token_id", std::uint32_t{2});
  writer.set("tokenizer.ggml.unknown_token_id", std::uint32_t{0});
}

// Adds tensors in the rule's order; the kinds differ in the range of their weights.
class TensorList {
 public:
  TensorList(GgufWriter& writer, const SynthOptions& o) : writer_(writer), seed_(o.seed), type_(o.type) {}

  void embedding(const std::string& name, std::uint64_t rows, std::uint64_t cols) {
    add(name, type_, {cols, rows}, 0.0F, 0.8F);
  }
  // Uniform weights of variance 1 / cols: activations keep their size.
  void matrix(const std::string& name, std::uint64_t rows, std::uint64_t cols) {
    add(name, type_, {cols, rows}, 0.0F, static_cast<float>(std::sqrt(3.0 / static_cast<double>(cols))));
  }
  void norm(const std::string& name, std::uint64_t size) { add(name, TensorType::f32, {size}, 1.0F, 0.3F); }
  void rope_factors(const std::string& name, std::uint64_t size) {
    writer_.add_tensor(name, TensorType::f32, {size}, [size](const GgufWriter::Sink& sink) {
      const std::vector<float> factors = random_model_rope_factors(size);
      sink(std::as_bytes(std::span(factors)));
    });
  }

 private:
  void add(const std::string& name, TensorType type, std::vector<std::uint64_t> dims, float offset, float scale) {
    const Format* format = find_format(type);
    require(format != nullptr, "there is no encoder for " + std::string(tensor_type_info(type).name));
    const std::uint64_t cols = dims[0], rows = dims.size() == 1 ? 1 : dims[1];
    writer_.add_tensor(name, type, std::move(dims),
                       [weights = RandomWeights(seed_, name, offset, scale), format, rows,
                        cols](const GgufWriter::Sink& sink) { generate(weights, *format, rows, cols, sink); });
  }

  GgufWriter& writer_;
  std::uint64_t seed_;
  TensorType type_;
};

void add_tensors(GgufWriter& writer, const SynthOptions& o) {
  TensorList list(writer, o);
  const std::uint64_t kv_dim = std::uint64_t{o.n_kv} * head_dim(o);
  list.embedding("token_embd.weight", o.n_vocab, o.n_embd);
  list.norm("output_norm.weight", o.n_embd);
  if (!o.tied) list.matrix("output.weight", o.n_vocab, o.n_embd);
  if (o.rope_freqs) list.rope_factors("rope_freqs.weight", head_dim(o) / 2);
  for (std::uint32_t layer = 0; layer < o.n_layer; ++layer) {
    const std::string block = "blk." + std::to_string(layer) + ".";
    list.norm(block + "attn_norm.weight", o.n_embd);
    list.matrix(block + "attn_q.weight", o.n_embd, o.n_embd);
    list.matrix(block + "attn_k.weight", kv_dim, o.n_embd);
    list.matrix(block + "attn_v.weight", kv_dim, o.n_embd);
    list.matrix(block + "attn_output.weight", o.n_embd, o.n_embd);
    list.norm(block + "ffn_norm.weight", o.n_embd);
    list.matrix(block + "ffn_gate.weight", o.n_ff, o.n_embd);
    list.matrix(block + "ffn_up.weight", o.n_ff, o.n_embd);
    list.matrix(block + "ffn_down.weight", o.n_embd, o.n_ff);
  }
}

}  // namespace

std::span<const SynthPreset> synth_presets() { return kPresets; }

void write_random_model(const std::string& path, const SynthOptions& options,
                        const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
  check(options);
  GgufWriter writer;
  set_metadata(writer, options);
  add_tensors(writer, options);
  writer.write(path, progress);
}

}  // namespace covey
