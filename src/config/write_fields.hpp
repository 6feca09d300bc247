#pragma once

#include <string>

#include "fields.hpp"

namespace mw::config {

//! Writes a struct as YAML that reads back as the same struct, every default included.
class WriteFields : public Fields {
  public:
    enum class Purpose : std::uint8_t {
        reader,  //!< everything, for people and for reading back
        hash,    //!< only what can change a result or a record; files by name and content
    };
    explicit WriteFields(Purpose purpose) : purpose_{purpose} {}
    [[nodiscard]] std::string const& yaml() const { return out_; }

    [[nodiscard]] bool reading() const override { return false; }
    [[nodiscard]] bool has(std::string_view) const override { return false; }
    [[nodiscard]] bool is_word(std::string_view) const override { return false; }
    [[nodiscard]] bool says(std::string_view, std::string_view) const override { return false; }
    [[nodiscard]] bool physics_only() const override { return purpose_ == Purpose::hash; }
    void text(std::string_view key, std::string& value, Rule rule) override;
    void file(std::string_view key, std::string& path) override;
    void flag(std::string_view key, bool& value) override;
    void number(std::string_view key, double& value, Rule rule) override;
    void integer(std::string_view key, std::int64_t& value, Rule rule) override;
    void seed(std::string_view key, std::uint64_t& value) override;
    void quantity(std::string_view key, double& value, std::string_view unit, Rule rule) override;
    void time(std::string_view key, core::TimeNs& value_ns, std::string_view unit, Rule rule) override;
    void numbers(std::string_view key, std::span<double> values, Rule rule) override;
    void integers(std::string_view key, std::vector<std::int64_t>& values, Rule rule) override;
    void words(std::string_view key, std::vector<std::string>& values) override;
    void block(std::string_view key, Body const& body, Rule rule) override;
    void list(std::string_view key, std::size_t size,
              std::function<void(Fields&, std::size_t)> const& item) override;
    void entry(std::string_view key, std::string_view, Body const& body, Rule rule,
               std::string_view) override {
        block(key, body, rule);
    }
    void known(std::string_view) override {}
    void reject(std::string_view, std::string const&) override {}

  protected:
    void pick(std::string_view key, std::size_t& index, Choices const& choices, Rule rule) override;

  private:
    void line(std::string_view key, std::string const& value);

    Purpose purpose_;
    std::string out_;
    std::string indent_;
    bool item_start_{false};  // the next line opens an item of a list
};

}  // namespace mw::config
