#pragma once

#include <QObject>
#include <QPointer>
#include <QString>
#include <QThreadPool>
#include <atomic>
#include <functional>
#include <memory>
#include <new>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include "ckpt/error.h"
#include "ckpt/progress.h"

namespace ckpt::viewer {

class Job;

/// What work says when there is not enough memory for it: an error as others are, not the end of the program.
template <class Result, class Work>
Result result_of(Work& work, const Progress& progress) {
  if constexpr (std::is_constructible_v<Result, Error>) {
    constexpr const char* kNoMemory = "there is not enough memory for it";
    try {
      return work(progress);
    } catch (const std::bad_alloc&) {
      return Error{.code = Errc::limit, .message = kNoMemory};
    } catch (const std::length_error&) {
      return Error{.code = Errc::limit, .message = kNoMemory};
    }
  } else {
    return work(progress);
  }
}

/// One piece of work on its way: what its thread and the window both see.
struct Run {
  std::atomic<bool> stop = false;
  std::atomic<std::uint64_t> done = 0;
  std::atomic<std::uint64_t> total = 0;
};

/// All background work of a window. Going away, it cancels what runs and waits for it, so closing is always safe.
class Jobs : public QObject {
  Q_OBJECT

 public:
  Jobs();
  ~Jobs() override;

  bool idle() const noexcept { return running_.empty(); }
  /// The one that began last, of those that have a title; null if there is none.
  Job* latest() const noexcept;

 signals:
  void changed();  ///< work began or ended

 private:
  friend class Job;
  void began(Job* job);
  void ended(Job* job);
  void launch(const std::shared_ptr<Run>& run, std::function<void()> work);
  /// On this object's thread, later. Called by threads of the pool, which ~Jobs() waits for.
  void deliver(std::function<void()> result);

  QThreadPool pool_;
  std::vector<Job*> running_ = {};
  std::vector<std::weak_ptr<Run>> runs_ = {};
};

/// A place for one piece of work at a time. Work gets what it needs by value or shared pointer, never a window's
/// object; it reports, and learns that it should stop, through a Progress. Results arrive on the window's thread.
class Job : public QObject {
  Q_OBJECT

 public:
  explicit Job(Jobs& jobs, QObject* parent = nullptr);
  ~Job() override;  ///< as drop()

  /// Runs work(const Progress&) in the background, then done(its result) here. Work that was begun earlier is dropped.
  /// What has no title is not shown, and not the user's to cancel.
  template <class Work, class Done>
  void start(const QString& title, Work work, Done done) {
    drop();
    if (!jobs_) return;
    const auto run = begin(title);
    jobs_->launch(run, [jobs = jobs_.data(), job = QPointer<Job>(this), run, work, done]() mutable {
      using Result = decltype(work(Progress()));
      auto result = std::make_shared<Result>(result_of<Result>(work, progress_of(run)));
      jobs->deliver([job, run, result, done]() mutable {
        if (job && job->finish(run)) done(std::move(*result));
      });
    });
  }

  /// Asks the work to stop; done() gets what it makes of that, as a rule Errc::cancelled.
  void cancel();
  /// Stops the work, whose result is of no interest any more.
  void drop();

  bool running() const noexcept { return run_ != nullptr; }
  const QString& title() const noexcept { return title_; }
  /// 0 to 1; below 0 where it is not known.
  double progress() const noexcept;

 private:
  std::shared_ptr<Run> begin(const QString& title);
  bool finish(const std::shared_ptr<Run>& run);
  static Progress progress_of(const std::shared_ptr<Run>& run);

  QPointer<Jobs> jobs_;
  QString title_;
  std::shared_ptr<Run> run_ = {};
};

}  // namespace ckpt::viewer
