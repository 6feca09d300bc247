#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <vector>

namespace mw::fabric {

//! Flows under way by finish time, in a binary heap that knows where each flow stands.
class FinishQueue {
  public:
    explicit FinishQueue(std::size_t flows) : place_(flows, absent) {}
    [[nodiscard]] bool empty() const { return heap_.empty(); }
    [[nodiscard]] double first_s() const {
        return heap_.empty() ? std::numeric_limits<double>::infinity() : heap_.front().time_s;
    }
    [[nodiscard]] std::uint32_t first() const { return heap_.front().flow; }

    //! Puts a flow in, or moves it.
    void set(std::uint32_t flow, double time_s) {
        if (place_[flow] == absent) {
            place_[flow] = static_cast<std::uint32_t>(heap_.size());
            heap_.push_back({time_s, flow});
        }
        heap_[place_[flow]].time_s = time_s;
        down(up(place_[flow]));
    }
    void pop() {
        place_[heap_.front().flow] = absent;
        Entry const last = heap_.back();
        heap_.pop_back();
        if (heap_.empty() || last.flow == absent) return;
        put(0, last);
        down(0);
    }

  private:
    static constexpr std::uint32_t absent = std::numeric_limits<std::uint32_t>::max();

    struct Entry {
        double time_s;
        std::uint32_t flow;
        friend auto operator<=>(Entry const&, Entry const&) = default;
    };
    void put(std::uint32_t place, Entry const& entry) {
        heap_[place] = entry;
        place_[entry.flow] = place;
    }
    std::uint32_t up(std::uint32_t place) {
        Entry const entry = heap_[place];
        for (; place > 0 && entry < heap_[(place - 1) / 2]; place = (place - 1) / 2)
            put(place, heap_[(place - 1) / 2]);
        put(place, entry);
        return place;
    }
    void down(std::uint32_t place) {
        Entry const entry = heap_[place];
        auto const size = static_cast<std::uint32_t>(heap_.size());
        for (std::uint32_t child = 2 * place + 1; child < size; child = 2 * place + 1) {
            if (child + 1 < size && heap_[child + 1] < heap_[child]) ++child;
            if (!(heap_[child] < entry)) break;
            put(place, heap_[child]);
            place = child;
        }
        put(place, entry);
    }

    std::vector<Entry> heap_;
    std::vector<std::uint32_t> place_;
};

}  // namespace mw::fabric
