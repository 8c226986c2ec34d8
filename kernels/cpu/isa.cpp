#include "kernels/cpu/isa.hpp"

#include <cstdlib>
#include <string>

#include "covey/error.hpp"
#include "kernels/cpu/isa_list.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#elif defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace covey {

bool scalar_runs_here() noexcept { return true; }

#if defined(__x86_64__)
namespace {

bool has_f16c() noexcept {
  unsigned int eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_F16C) != 0;
}

#ifdef COVEY_WITH_AVX512
constexpr std::array<const IsaTable*, 5> kTables = {&kIsaAmxFp16, &kIsaAmx, &kIsaAvx512Vnni, &kIsaAvx2, &kIsaScalar};
#else
constexpr std::array<const IsaTable*, 2> kTables = {&kIsaAvx2, &kIsaScalar};
#endif

}  // namespace

// These ask whether the system saves the wide registers, too.
bool avx2_runs_here() noexcept { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c(); }

bool avx512vnni_runs_here() noexcept {
  return avx2_runs_here() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
}

// Linux keeps no tiles for a process that has not asked for them; threads inherit the permission.
bool amx_runs_here() noexcept {
  constexpr unsigned int kTile = 1U << 24, kInt8 = 1U << 25;   // of leaf 7's edx
  constexpr long kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  unsigned int eax = 0, ebx = 0, ecx = 0, edx = 0;
  return avx512vnni_runs_here() && __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (edx & kTile) != 0 &&
         (edx & kInt8) != 0 && syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

bool amx_fp16_runs_here() noexcept {
  constexpr unsigned int kFp16 = 1U << 21;  // of leaf 7, 1's eax
  unsigned int eax = 0, ebx = 0, ecx = 0, edx = 0;
  return amx_runs_here() && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0 && (eax & kFp16) != 0;
}

#elif defined(__aarch64__)
namespace {

constexpr std::array<const IsaTable*, 4> kTables = {&kIsaNeonI8mm, &kIsaNeonDotprod, &kIsaNeon, &kIsaScalar};

}  // namespace

bool neon_runs_here() noexcept { return (getauxval(AT_HWCAP) & HWCAP_ASIMD) != 0; }
bool neon_dotprod_runs_here() noexcept { return neon_runs_here() && (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0; }
bool neon_i8mm_runs_here() noexcept { return neon_dotprod_runs_here() && (getauxval(AT_HWCAP2) & HWCAP2_I8MM) != 0; }

#else
namespace {

constexpr std::array<const IsaTable*, 1> kTables = {&kIsaScalar};

}  // namespace
#endif

const KvKernels& kv_kernels(const IsaTable& isa, const KvLayout& layout) noexcept {
  const bool tiles = isa.kv_tiles.has_value() && layout.type == KvType::f16 && layout.head_dim % kAttendGroup == 0 &&
                     layout.block_tokens % kAttendGroup == 0;
  return tiles ? *isa.kv_tiles : isa.kv[static_cast<std::size_t>(layout.type)];
}

std::span<const IsaTable* const> isa_tables() { return kTables; }

const IsaTable& select_isa(std::string_view name) {
  std::string source = "instruction set";
  if (name.empty()) {
    const char* forced = std::getenv("COVEY_ISA");
    if (forced != nullptr) name = forced;
    source = "COVEY_ISA: instruction set";
  }
  std::string choices;
  const IsaTable* found = nullptr;
  for (const IsaTable* table : kTables) {
    const bool runs = table->runs_here();
    if (runs && (name.empty() || name == table->name)) return *table;
    if (name == table->name) found = table;
    if (runs) choices += (choices.empty() ? "" : ", ") + std::string(table->name);
  }
  throw Error(source + " \"" + std::string(name) +
              (found != nullptr ? "\" does not run on this processor" : "\" is not known to this build") +
              "; choose one of: " + choices);
}

const IsaTable& host_isa() noexcept {
  static const IsaTable& best = []() -> const IsaTable& {
    try {
      return select_isa({});
    } catch (const Error&) {
      return *kTables.back();
    }
  }();
  return best;
}

}  // namespace covey
