// The loader. What is drawn, and when, is PyTorch's: one 64-bit number for every epoch, another for a shuffle.
#include <ember/data/loader.h>
#include <ember/ops/shape.h>
#include <ember/random.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>

#include "data/workers.h"
#include "error_format.h"

namespace ember::data {
namespace {

/// The loader that this thread deleted last, still alive: see DataLoader::operator delete.
class DeletedLast {
 public:
  ~DeletedLast() { replace(nullptr); }
  void replace(DataLoader* next) {
    DataLoader* last = std::exchange(loader_, next);
    if (!last) return;
    last->~DataLoader();
    ::operator delete(last);
  }

 private:
  DataLoader* loader_ = nullptr;
};
thread_local DeletedLast deleted_last;

/// How often each sample of the order came before.
std::vector<int64_t> occurrences(const std::vector<int64_t>& order) {
  std::vector<int64_t> seen, count(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (order[i] < 0) continue;  // refused by the data set
    if (std::size_t(order[i]) >= seen.size()) seen.resize(std::max(std::size_t(order[i]) + 1, 2 * seen.size()));
    count[i] = seen[std::size_t(order[i])]++;
  }
  return count;
}

Sample with_batch_dimension(Sample sample) {
  for (Tensor& t : sample) {
    check<RuntimeError>(t.defined(), "DataLoader: a sample has an undefined tensor");
    t = t.unsqueeze(0);
  }
  return sample;
}

}  // namespace

/// An epoch: its order, how far it is, and what a worker needs to prepare the batch of a number.
struct detail::EpochState {
  DataLoader loader;
  std::vector<int64_t> order, occurrence;
  int64_t position = 0;
  bool started = false, finished = false;
  std::uint64_t seed = 0;
  std::mutex stream_mutex;
  int64_t stream_number = 0;  // the batch that the stream gives next
  bool stream_ended = false;
  std::condition_variable stream_turn;
  std::unique_ptr<Workers> workers;  // the last member: its threads use the others

  explicit EpochState(const DataLoader& from) : loader(from) {}

  void start() {
    started = true;
    if (!loader.stream_) {
      order = loader.o_.sampler->indices();
      return;
    }
    loader.stream_->begin();
    Sample skipped;  // a stream that is taken up again is read up to its place
    for (int64_t i = 0; i < position * loader.o_.batch_size && !stream_ended; ++i) stream_ended = !loader.stream_->next(skipped);
    stream_number = position;
  }

  /// Indices of a batch, none beyond the end.
  std::pair<int64_t, int64_t> range(int64_t number) const {
    const int64_t total = int64_t(order.size()), size = loader.o_.batch_size, batches = total / size + (total % size != 0 && !loader.o_.drop_last);
    if (number >= batches) return {0, 0};
    return {number * size, std::min(total, number * size + size)};
  }

  bool prepare(int64_t number, Sample& batch) {
    std::vector<Sample> samples;
    std::vector<Draws> draws;
    if (loader.stream_) {
      const int64_t first = read_stream(number, samples);
      if (samples.empty()) return false;
      for (std::size_t i = 0; loader.o_.transform && i < samples.size(); ++i) draws.emplace_back(seed, std::uint64_t(first) + i, 0);
      batch = collate_transformed(std::move(samples), draws);
    } else {
      const auto [begin, end] = range(number);
      if (begin == end) return false;
      const std::vector<int64_t> indices(order.begin() + begin, order.begin() + end);
      for (int64_t i = begin; loader.o_.transform && i < end; ++i)
        draws.emplace_back(seed, std::uint64_t(order[std::size_t(i)]), std::uint64_t(occurrence.empty() ? 0 : occurrence[std::size_t(i)]));
      batch = read(indices, draws);
    }
    if (loader.o_.batch_transform) {
      std::vector<Draws> of_batch{Draws(~seed, std::uint64_t(number), 0)};
      NoGradGuard no_grad;
      loader.o_.batch_transform->apply(batch, of_batch);
    }
    return true;
  }

 private:
  Sample read(const std::vector<int64_t>& indices, std::vector<Draws>& draws) const {
    const DataLoaderOptions& o = loader.o_;
    const Dataset& dataset = *loader.dataset_;
    if (!o.collate_fn && (!o.transform || dataset.has_batches())) {
      Sample batch = dataset.get_batch(indices);
      if (o.transform) {
        NoGradGuard no_grad;
        o.transform->apply(batch, draws);
      }
      return batch;
    }
    std::vector<Sample> samples;
    for (int64_t i : indices) samples.push_back(dataset.get(i));
    return collate_transformed(std::move(samples), draws);
  }

  Sample collate_transformed(std::vector<Sample> samples, std::vector<Draws>& draws) const {
    for (std::size_t i = 0; i < draws.size(); ++i) {
      NoGradGuard no_grad;
      Sample one = with_batch_dimension(std::move(samples[i]));
      std::vector<Draws> its{draws[i]};
      loader.o_.transform->apply(one, its);
      for (Tensor& t : one) t = t.select(0, 0);
      samples[i] = std::move(one);
    }
    return loader.o_.collate_fn ? loader.o_.collate_fn(samples) : default_collate(samples);
  }

  /// The samples of batch `number`, when those of the batches before have been read. Gives the first one's place in the stream.
  int64_t read_stream(int64_t number, std::vector<Sample>& samples) {
    std::unique_lock lock(stream_mutex);
    stream_turn.wait(lock, [&] { return stream_number == number; });
    const auto pass_on = [&](bool ended) {
      stream_ended = ended;
      ++stream_number;
      stream_turn.notify_all();
    };
    const int64_t size = loader.o_.batch_size;
    try {
      Sample sample;
      while (!stream_ended && int64_t(samples.size()) < size && loader.stream_->next(sample)) samples.push_back(std::move(sample));
    } catch (...) {
      pass_on(true);
      throw;
    }
    const bool whole = int64_t(samples.size()) == size;
    pass_on(!whole);
    if (!whole && loader.o_.drop_last) samples.clear();
    return number * size;
  }
};

void DataLoader::check_options() const {
  check<ValueError>(o_.batch_size > 0, "batch_size should be a positive integer value, but got batch_size={}", o_.batch_size);
  check<ValueError>(o_.num_workers >= 0,
                    "num_workers option should be non-negative; use num_workers=0 to disable multiprocessing.\nDataLoader: got num_workers={}",
                    o_.num_workers);
  check<ValueError>(o_.num_workers <= 1024, "DataLoader: expected at most 1024 threads, got num_workers={}", o_.num_workers);
  check<ValueError>(o_.prefetch_factor > 0,
                    "prefetch_factor option should be non-negative\nDataLoader: expected at least one batch ahead, got prefetch_factor={}",
                    o_.prefetch_factor);
  check<ValueError>(o_.prefetch_factor <= 1 << 20, "DataLoader: expected at most 2^20 batches ahead, got prefetch_factor={}", o_.prefetch_factor);
}

DataLoader::DataLoader(KeptDataset dataset, DataLoaderOptions options) : dataset_(std::move(dataset)), o_(std::move(options)) {
  check<ValueError>(bool(dataset_), "DataLoader: the data set is a null pointer");
  check_options();
  check<ValueError>(!(o_.sampler && o_.shuffle), "sampler option is mutually exclusive with shuffle");
  const int64_t size = dataset_->size();
  check<ValueError>(size >= 0, "__len__() should return >= 0\nDataLoader: the data set's size() gave {}", size);
  if (o_.sampler) return;
  if (o_.shuffle) o_.sampler = RandomSampler(size, {.generator = o_.generator});
  else o_.sampler = SequentialSampler(size);
}

DataLoader::DataLoader(Kept<IterableDataset> stream, DataLoaderOptions options) : stream_(std::move(stream)), o_(std::move(options)) {
  check<ValueError>(bool(stream_), "DataLoader: the data set is a null pointer");
  check_options();
  check<ValueError>(!o_.shuffle, "DataLoader with IterableDataset: expected unspecified shuffle option, but got shuffle=True");
  check<ValueError>(!o_.sampler, "DataLoader with IterableDataset: expected unspecified sampler option, but got a sampler");
}

const Sampler& DataLoader::sampler() const {
  check<TypeError>(!stream_, "object of type 'IterableDataset' has no len()\nDataLoader: how many batches a stream gives is known at its end");
  check<RuntimeError>(bool(o_.sampler), "DataLoader: it was moved from");
  return *o_.sampler;
}

int64_t DataLoader::size() const {
  const int64_t total = sampler().size();
  return total / o_.batch_size + (!o_.drop_last && total % o_.batch_size != 0);
}

int64_t DataLoader::last_batch_size() const {
  if (stream_) return 0;
  const int64_t total = sampler().size(), rest = total % o_.batch_size;
  return rest != 0 && !o_.drop_last ? rest : std::min(total, o_.batch_size);
}

const Dataset& DataLoader::dataset() const& {
  sampler();
  return *dataset_;
}

void DataLoader::wrong_count(int wanted, std::size_t got) {
  fail<ValueError>("DataLoader: expected samples of {} tensors, got {}; loader.as<{}>() gives them", wanted, got, got);
}

void DataLoader::operator delete(DataLoader* loader, std::destroying_delete_t) { deleted_last.replace(loader); }

bool detail::warn_about_last_batch(const DataLoader& loader, const std::string& batch_norm) {
  if (loader.last_batch_size() != 1) return false;
  const std::string name = batch_norm.empty() ? "it" : "'" + batch_norm.substr(0, batch_norm.size() - 1) + "'";
  warn(
      fmt::format("DataLoader: the last batch of an epoch holds 1 sample (batch_size {}), and the model has batch norm ({}), which cannot normalise "
                  "a single value per "
                  "channel: .drop_last = true, or another batch size",
                  loader.batch_size(), name));
  return true;
}

DataLoader::Epoch::Epoch(const DataLoader& loader) {
  if (!loader.stream_) loader.sampler();  // refuses one that was moved from
  auto state = std::make_unique<detail::EpochState>(loader);
  state->seed = (loader.o_.generator ? *loader.o_.generator : default_generator()).random64();  // PyTorch's seed for workers
  state_ = std::move(state);
}
DataLoader::Epoch::Epoch(Epoch&& other) noexcept = default;
DataLoader::Epoch& DataLoader::Epoch::operator=(Epoch&& other) noexcept = default;
DataLoader::Epoch::~Epoch() = default;

detail::EpochState& DataLoader::Epoch::state() const {
  check<RuntimeError>(bool(state_), "DataLoader::Epoch: it was moved from");
  return *state_;
}
int64_t DataLoader::Epoch::position() const { return state().position; }
const std::vector<int64_t>& DataLoader::Epoch::order() const { return state().order; }
bool DataLoader::Epoch::finished() const { return state().finished; }
std::uint64_t DataLoader::Epoch::seed() const { return state().seed; }

void DataLoader::Epoch::resume(std::vector<int64_t> order, int64_t position, bool finished) {
  resume(std::move(order), position, finished, state().seed);
}

void DataLoader::Epoch::resume(std::vector<int64_t> order, int64_t position, bool finished, std::uint64_t seed) {
  check<ValueError>(position >= 0, "DataLoader::Epoch::resume: expected a position of 0 or more, got {}", position);
  detail::EpochState& s = state();
  s.workers.reset();
  s.started = !order.empty();
  s.order = std::move(order);
  s.occurrence.clear();
  s.position = position;
  s.finished = finished;
  s.seed = seed;
}

bool DataLoader::Epoch::next(Sample& batch) {
  detail::EpochState& s = state();
  const DataLoaderOptions& o = s.loader.o_;
  if (s.position > 0) deleted_last.replace(nullptr);
  if (!s.started) s.start();
  if (o.transform && !s.loader.stream_ && s.occurrence.empty()) s.occurrence = occurrences(s.order);
  if (o.num_workers > 0 && !s.workers && !s.finished)
    s.workers = std::make_unique<Workers>(o.num_workers, o.num_workers * o.prefetch_factor, s.position,
                                          [&s](int64_t number, Sample& into) { return s.prepare(number, into); });
  if (!s.finished) {
    const int64_t number = s.position++;  // after an error the epoch goes on with the batch behind it
    if (s.workers ? s.workers->next(batch) : s.prepare(number, batch)) return true;
    --s.position;
  }
  if (!s.finished && o.sampler) s.loader.o_.sampler->finish();
  s.finished = true;
  s.workers.reset();
  return false;
}

DataLoader::Iterator<2> DataLoader::begin() const { return Iterator<2>(this); }
DataLoader::Iterator<2> DataLoader::end() const { return Iterator<2>(nullptr); }

}  // namespace ember::data
