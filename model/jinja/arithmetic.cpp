// The part of operators.hpp that calculates.
#include <cmath>
#include <limits>

#include "covey/error.hpp"
#include "model/jinja/operators.hpp"
#include "model/jinja/string_format.hpp"

namespace covey::jinja {
namespace {

constexpr std::int64_t kLowest = std::numeric_limits<std::int64_t>::min();

[[noreturn]] void too_large() { throw Error("a whole number needs more than 64 bits"); }

const char* symbol(BinaryOp op) {
  static constexpr const char* kSymbols[] = {"+", "-", "*", "/", "//", "%", "**"};
  return kSymbols[static_cast<std::size_t>(op)];
}

std::int64_t product(std::int64_t left, std::int64_t right) {
  std::int64_t result = 0;
  if (__builtin_mul_overflow(left, right, &result)) too_large();
  return result;
}

std::int64_t power(std::int64_t base, std::int64_t exponent) {
  std::int64_t result = 1;
  while (exponent > 0) {
    if (exponent % 2 == 1) result = product(result, base);
    exponent /= 2;
    if (exponent > 0) base = product(base, base);
  }
  return result;
}

/// Both round towards minus infinity, so that the remainder has the divisor's sign.
std::int64_t floor_quotient(std::int64_t left, std::int64_t right) {
  if (left == kLowest && right == -1) too_large();
  const std::int64_t quotient = left / right;
  return left % right != 0 && (left < 0) != (right < 0) ? quotient - 1 : quotient;
}

std::int64_t floor_remainder(std::int64_t left, std::int64_t right) {
  if (right == -1) return 0;
  const std::int64_t remainder = left % right;
  return remainder != 0 && (remainder < 0) != (right < 0) ? remainder + right : remainder;
}

double floor_remainder(double left, double right) {
  const double remainder = std::fmod(left, right);
  return remainder != 0 && (remainder < 0) != (right < 0) ? remainder + right : remainder;
}

Value whole(BinaryOp op, std::int64_t left, std::int64_t right) {
  std::int64_t result = 0;
  switch (op) {
    case BinaryOp::add:
      if (__builtin_add_overflow(left, right, &result)) too_large();
      return result;
    case BinaryOp::subtract:
      if (__builtin_sub_overflow(left, right, &result)) too_large();
      return result;
    case BinaryOp::multiply:
      return product(left, right);
    case BinaryOp::divide:
      return static_cast<double>(left) / static_cast<double>(right);
    case BinaryOp::floor_divide:
      return floor_quotient(left, right);
    case BinaryOp::modulo:
      return floor_remainder(left, right);
    case BinaryOp::power:
      if (right < 0) return std::pow(static_cast<double>(left), static_cast<double>(right));
      return power(left, right);
  }
  return {};
}

Value real(BinaryOp op, double left, double right) {
  switch (op) {
    case BinaryOp::add:
      return left + right;
    case BinaryOp::subtract:
      return left - right;
    case BinaryOp::multiply:
      return left * right;
    case BinaryOp::divide:
      return left / right;
    case BinaryOp::floor_divide:
      return std::floor(left / right);
    case BinaryOp::modulo:
      return floor_remainder(left, right);
    case BinaryOp::power:
      return std::pow(left, right);
  }
  return {};
}

Value numbers(BinaryOp op, const Value& left, const Value& right) {
  const bool divides = op == BinaryOp::divide || op == BinaryOp::floor_divide || op == BinaryOp::modulo;
  if (divides && right.number() == 0) throw Error("division by zero");
  if (op == BinaryOp::power && left.number() == 0 && right.number() < 0) throw Error("0 has no negative powers");
  if (left.is_integral() && right.is_integral()) return whole(op, left.integer(), right.integer());
  return real(op, left.number(), right.number());
}

std::size_t repeats(Runtime& runtime, std::int64_t count, std::size_t bytes) {
  if (count <= 0 || bytes == 0) return 0;
  const auto times = static_cast<std::size_t>(count);
  std::size_t total = 0;
  if (__builtin_mul_overflow(times, bytes, &total)) total = std::numeric_limits<std::size_t>::max();
  runtime.take(total);
  return times;
}

Value repeated(Runtime& runtime, const Value& sequence, std::int64_t count) {
  if (sequence.is(Kind::string)) {
    std::string text;
    const std::size_t times = repeats(runtime, count, sequence.text().size());
    text.reserve(times * sequence.text().size());
    for (std::size_t i = 0; i < times; ++i) text += sequence.text();
    return text;
  }
  std::vector<Value> items;
  const std::size_t times = repeats(runtime, count, sequence.items().size() * sizeof(Value));
  items.reserve(times * sequence.items().size());
  for (std::size_t i = 0; i < times; ++i) items.insert(items.end(), sequence.items().begin(), sequence.items().end());
  return {std::move(items), sequence.list_kind()};
}

bool repeats_and_joins(const Value& value) {
  if (value.is(Kind::string)) return true;
  return value.is(Kind::list) && (value.list_kind() == ListKind::list || value.list_kind() == ListKind::tuple);
}

Value joined(Runtime& runtime, const Value& left, const Value& right) {
  if (left.is(Kind::string)) {
    runtime.take(left.text().size() + right.text().size());
    return left.text() + right.text();
  }
  runtime.take((left.items().size() + right.items().size()) * sizeof(Value));
  std::vector<Value> items = left.items();
  items.insert(items.end(), right.items().begin(), right.items().end());
  return {std::move(items), left.list_kind()};
}

}  // namespace

Value calculate(Runtime& runtime, BinaryOp op, const Value& left, const Value& right) {
  if (op == BinaryOp::modulo && left.is(Kind::string))
    return runtime.string(percent_format(runtime, left.text(), right));
  if (left.is(Kind::undefined)) throw Error(left.why());
  if (right.is(Kind::undefined)) throw Error(right.why());
  if (left.is_number() && right.is_number()) return numbers(op, left, right);
  if (op == BinaryOp::multiply && repeats_and_joins(left) && right.is_integral())
    return repeated(runtime, left, right.integer());
  if (op == BinaryOp::multiply && left.is_integral() && repeats_and_joins(right))
    return repeated(runtime, right, left.integer());
  if (op == BinaryOp::add && repeats_and_joins(left) && repeats_and_joins(right) &&
      left.type_name() == right.type_name())
    return joined(runtime, left, right);
  std::string message = "the operator " + std::string(symbol(op)) + " isn't made for '" +
                        std::string(left.type_name()) + "' and '" + std::string(right.type_name()) + "'";
  if (op == BinaryOp::add) message += "; ~ joins values of any type as text";
  throw Error(message);
}

Value negated(const Value& value) {
  if (value.is(Kind::undefined)) throw Error(value.why());
  if (value.is(Kind::real)) return -value.number();
  if (!value.is_integral()) throw Error("the operator - isn't made for '" + std::string(value.type_name()) + "'");
  if (value.integer() == kLowest) too_large();
  return -value.integer();
}

}  // namespace covey::jinja
