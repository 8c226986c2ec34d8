// Sixteen lanes of float or int32 (or another number), whatever the width of the machine's registers: an array of xsimd
// batches (one with AVX-512, two with AVX2, four with NEON), or of the one-wide stand-in of isa/scalar.cpp.
//
// Only operations that xsimd maps to one instruction everywhere. All is inlined by force: compilers find four
// registers' worth too long to inline by themselves.
#pragma once

#include <cstdint>

namespace covey {

template <class Batch, int Count = 16>
struct Lanes {
  static constexpr int kBatches = Count / static_cast<int>(Batch::size);
  Batch part[kBatches];

  template <class T>
  [[gnu::always_inline]] static Lanes load(const T* from) {
    return each([&](int i) { return Batch::load_unaligned(from + i * static_cast<int>(Batch::size)); });
  }
  template <class T>
  [[gnu::always_inline]] static Lanes splat(T value) {
    return each([&](int) { return Batch::broadcast(value); });
  }
  template <class T>
  [[gnu::always_inline]] void store(T* to) const {
    for (int i = 0; i < kBatches; ++i) part[i].store_unaligned(to + i * static_cast<int>(Batch::size));
  }

  /// The first n < Count lanes; the others are zero.
  template <class T>
  [[gnu::always_inline]] static Lanes load_first(const T* from, int n) {
    T all[Count] = {};
    for (int i = 0; i < n; ++i) all[i] = from[i];
    return load(all);
  }
  template <class T>
  [[gnu::always_inline]] void store_first(T* to, int n) const {
    T all[Count];
    store(all);
    for (int i = 0; i < n; ++i) to[i] = all[i];
  }

  [[gnu::always_inline]] friend Lanes operator+(const Lanes& a, const Lanes& b) {
    return each([&](int i) { return a.part[i] + b.part[i]; });
  }
  [[gnu::always_inline]] friend Lanes operator-(const Lanes& a, const Lanes& b) {
    return each([&](int i) { return a.part[i] - b.part[i]; });
  }
  [[gnu::always_inline]] friend Lanes operator*(const Lanes& a, const Lanes& b) {
    return each([&](int i) { return a.part[i] * b.part[i]; });
  }
  [[gnu::always_inline]] friend Lanes operator&(const Lanes& a, const Lanes& b) {
    return each([&](int i) { return a.part[i] & b.part[i]; });
  }
  [[gnu::always_inline]] friend Lanes operator<<(const Lanes& a, int bits) {
    return each([&](int i) { return a.part[i] << bits; });
  }
  /// Where one of the two is NaN: unspecified.
  [[gnu::always_inline]] friend Lanes max(const Lanes& a, const Lanes& b) {
    return each([&](int i) { return max(a.part[i], b.part[i]); });
  }
  [[gnu::always_inline]] friend Lanes min(const Lanes& a, const Lanes& b) {
    return each([&](int i) { return min(a.part[i], b.part[i]); });
  }

  template <class F>
  [[gnu::always_inline]] static Lanes each(F f) {
    Lanes result;
    for (int i = 0; i < kBatches; ++i) result.part[i] = f(i);
    return result;
  }
};

/// Integers as floats, rounded to nearest-even where they have more than 24 bits.
template <class Floats, class Ints>
[[gnu::always_inline]] inline Floats floats_of(const Ints& ints) {
  return Floats::each([&](int i) { return to_float(ints.part[i]); });
}

/// The lanes' bits as another type.
template <class To, class From>
To bits_as(const From& from) {
  return __builtin_bit_cast(To, from);
}

}  // namespace covey
