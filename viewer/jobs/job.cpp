#include "job.h"

#include <QMetaObject>
#include <algorithm>

namespace ckpt::viewer {

Jobs::Jobs() {
  // Long work has its own threads in the library; here it must not keep short reads waiting.
  pool_.setMaxThreadCount(std::max(4, QThread::idealThreadCount()));
}

Jobs::~Jobs() {
  for (const auto& weak : runs_)
    if (const auto run = weak.lock()) run->stop = true;
  pool_.waitForDone();
}

Job* Jobs::latest() const noexcept {
  const auto titled =
      std::find_if(running_.rbegin(), running_.rend(), [](const Job* job) { return !job->title().isEmpty(); });
  return titled == running_.rend() ? nullptr : *titled;
}

void Jobs::began(Job* job) {
  running_.push_back(job);
  emit changed();
}

void Jobs::ended(Job* job) {
  if (std::erase(running_, job) > 0) emit changed();
}

void Jobs::launch(const std::shared_ptr<Run>& run, std::function<void()> work) {
  std::erase_if(runs_, [](const auto& weak) { return weak.expired(); });
  runs_.push_back(run);
  pool_.start(std::move(work));
}

void Jobs::deliver(std::function<void()> result) {
  QMetaObject::invokeMethod(this, std::move(result), Qt::QueuedConnection);
}

Job::Job(Jobs& jobs, QObject* parent) : QObject(parent), jobs_(&jobs) {}

Job::~Job() { drop(); }

void Job::cancel() {
  if (run_) run_->stop = true;
}

void Job::drop() {
  if (!run_) return;
  run_->stop = true;
  run_ = nullptr;
  if (jobs_) jobs_->ended(this);
}

double Job::progress() const noexcept {
  const std::uint64_t total = run_ ? run_->total.load() : 0;
  return total == 0 ? -1 : static_cast<double>(run_->done.load()) / static_cast<double>(total);
}

std::shared_ptr<Run> Job::begin(const QString& title) {
  title_ = title;
  run_ = std::make_shared<Run>();
  jobs_->began(this);
  return run_;
}

bool Job::finish(const std::shared_ptr<Run>& run) {
  if (run != run_) return false;
  run_ = nullptr;
  if (jobs_) jobs_->ended(this);
  return true;
}

Progress Job::progress_of(const std::shared_ptr<Run>& run) {
  return [run](std::uint64_t done, std::uint64_t total) {
    run->done = done;
    run->total = total;
    return !run->stop;
  };
}

}  // namespace ckpt::viewer
