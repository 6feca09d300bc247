#pragma once

#include <string_view>

/*!
 * Contracts, for our own bugs only (users' mistakes are `core::InputError`).
 *
 * MW_EXPECT: what a caller must grant; cheap, always on. MW_AUDIT: conservation laws and costly invariants, on in the presets
 * dev, audit and asan.
 */
namespace mw::core {

[[noreturn]] void contract_violated(std::string_view condition, std::string_view why,
                                    char const* file = __builtin_FILE(), int line = __builtin_LINE());

#ifdef MW_AUDIT_ENABLED
inline constexpr bool audit_enabled = true;
#else
inline constexpr bool audit_enabled = false;
#endif

}  // namespace mw::core

#define MW_EXPECT(condition, why)                                       \
    do {                                                                \
        if (!(condition)) mw::core::contract_violated(#condition, why); \
    } while (false)

#define MW_AUDIT(condition, why)                                            \
    do {                                                                    \
        if constexpr (mw::core::audit_enabled) {                            \
            if (!(condition)) mw::core::contract_violated(#condition, why); \
        }                                                                   \
    } while (false)
