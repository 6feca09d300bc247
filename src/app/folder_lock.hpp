#pragma once

#include <string>

namespace mw::app {

/*!
 * Keeps a second run out of an output folder: a file with host, process id and time, locked (flock) as long as this process lives.
 *
 * The system drops the lock of a process that dies, so what a killed run leaves blocks nobody. Where the file system knows no locks,
 * the text decides: a process of this host that lives blocks, and so does one of another host.
 */
class FolderLock {
  public:
    //! Throws core::InputError, saying who writes there and what to do, or core::WorldError if the folder cannot be written.
    explicit FolderLock(std::string const& folder);
    ~FolderLock();  //!< removes the file
    FolderLock(FolderLock const&) = delete;
    FolderLock& operator=(FolderLock const&) = delete;

    //! A run died here without removing its lock.
    [[nodiscard]] bool was_stale() const { return stale_; }

    //! Throws like the constructor if another run writes there now; touches nothing.
    static void probe(std::string const& folder);

  private:
    bool take();

    std::string folder_;
    std::string path_;
    int descriptor_{0};
    bool stale_{false};
};

}  // namespace mw::app
