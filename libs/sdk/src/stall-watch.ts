const CHECK_EVERY_MS = 5_000;

/** A consumer that waits for values which somebody sends unasked. */
export interface StallSubject {
  /** Changes whenever something arrives. */
  progress(): number;
  isWaiting(): boolean;
  /** Called when it has waited for 5 to 10 s and nothing has arrived. */
  resume(): void;
  /** Called every 5 s otherwise: its producer learns that it is still there. */
  greet(): void;
}

const subjects = new Map<StallSubject, number>();
let timer: ReturnType<typeof setInterval> | undefined;

/**
 * Lets a consumer ask again if it waits for long: messages between processes that stay connected are lost only
 * when the message broker between them restarts. One timer serves all. Returns how to stop watching.
 */
export function watchForStalls(subject: StallSubject): () => void {
  subjects.set(subject, -1);
  if (!timer) {
    timer = setInterval(check, CHECK_EVERY_MS);
    timer.unref();
  }
  return () => {
    subjects.delete(subject);
    if (subjects.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

function check(): void {
  for (const [subject, before] of subjects) {
    const progress = subject.progress();
    if (progress === before && subject.isWaiting()) subject.resume();
    else subject.greet();
    subjects.set(subject, progress);
  }
}
