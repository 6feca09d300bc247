#include "megaweave/hardware/shared_pool.hpp"

#include <algorithm>

#include "megaweave/core/check.hpp"
#include "megaweave/core/integer.hpp"

namespace mw::hardware {

void SharedPool::begin(std::uint32_t id, std::int64_t bytes, std::int64_t most_bytes_per_s,
                       core::TimeNs now_ns) {
    MW_EXPECT(bytes > 0 && most_bytes_per_s > 0, "a read has bytes, and a link to come by");
    MW_EXPECT(now_ns >= at_ns_ && now_ns <= next_end_ns_, "a pool's ends are taken when they are due");
    MW_EXPECT(!reads(id), "one read at a time for each");
    run_until(now_ns);
    auto const place = std::ranges::upper_bound(readers_, most_bytes_per_s, {}, &Reader::most_bytes_per_s);
    readers_.insert(place, {id, bytes, most_bytes_per_s, 0});
    share();
}

bool SharedPool::reads(std::uint32_t id) const {
    return std::ranges::find(readers_, id, &Reader::id) != readers_.end();
}

void SharedPool::stop(core::TimeNs now_ns) {
    run_until(now_ns);
    readers_.clear();
    share();
}

std::vector<std::uint32_t> SharedPool::take_ended() {
    std::vector<std::uint32_t> ended;
    if (readers_.empty()) return ended;
    run_until(next_end_ns_);
    for (Reader const& reader : readers_)
        if (reader.left_bytes == 0) ended.push_back(reader.id);
    std::ranges::sort(ended);
    std::erase_if(readers_, [](Reader const& reader) { return reader.left_bytes == 0; });
    share();
    return ended;
}

std::int64_t SharedPool::moved_bytes(core::TimeNs now_ns) const {
    std::int64_t moved = moved_bytes_;
    for (Reader const& reader : readers_)
        moved +=
            std::min(reader.left_bytes, core::mul_div(reader.bytes_per_s, now_ns - at_ns_, core::ns_per_s));
    return moved;
}

void SharedPool::run_until(core::TimeNs now_ns) {
    for (Reader& reader : readers_) {
        std::int64_t const moved =
            std::min(reader.left_bytes, core::mul_div(reader.bytes_per_s, now_ns - at_ns_, core::ns_per_s));
        reader.left_bytes -= moved;
        moved_bytes_ += moved;
    }
    at_ns_ = now_ns;
}

// Smallest limits first: who is limited leaves the rest to the others.
void SharedPool::share() {
    std::int64_t left = bytes_per_s_;
    auto open = static_cast<std::int64_t>(readers_.size());
    for (Reader& reader : readers_) {
        reader.bytes_per_s = std::min(reader.most_bytes_per_s, std::max<std::int64_t>(1, left / open--));
        left -= reader.bytes_per_s;
    }
    find_next_end();
}

void SharedPool::find_next_end() {
    using core::Wide;
    next_end_ns_ = core::never;
    if (readers_.empty()) return;
    auto const first = std::ranges::min_element(readers_, [](Reader const& a, Reader const& b) {
        return Wide{a.left_bytes} * b.bytes_per_s < Wide{b.left_bytes} * a.bytes_per_s;
    });
    Wide const scaled = Wide{first->left_bytes} * core::ns_per_s;
    next_end_ns_ = at_ns_ + static_cast<core::TimeNs>((scaled + first->bytes_per_s - 1) / first->bytes_per_s);
}

}  // namespace mw::hardware
