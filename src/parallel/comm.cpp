#include "megaweave/parallel/comm.hpp"

#include <mpi.h>

#include <algorithm>
#include <limits>

#include "megaweave/core/check.hpp"
#include "megaweave/core/error.hpp"

namespace mw::parallel {

namespace {

//! Per pair of ranks in the all-to-all of a window.
struct Header {
    std::int64_t bytes;
    std::int64_t next_event_ns;
    std::uint64_t flags;
};

constexpr int payload_tag = 1;
constexpr int swap_tag = 2;

int as_count(std::size_t size) {
    if (size > static_cast<std::size_t>(std::numeric_limits<int>::max()))
        throw core::WorldError(
            "more than 2 GiB to one rank in one window: use more ranks or a shorter window");
    return static_cast<int>(size);
}

}  // namespace

struct Comm::Handle {
    Handle() = default;
    ~Handle() {
        if (comm != MPI_COMM_NULL) MPI_Comm_free(&comm);
    }
    Handle(Handle const&) = delete;
    Handle& operator=(Handle const&) = delete;

    MPI_Comm comm{MPI_COMM_NULL};
    std::vector<Header> sent;
    std::vector<Header> received;
    std::vector<MPI_Request> requests;
};

Comm::Comm(std::unique_ptr<Handle> handle) : handle_{std::move(handle)} {
    handle_->sent.resize(1);
    handle_->received.resize(1);
}

Comm Comm::alone() {
    return Comm{std::make_unique<Handle>()};
}

Comm::Comm() : handle_{std::make_unique<Handle>()} {
    MPI_Comm_dup(MPI_COMM_WORLD, &handle_->comm);
    MPI_Comm_rank(handle_->comm, &rank_);
    MPI_Comm_size(handle_->comm, &size_);
    handle_->sent.resize(static_cast<std::size_t>(size_));
    handle_->received.resize(static_cast<std::size_t>(size_));
}

Comm::~Comm() = default;
Comm::Comm(Comm&&) noexcept = default;
Comm& Comm::operator=(Comm&&) noexcept = default;

void* Comm::native() const {
    return &handle_->comm;
}

void Comm::barrier() const {
    if (size_ > 1) MPI_Barrier(handle_->comm);
}

std::int64_t Comm::sum(std::int64_t value) const {
    sum(std::span{&value, 1});
    return value;
}

std::int64_t Comm::max(std::int64_t value) const {
    max(std::span{&value, 1});
    return value;
}

std::int64_t Comm::min(std::int64_t value) const {
    if (size_ == 1) return value;
    MPI_Allreduce(MPI_IN_PLACE, &value, 1, MPI_INT64_T, MPI_MIN, handle_->comm);
    return value;
}

void Comm::sum(std::span<std::int64_t> values) const {
    if (size_ == 1) return;
    MPI_Allreduce(MPI_IN_PLACE, values.data(), as_count(values.size()), MPI_INT64_T, MPI_SUM, handle_->comm);
}

void Comm::sum(std::span<std::uint64_t> values) const {
    if (size_ == 1) return;
    MPI_Allreduce(MPI_IN_PLACE, values.data(), as_count(values.size()), MPI_UINT64_T, MPI_SUM, handle_->comm);
}

void Comm::max(std::span<std::int64_t> values) const {
    if (size_ == 1) return;
    MPI_Allreduce(MPI_IN_PLACE, values.data(), as_count(values.size()), MPI_INT64_T, MPI_MAX, handle_->comm);
}

std::int64_t Comm::sum_before(std::int64_t value) const {
    std::int64_t before = 0;
    if (size_ == 1) return before;
    MPI_Exscan(&value, &before, 1, MPI_INT64_T, MPI_SUM, handle_->comm);
    return root() ? 0 : before;
}

void Comm::broadcast(std::vector<std::byte>& bytes) const {
    if (size_ == 1) return;
    std::uint64_t size = bytes.size();
    MPI_Bcast(&size, 1, MPI_UINT64_T, 0, handle_->comm);
    bytes.resize(size);
    MPI_Bcast(bytes.data(), as_count(size), MPI_BYTE, 0, handle_->comm);
}

std::vector<std::vector<std::byte>> Comm::gather(std::vector<std::byte> const& bytes) const {
    if (size_ == 1) return {bytes};
    auto const ranks = root() ? static_cast<std::size_t>(size_) : 0;
    std::vector<int> sizes(ranks);
    int const mine = as_count(bytes.size());
    MPI_Gather(&mine, 1, MPI_INT, sizes.data(), 1, MPI_INT, 0, handle_->comm);
    std::vector<std::vector<std::byte>> all(ranks);
    if (!root()) {
        MPI_Send(bytes.data(), mine, MPI_BYTE, 0, payload_tag, handle_->comm);
        return all;
    }
    all[0] = bytes;
    for (int r = 1; r < size_; ++r) {
        auto& part = all[static_cast<std::size_t>(r)];
        part.resize(static_cast<std::size_t>(sizes[static_cast<std::size_t>(r)]));
        MPI_Recv(part.data(), as_count(part.size()), MPI_BYTE, r, payload_tag, handle_->comm,
                 MPI_STATUS_IGNORE);
    }
    return all;
}

Pulse Comm::exchange(std::vector<std::vector<std::byte>> const& outboxes,
                     std::vector<std::vector<std::byte>>& inbox, Pulse mine) {
    auto const ranks = static_cast<std::size_t>(size_);
    MW_EXPECT(outboxes.size() == ranks, "an exchange needs one outbox per rank");
    inbox.resize(ranks);
    for (auto& box : inbox) box.clear();
    ++counters_.exchanges;
    auto const self = static_cast<std::size_t>(rank_);
    inbox[self] = outboxes[self];
    if (size_ == 1) return mine;

    for (std::size_t r = 0; r < ranks; ++r)
        handle_->sent[r] = {r == self ? 0 : static_cast<std::int64_t>(outboxes[r].size()), mine.next_event_ns,
                            mine.flags};
    MPI_Alltoall(handle_->sent.data(), sizeof(Header), MPI_BYTE, handle_->received.data(), sizeof(Header),
                 MPI_BYTE, handle_->comm);

    Pulse agreed = mine;
    auto& requests = handle_->requests;
    requests.clear();
    for (std::size_t r = 0; r < ranks; ++r) {
        Header const& header = handle_->received[r];
        agreed.next_event_ns = std::min(agreed.next_event_ns, header.next_event_ns);
        agreed.flags |= header.flags;
        if (r == self || header.bytes == 0) continue;
        inbox[r].resize(static_cast<std::size_t>(header.bytes));
        MPI_Irecv(inbox[r].data(), as_count(inbox[r].size()), MPI_BYTE, static_cast<int>(r), payload_tag,
                  handle_->comm, &requests.emplace_back());
    }
    for (std::size_t r = 0; r < ranks; ++r) {
        if (r == self || outboxes[r].empty()) continue;
        counters_.bytes += static_cast<std::int64_t>(outboxes[r].size());
        ++counters_.point_to_point;
        MPI_Isend(outboxes[r].data(), as_count(outboxes[r].size()), MPI_BYTE, static_cast<int>(r),
                  payload_tag, handle_->comm, &requests.emplace_back());
    }
    MPI_Waitall(static_cast<int>(requests.size()), requests.data(), MPI_STATUSES_IGNORE);
    return agreed;
}

void Comm::swap(std::span<Swap const> swaps) {
    if (swaps.empty()) return;
    auto& requests = handle_->requests;
    requests.clear();
    for (Swap const& s : swaps)
        MPI_Irecv(s.receive.data(), as_count(s.receive.size()), MPI_INT64_T, s.rank, swap_tag, handle_->comm,
                  &requests.emplace_back());
    for (Swap const& s : swaps) {
        counters_.bytes += static_cast<std::int64_t>(s.send.size_bytes());
        ++counters_.point_to_point;
        MPI_Isend(s.send.data(), as_count(s.send.size()), MPI_INT64_T, s.rank, swap_tag, handle_->comm,
                  &requests.emplace_back());
    }
    MPI_Waitall(static_cast<int>(requests.size()), requests.data(), MPI_STATUSES_IGNORE);
}

}  // namespace mw::parallel
