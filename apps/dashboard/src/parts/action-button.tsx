import { useRef, useState } from 'react';

import { ErrorNote } from './notes.tsx';

interface ActionButtonProps {
  /** What it does, in a word or two. */
  label: string;
  /** What else the label is about, for those who hear the page. */
  subject: string;
  /** What will happen: is read before it does. */
  question: string;
  act(): Promise<unknown>;
}

/** A button that asks before it changes anything, and says what went wrong. */
export function ActionButton({ label, subject, question, act }: ActionButtonProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [error, setError] = useState<Error>();
  const [isBusy, setBusy] = useState(false);
  const confirm = async (): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      await act();
      dialog.current?.close();
    } catch (failure) {
      setError(failure as Error);
    }
    setBusy(false);
  };
  return (
    <>
      <button type="button" className="quiet" onClick={() => dialog.current?.showModal()}>
        {label}
        <span className="hidden-label"> {subject}</span>
      </button>
      <dialog ref={dialog} aria-label={`${label} ${subject}`} onClose={() => setError(undefined)}>
        <p>{question}</p>
        {error && <ErrorNote error={error} />}
        <div className="answers">
          <button type="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
          <button type="button" className="main" disabled={isBusy} onClick={() => void confirm()}>
            {label}
          </button>
        </div>
      </dialog>
    </>
  );
}
