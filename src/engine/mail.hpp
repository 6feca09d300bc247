#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "fabric_partition.hpp"
#include "megaweave/parallel/comm.hpp"
#include "megaweave/site/partition.hpp"
#include "message.hpp"
#include "transfer.hpp"

namespace mw::engine {

/*!
 * One window's post between partitions: messages to the rank of their rack, new transfers and changed demands to every rank that has a
 * part in them, loads of links to all.
 *
 * Fixed-size records, tagged, in one byte buffer per rank. Racks sort their messages and the fabric its transfers, so order matters only
 * between changes of one demand, and these come from one rack.
 */
class Mail {
  public:
    Mail(site::Partition const& partition, parallel::Comm& comm)
        : partition_{&partition}, comm_{&comm}, outboxes_(static_cast<std::size_t>(comm.size())) {}

    void post(Message const& message) {
        int const rank = partition_->rank_of(message.to);
        if (rank != comm_->rank()) ++remote_messages_;
        append(rank, Tag::message, message);
    }
    void post(Transfer const& transfer, FabricPartition const& fabric) {
        fabric.participants(transfer, ranks_);
        for (int const rank : ranks_) append(rank, Tag::transfer, transfer);
    }

    //! Of a standing demand that began here.
    template <class Record>
    void post_standing(Record const& record, FabricPartition const& fabric) {
        fabric.participants(record.id, ranks_);
        for (int const rank : ranks_) append(rank, tag_of(record), record);
    }

    //! To every rank.
    void post(LoadNews const& news) {
        for (int rank = 0; rank < comm_->size(); ++rank) append(rank, Tag::load, news);
    }

    //! Sends what was posted, agrees on the pulse, and hands over what came. Collective.
    template <class OnMessage, class OnTransfer, class OnFabric>
    parallel::Pulse exchange(parallel::Pulse mine, OnMessage&& on_message, OnTransfer&& on_transfer,
                             OnFabric&& on_fabric) {
        parallel::Pulse const agreed = comm_->exchange(outboxes_, inbox_, mine);
        for (auto& outbox : outboxes_) outbox.clear();
        for (auto const& box : inbox_)
            for (std::size_t at = 0; at < box.size();) {
                auto const tag = static_cast<Tag>(box[at++]);
                if (tag == Tag::message)
                    on_message(take<Message>(box, at));
                else if (tag == Tag::transfer)
                    on_transfer(take<Transfer>(box, at));
                else if (tag == Tag::demand)
                    on_fabric(take<DemandChange>(box, at));
                else if (tag == Tag::standing)
                    on_fabric(take<StandingState>(box, at));
                else
                    on_fabric(take<LoadNews>(box, at));
            }
        return agreed;
    }

    [[nodiscard]] std::int64_t remote_messages() const { return remote_messages_; }

  private:
    enum class Tag : std::uint8_t { message, transfer, demand, standing, load };

    static Tag tag_of(DemandChange const&) { return Tag::demand; }
    static Tag tag_of(StandingState const&) { return Tag::standing; }

    template <class Record>
    void append(int rank, Tag tag, Record const& record) {
        auto& box = outboxes_[static_cast<std::size_t>(rank)];
        std::size_t const at = box.size();
        box.resize(at + 1 + sizeof(Record));
        box[at] = static_cast<std::byte>(tag);
        std::memcpy(box.data() + at + 1, &record, sizeof(Record));
    }

    template <class Record>
    static Record take(std::vector<std::byte> const& box, std::size_t& at) {
        Record record;
        std::memcpy(&record, box.data() + at, sizeof(Record));
        at += sizeof(Record);
        return record;
    }

    site::Partition const* partition_;
    parallel::Comm* comm_;
    std::vector<std::vector<std::byte>> outboxes_;
    std::vector<std::vector<std::byte>> inbox_;
    std::vector<int> ranks_;
    std::int64_t remote_messages_{0};
};

}  // namespace mw::engine
