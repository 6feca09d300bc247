#include "model_json.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "megaweave/core/error.hpp"
#include "model_keys.hpp"

namespace mw::config {

namespace {

Tree const& text_part(Tree const& json) {
    Tree const* const text = json.find("text_config");
    return text != nullptr && text->kind == Tree::Kind::map ? *text : json;
}

std::string word_at(Tree const& tree, std::string_view key) {
    Tree const* const node = tree.find(key);
    return node != nullptr && node->kind == Tree::Kind::scalar ? node->text : "";
}

//! `model_type`, of the text part first, or else the class named in `architectures`.
std::string architecture_of(Tree const& json) {
    for (Tree const* part : {&text_part(json), &json}) {
        if (auto type = word_at(*part, "model_type"); !type.empty()) return type;
    }
    Tree const* const classes = json.find("architectures");
    if (classes == nullptr || classes->items.empty()) return "";
    auto const type = model_type_of_class(classes->items.front().text);
    return type.empty() ? classes->items.front().text : type;
}

Tree scalar(std::string text, Where where) {
    Tree tree;
    tree.kind = Tree::Kind::scalar;
    tree.text = std::move(text);
    tree.where = where;
    return tree;
}

}  // namespace

std::string json_model_name(std::string const& file) {
    std::filesystem::path const path{file};
    auto const folder = path.parent_path().filename().string();
    return path.filename() == "config.json" && !folder.empty() ? folder : path.stem().string();
}

Tree read_model_json(std::string const& file, Problems& problems) {
    std::size_t const before = problems.count();
    Tree const json = parse_file(file, problems);
    if (problems.count() != before) return {};
    if (json.kind != Tree::Kind::map) {
        problems.add(json.where, "", "a model's config.json must be an object of keys");
        return {};
    }
    auto const type = architecture_of(json);
    if (type.empty()) {
        problems.add(json.where, "",
                     "missing key 'model_type', which says how to read a model's config.json");
        return {};
    }
    JsonTranslator translator{json, type, problems};
    add_context(translator);
    if (translate_family(type, translator)) return translator.finish(json_model_name(file), file);
    auto const known = known_model_types();
    auto const near = core::nearest(type, known);
    translator.problem(json.find("model_type"), "the architecture '" + type + "' is not known. " +
                                                    (near.empty() ? "" : "Did you mean '" + near + "'? ") +
                                                    "Known are " + join(known));
    return {};
}

JsonTranslator::JsonTranslator(Tree const& json, std::string model_type, Problems& problems)
    : outer_{json}, inner_{text_part(json)}, model_type_{std::move(model_type)}, problems_{problems} {
    entry_.kind = Tree::Kind::map;
    entry_.where = inner_.where;
}

Where JsonTranslator::place(Tree const* node) const {
    return node != nullptr ? node->where : inner_.where;
}

Tree const* JsonTranslator::find(std::string_view theirs) const {
    for (Tree const* part : {&inner_, &outer_}) {
        Tree const* const node = part->find(theirs);
        if (node != nullptr && node->kind != Tree::Kind::null) return node;
    }
    return nullptr;
}

Tree const* JsonTranslator::need(std::string_view theirs) {
    Tree const* const node = find(theirs);
    if (node == nullptr)
        problem(nullptr, "missing key '" + std::string{theirs} + "', which a model of type '" + model_type_ +
                             "' needs");
    return node;
}

std::int64_t JsonTranslator::integer(Tree const* value) {
    if (value == nullptr) return 0;
    std::int64_t number = 0;
    auto const& text = value->text;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (value->kind == Tree::Kind::scalar && error == std::errc{} && end == text.data() + text.size())
        return number;
    problem(value, "must be a whole number");
    return 0;
}

std::int64_t JsonTranslator::integer_or(std::string_view theirs, std::int64_t otherwise) {
    Tree const* const node = find(theirs);
    return node != nullptr ? integer(node) : otherwise;
}

bool JsonTranslator::is_true(std::string_view theirs) const {
    Tree const* const node = find(theirs);
    return node != nullptr && node->text == "true";
}

void JsonTranslator::copy(std::string_view ours, std::string_view theirs) {
    if (need(theirs) != nullptr) copy_if(ours, theirs);
}

bool JsonTranslator::copy_if(std::string_view ours, std::string_view theirs) {
    Tree const* const node = find(theirs);
    if (node == nullptr) return false;
    entry_.members.push_back({std::string{ours}, node->where, *node});
    return true;
}

void JsonTranslator::set(std::string_view ours, std::int64_t value, Tree const* where) {
    set(ours, std::to_string(value), where);
}

void JsonTranslator::set(std::string_view ours, std::string const& value, Tree const* where) {
    entry_.members.push_back({std::string{ours}, place(where), scalar(value, place(where))});
}

void JsonTranslator::set_stored(std::string_view ours, std::string const& fp4, std::string const& fp8,
                                Tree const* where) {
    Tree block;
    block.kind = Tree::Kind::map;
    block.where = place(where);
    block.members.push_back({"fp4", block.where, scalar(fp4, block.where)});
    block.members.push_back({"fp8", block.where, scalar(fp8, block.where)});
    entry_.members.push_back({std::string{ours}, block.where, std::move(block)});
}

void JsonTranslator::problem(Tree const* where, std::string const& what) {
    problems_.add(place(where), "models", what);
}

void JsonTranslator::note(std::string const& words) {
    notes_ += (notes_.empty() ? "" : "; ") + words;
}

Tree JsonTranslator::finish(std::string const& name, std::string const& file) {
    set("name", name);
    set("source", file);
    set("quality", std::string{"published"});
    if (!notes_.empty()) set("note", notes_);
    return std::move(entry_);
}

}  // namespace mw::config
