// What a file is by its content, and what to do with those that Ember does not read.
#include <algorithm>

#include "error_format.h"
#include "io/read.h"

namespace ember::io {
namespace {

struct Stranger {
  std::string_view magic;
  std::size_t at;
  const char* text;  // what it is, and the next step
};
constexpr Stranger kStrangers[] = {
    {"version https://git-lfs.github.com/spec/", 0, "a Git LFS pointer in place of the file: fetch the file itself with git lfs pull"},
    {"ustar", 257,
     "a tar archive, as PyTorch 0.1 saved or of several files: unpack it, or load it with that PyTorch and save it again with torch.save"},
    {"\x1f\x8b", 0, "compressed with gzip: unpack it with gunzip first"},
    {"BZh", 0, "compressed with bzip2: unpack it with bunzip2 first"},
    {"\xfd"
     "7zXZ",
     0, "compressed with xz: unpack it with xz -d first"},
    {"\x28\xb5\x2f\xfd", 0, "compressed with zstd: unpack it with zstd -d first"},
    {"\x89HDF\r\n\x1a\n", 0, "an HDF5 file, as Keras saves: export its arrays with numpy.savez"},
    {"GGUF", 0, "a GGUF file of llama.cpp: get the model's safetensors instead"},
    {"<!DOCTYPE", 0, "an HTML page: the download gave a web page in place of the file"},
    {"<!doctype", 0, "an HTML page: the download gave a web page in place of the file"},
    {"<html", 0, "an HTML page: the download gave a web page in place of the file"},
    {"<?xml", 0, "an XML text: the download may have given an error page in place of the file"},
    {"\x89PNG", 0, "a PNG image"},
    {"\xff\xd8\xff", 0, "a JPEG image"},
};

bool has(const std::vector<ZipEntry>& entries, std::string_view ending) {
  return std::any_of(entries.begin(), entries.end(), [&](const ZipEntry& e) { return e.name.ends_with(ending); });
}

}  // namespace

FileKind kind_of(const Source& file) {
  const std::string head = file.read(0, std::min<int64_t>(file.size(), 512));
  const auto starts = [&](std::string_view magic, std::size_t at = 0) { return head.size() >= at && head.compare(at, magic.size(), magic) == 0; };
  if (starts("PK\3\4") || starts("PK\5\6")) return FileKind::Zip;
  if (starts("\x93NUMPY")) return FileKind::Npy;
  if (starts("\x80") && head.size() > 1 && head[1] >= 2 && head[1] <= 5) return FileKind::LegacyPt;
  const bool could_be_length = head.size() >= 9 && head[5] == 0 && head[6] == 0 && head[7] == 0;  // of a header, below 2^40
  if (could_be_length && head[8] == '{') return FileKind::Safetensors;
  for (const Stranger& s : kStrangers) check<RuntimeError>(!starts(s.magic, s.at), "{}: {}", file.path(), s.text);
  if (head.size() >= 9 && head[8] == '{') return FileKind::Safetensors;
  check<RuntimeError>(!head.empty(), "{}: an empty file", file.path());
  check<RuntimeError>(!starts("{") && !starts("["), "{}: a JSON text, such as the index of a model in several files: load the files that it names",
                      file.path());
  fail<RuntimeError>("{}: neither .pt, safetensors, .npy nor .npz by its content", file.path());
}

bool is_torchscript(const std::vector<ZipEntry>& entries) { return has(entries, "/constants.pkl"); }

void check_zip(const Source& file, const std::vector<ZipEntry>& entries) {
  check<RuntimeError>(!entries.empty(), "{}: an empty ZIP archive, neither .pt nor .npz", file.path());
  check<RuntimeError>(!has(entries, "archive_format") && !has(entries, "models/model.json"),
                      "{}: a program of torch.export (.pt2), not weights: save model.state_dict() with torch.save", file.path());
  check<RuntimeError>(!has(entries, "saved_model.pb") && !has(entries, "model.weights.h5"),
                      "{}: a model of TensorFlow or Keras: export its arrays with numpy.savez", file.path());
  check<RuntimeError>(has(entries, "data.pkl") || has(entries, ".npy"), "{}: a ZIP archive of other files, such as {}: neither .pt nor .npz",
                      file.path(), entries[0].name);
}

}  // namespace ember::io
