#include "ckpt/params.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <utility>

#include "checkpoint_impl.h"
#include "cipher_blocks.h"
#include "ckpt/cast.h"
#include "ckpt/text.h"
#include "crc32.h"

namespace ckpt {
namespace {

constexpr std::uint64_t kReadBytes = std::uint64_t{256} << 10;
constexpr std::size_t kCastElements = std::size_t{64} << 10;

Error mismatch(const TensorDesc& tensor, std::string message) {
  return {.code = Errc::mismatch, .tensor = tensor.name, .message = std::move(message)};
}

bool starts_with_any(std::string_view name, std::span<const std::string> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(), [&](const std::string& p) { return name.starts_with(p); });
}

bool is_chosen(std::string_view name, const LoadOptions& options) {
  if (options.specify_prefix.empty() && options.filter_prefix.empty())
    return !options.choice_func || options.choice_func(name);
  if (!options.specify_prefix.empty() && !starts_with_any(name, options.specify_prefix)) return false;
  return !starts_with_any(name, options.filter_prefix);
}

Status check_options(const LoadOptions& options) {
  for (const auto* prefixes : {&options.specify_prefix, &options.filter_prefix})
    if (std::find(prefixes->begin(), prefixes->end(), "") != prefixes->end())
      return Error{.code = Errc::usage, .message = "a prefix is empty"};
  return {};
}

Status verify_crc(const Checkpoint& file) {
  const auto& trailer = file.trailer();
  if (!trailer) return {};
  std::vector<std::byte> block(kReadBytes);
  std::uint32_t crc = 0;
  for (std::uint64_t at = 0; at < trailer->offset;) {
    const auto piece = std::span(block).first(static_cast<std::size_t>(std::min(kReadBytes, trailer->offset - at)));
    if (auto status = file.source().read_at(at, piece); !status) return status;
    crc = crc32(crc, piece);
    at += piece.size();
  }
  if (crc == trailer->crc && !trailer->oversized) return {};
  return Error{.code = Errc::mismatch,
               .offset = trailer->offset,
               .message = "the file is not what its checksum was computed of"};
}

enum class NumberKind { none, floating, integer };

// The families within which MindSpore converts.
NumberKind kind_of(DType dtype) {
  switch (dtype) {
    case DType::float16:
    case DType::bfloat16:
    case DType::float32:
    case DType::float64:
      return NumberKind::floating;
    case DType::int8:
    case DType::int16:
    case DType::int32:
    case DType::int64:
      return NumberKind::integer;
    default:
      return NumberKind::none;
  }
}

std::string text_of(std::span<const std::int64_t> dims) {
  std::string text = "(";
  for (std::size_t i = 0; i < dims.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(dims[i]);
  return text + (dims.size() == 1 ? ",)" : ")");
}

TensorDesc desc_of(const NetParam& param) { return {.name = param.name, .dtype = param.dtype, .dims = param.dims}; }

/// One parameter and what goes into it.
struct Match {
  const NetParam* param = nullptr;
  const TensorInfo* entry = nullptr;
};

bool is_loadable(const TensorInfo& entry) { return entry.kind == Kind::tensor; }

// Of a pair that MindSpore would refuse, or should have.
Status check_pair(const Match& match, const LoadParamOptions& options) {
  const TensorInfo& entry = *match.entry;
  const NetParam& param = *match.param;
  const TensorDesc desc = desc_of(param);
  if (!entry.fits())
    return mismatch(entry, "has " + std::to_string(entry.byte_size) + " bytes, which is not what its dims ask for");
  const std::size_t net_rank = param.dims.size();
  const std::span<const std::int64_t> dims = entry.dims;
  if (!std::equal(dims.begin(), dims.end(), param.dims.begin(), param.dims.end())) {
    const bool only_ones = dims.size() > net_rank && std::all_of(dims.begin() + static_cast<std::ptrdiff_t>(net_rank),
                                                                 dims.end(), [](std::int64_t dim) { return dim == 1; });
    if (!options.drop_trailing_ones || !only_ones || entry.element_count() != desc.element_count())
      return mismatch(desc, "the network's shape is " + text_of(param.dims) + ", the checkpoint's " + text_of(dims));
  }
  if (entry.dtype == param.dtype) return {};
  const NumberKind kind = kind_of(param.dtype);
  if (!options.strict_load && kind != NumberKind::none && kind == kind_of(entry.dtype)) return {};
  return mismatch(desc, "the network's type is " + std::string(name(param.dtype)) + ", the checkpoint's " +
                            std::string(name(entry.dtype)));
}

// As NumPy's astype: the low bytes, or the sign before them.
std::uint64_t convert_integers(DType from, std::span<const std::byte> in, DType to, std::span<std::byte> out) {
  const std::size_t from_size = size_of(from);
  const std::size_t to_size = size_of(to);
  std::uint64_t overflow = 0;
  for (std::size_t i = 0; i < in.size() / from_size; ++i) {
    const std::byte* const source = in.data() + i * from_size;
    std::byte* const target = out.data() + i * to_size;
    const auto sign_of = [](std::byte last) {
      return (last & std::byte{0x80}) != std::byte{0} ? std::byte{0xFF} : std::byte{0};
    };
    const std::byte sign = sign_of(source[from_size - 1]);
    const std::size_t common = std::min(from_size, to_size);
    std::memcpy(target, source, common);
    std::fill(target + common, target + to_size, sign);
    const bool fits = sign_of(target[to_size - 1]) == sign &&
                      std::all_of(source + common, source + from_size, [&](std::byte byte) { return byte == sign; });
    overflow += fits ? 0 : 1;
  }
  return overflow;
}

Status convert(const Checkpoint& file, const Match& match, std::span<std::byte> out, std::uint64_t& overflow) {
  const TensorInfo& entry = *match.entry;
  const DType to = match.param->dtype;
  const std::size_t from_size = size_of(entry.dtype);
  std::vector<std::byte> block(kCastElements * from_size);
  for (std::uint64_t at = 0; at < entry.byte_size;) {
    const auto piece =
        std::span(block).first(static_cast<std::size_t>(std::min<std::uint64_t>(block.size(), entry.byte_size - at)));
    if (auto status = file.read(entry, at, piece); !status) return status;
    const auto target =
        out.subspan(static_cast<std::size_t>(at / from_size) * size_of(to), piece.size() / from_size * size_of(to));
    if (kind_of(to) == NumberKind::integer) {
      overflow += convert_integers(entry.dtype, piece, to, target);
    } else {
      CastCounts counts;
      cast(entry.dtype, piece, to, target, counts);
      overflow += counts.overflow;
    }
    at += piece.size();
  }
  return {};
}

/// One parameter, what goes into it, and where that is put for now.
struct Load {
  Match match = {};
  std::span<std::byte> memory = {};
};

// Reads each entry into the memory given for it: straight where the types are the same.
Status read_group(const Checkpoint& file, std::span<const Load> group, const ReadOptions& options,
                  std::uint64_t& overflow) {
  std::vector<ReadRequest> requests;
  for (const auto& [match, memory] : group)
    if (match.entry->dtype == match.param->dtype) requests.push_back({.tensor = match.entry, .out = memory});
  if (auto status = file.read_many(requests, options); !status) return status;
  for (const auto& [match, memory] : group)
    if (match.entry->dtype != match.param->dtype)
      if (auto status = convert(file, match, memory, overflow); !status) return status;
  return {};
}

// In the order of the file and group by group, so that an error can say how far it came.
Status read_all(const Checkpoint& file, std::vector<Load> loads, const LoadParamOptions& options,
                std::uint64_t& overflow) {
  constexpr std::uint64_t kGroup = std::uint64_t{64} << 20;
  std::sort(loads.begin(), loads.end(), [](const Load& a, const Load& b) { return a.match.entry < b.match.entry; });
  std::uint64_t total = 0;
  for (const Load& load : loads) total += load.match.entry->byte_size;
  std::uint64_t done = 0;
  for (std::size_t begin = 0, end = 0; begin < loads.size(); begin = end) {
    std::uint64_t bytes = 0;
    while (end < loads.size() && (end == begin || bytes + loads[end].match.entry->byte_size <= kGroup))
      bytes += loads[end++].match.entry->byte_size;
    ReadOptions how{.threads = options.threads};
    if (options.progress)
      how.progress = [&](std::uint64_t now, std::uint64_t) { return options.progress(done + now, total); };
    if (auto status = read_group(file, std::span(loads).subspan(begin, end - begin), how, overflow); !status) {
      Error error = std::move(status).error();
      if (options.staged) return error;
      const auto name_of = [&](std::size_t i) { return '"' + escape(loads[i].match.entry->name) + '"'; };
      error.message += begin == 0 ? "; nothing was loaded before"
                                  : "; of the checkpoint everything up to " + name_of(begin - 1) + " was loaded before";
      error.message += ", what comes up to " + name_of(end - 1) + " may be half loaded";
      return error;
    }
    done += bytes;
  }
  return {};
}

class Matcher {
 public:
  Matcher(std::span<const NetParam> net, const ParamDict& dict) : net_(net), dict_(dict), matched_(net.size()) {}

  void match_names() {
    for (std::size_t i = 0; i < net_.size(); ++i)
      if (const TensorInfo* const entry = dict_.find(net_[i].name); entry != nullptr && is_loadable(*entry)) {
        matched_[i] = entry;
        used_.insert(entry);
      }
  }

  // MindSpore's _load_dismatch_prefix_params: finds a prefix by the first parameter that is missing and the first entry
  // that ends with its name, takes everything with that prefix, and begins again.
  void match_suffixes() {
    if (missing().empty()) return;
    const std::string longest = net_[missing().front()].name;
    for (std::string prefix; prefix != longest && !missing().empty();) {
      prefix = longest;
      for (const std::size_t i : missing()) {
        const auto ends = [&](const TensorInfo* entry) {
          return is_loadable(*entry) && entry->name.ends_with(net_[i].name);
        };
        const auto found = std::find_if(dict_.params().begin(), dict_.params().end(), ends);
        if (found != dict_.params().end())
          prefix = (*found)->name.substr(0, (*found)->name.size() - net_[i].name.size());
        if (prefix != longest) break;
      }
      if (prefix == longest) return;
      bool any = false;
      for (const std::size_t i : missing()) {
        const TensorInfo* const entry = dict_.find(prefix + net_[i].name);
        if (entry == nullptr || !is_loadable(*entry)) continue;
        matched_[i] = entry;
        any = true;
      }
      if (!any) return;
    }
  }

  std::vector<Match> matches() const {
    std::vector<Match> list;
    for (std::size_t i = 0; i < net_.size(); ++i)
      if (matched_[i] != nullptr) list.push_back({&net_[i], matched_[i]});
    return list;
  }

  LoadReport report() const {
    LoadReport report;
    for (std::size_t i = 0; i < net_.size(); ++i) {
      const std::string& name = net_[i].name;
      if (matched_[i] != nullptr) {
        report.loaded.push_back(name);
      } else if (const TensorInfo* const entry = dict_.find(name)) {
        report.param_not_load.push_back({name, "the checkpoint has no tensor of that name but " + what(*entry)});
      } else if (!name.starts_with("accu_grads")) {
        report.param_not_load.push_back({name, "the checkpoint has no such entry"});
      }
    }
    // Of entries that were found by a suffix MindSpore says the same.
    std::map<const TensorInfo*, std::string> by_suffix;
    for (std::size_t i = 0; i < net_.size(); ++i)
      if (matched_[i] != nullptr && !used_.contains(matched_[i])) by_suffix.emplace(matched_[i], net_[i].name);
    for (const TensorInfo* const entry : dict_.params()) {
      if (used_.contains(entry)) continue;
      const auto suffix = by_suffix.find(entry);
      report.ckpt_not_load.push_back(
          {entry->name, suffix != by_suffix.end()
                            ? "only its suffix was found in the network: " + escape(suffix->second)
                        : !is_loadable(*entry) ? "it is " + what(*entry)
                                               : "the network has no such parameter"});
    }
    return report;
  }

 private:
  std::vector<std::size_t> missing() const {
    std::vector<std::size_t> list;
    for (std::size_t i = 0; i < net_.size(); ++i)
      if (matched_[i] == nullptr && !net_[i].name.starts_with("accu_grads") && dict_.find(net_[i].name) == nullptr)
        list.push_back(i);
    return list;
  }
  static std::string what(const TensorInfo& entry) {
    return entry.kind == Kind::string ? "a string" : entry.kind == Kind::map ? "a map" : "of an unknown type";
  }

  std::span<const NetParam> net_;
  const ParamDict& dict_;
  std::vector<const TensorInfo*> matched_;
  std::set<const TensorInfo*> used_ = {};  // by their own name
};

Status check_net(std::span<const NetParam> net) {
  std::set<std::string_view> names;
  for (const NetParam& param : net) {
    const TensorDesc desc = desc_of(param);
    if (!names.insert(param.name).second)
      return Error{.code = Errc::usage, .tensor = param.name, .message = "the network has two parameters of this name"};
    if (desc.expected_size() != param.bytes.size())
      return Error{.code = Errc::usage,
                   .tensor = param.name,
                   .message = "the network's memory for it is not what its shape and type ask for"};
  }
  return {};
}

}  // namespace

const TensorInfo* ParamDict::find(std::string_view name) const noexcept {
  const auto at = by_name_.find(name);
  return at == by_name_.end() ? nullptr : at->second;
}

Result<ParamDict> load_checkpoint(Checkpoint file, const LoadOptions& options) {
  if (auto status = check_options(options); !status) return status.error();
  ParamDict dict(std::make_shared<const Checkpoint>(std::move(file)));
  for (const TensorInfo& entry : dict.file_->tensors()) {
    if (!is_chosen(entry.name, options)) continue;
    if (!dict.by_name_.emplace(entry.name, &entry).second) continue;
    // What find() gives is the last of its name.
    const TensorInfo* const last = dict.file_->find(entry.name);
    dict.by_name_[entry.name] = last;
    dict.params_.push_back(last);
    if (last->kind == Kind::tensor && !last->fits())
      return Error{.code = Errc::malformed,
                   .offset = last->record_offset,
                   .tensor = last->name,
                   .message = "has " + std::to_string(last->byte_size) + " bytes, which is not what its dims ask for"};
  }
  if (dict.params_.empty())
    return Error{.code = Errc::usage, .message = "there is no entry, or none is left after the choice"};
  return dict;
}

Result<ParamDict> load_checkpoint(const std::filesystem::path& path, const LoadOptions& options) {
  auto file = Checkpoint::open(path, {.limits = options.limits, .key = options.dec_key, .mode = options.dec_mode});
  if (!file) return file.error();
  if (options.crc_check)
    if (auto status = verify_crc(*file); !status) return status.error();
  return load_checkpoint(std::move(*file), options);
}

Result<LoadReport> load_param_into_net(std::span<const NetParam> net, const ParamDict& dict,
                                       const LoadParamOptions& options) {
  if (auto status = check_net(net); !status) return status.error();
  Matcher matcher(net, dict);
  matcher.match_names();
  if (options.match_suffixes && !options.strict_load) matcher.match_suffixes();
  const std::vector<Match> matches = matcher.matches();
  for (const Match& match : matches)
    if (auto status = check_pair(match, options); !status) return status.error();
  if (!matches.empty())
    for (const SourcePtr& source : sources_of(dict.file()))
      if (auto status = verify_cipher(*source, options.progress); !status) return status.error();

  std::vector<Load> loads;
  std::vector<std::unique_ptr<std::byte[]>> aside;
  for (const Match& match : matches) {
    if (options.staged) aside.push_back(std::make_unique_for_overwrite<std::byte[]>(match.param->bytes.size()));
    loads.push_back(
        {match, options.staged ? std::span(aside.back().get(), match.param->bytes.size()) : match.param->bytes});
  }
  LoadReport report = matcher.report();
  if (auto status = read_all(dict.file(), loads, options, report.overflow); !status) return status.error();
  if (options.staged)
    for (const auto& [match, memory] : loads)
      if (!memory.empty()) std::memcpy(match.param->bytes.data(), memory.data(), memory.size());
  return report;
}

Result<LoadReport> load_checkpoint(const std::filesystem::path& path, std::span<const NetParam> net,
                                   const LoadOptions& options, const LoadParamOptions& into) {
  const auto dict = load_checkpoint(path, options);
  if (!dict) return dict.error();
  return load_param_into_net(net, *dict, into);
}

}  // namespace ckpt
