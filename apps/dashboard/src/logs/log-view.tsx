import { useEffect, useMemo, useRef, useState } from 'react';

import { sentence } from '../access/problem.ts';
import type { AppAddress } from '../access/api.ts';
import { shortId } from '../format/texts.ts';
import { filterLines, type LogFilter, type LogLine } from './log-lines.ts';
import { LogRow } from './log-row.tsx';
import { useLogs, type Logs } from './use-logs.ts';

const SPANS = [
  ['Last hour', 3_600_000],
  ['Last day', 86_400_000],
  ['7 days', 7 * 86_400_000],
] as const;

/** How near the end counts as being there, in pixels. */
const NEAR_END = 24;

interface LogViewProps {
  address: AppAddress;
  filter: LogFilter;
  onFilter(filter: LogFilter): void;
}

/** The log of an app, followed; the newest line is at the end and stays in view until somebody scrolls up. */
export function LogView({ address, filter, onFilter }: LogViewProps) {
  const [span, setSpan] = useState(0);
  const openedAtMs = useMemo(() => Date.now(), []);
  const { lines, state } = useLogs(address, openedAtMs - (SPANS[span] ?? SPANS[0])[1]);
  const shown = useMemo(() => filterLines(lines, filter), [lines, filter]);
  return (
    <section className="logs" aria-label="Log">
      <div className="bar">
        <label className="grow">
          <span className="hidden-label">Search</span>
          <input
            type="search"
            placeholder="Search the log"
            value={filter.text}
            onChange={(event) => onFilter({ ...filter, text: event.target.value })}
          />
        </label>
        <Choice
          label="All functions"
          value={filter.functionName}
          options={distinct([filter.functionName, ...lines.map(({ functionName }) => functionName)])}
          onChange={(functionName) => onFilter({ ...filter, functionName, containerId: '' })}
        />
        <Choice
          label="All containers"
          value={filter.containerId}
          options={distinct([filter.containerId, ...containersOf(lines, filter.functionName)])}
          shown={shortId}
          onChange={(containerId) => onFilter({ ...filter, containerId })}
        />
        <label>
          <span className="hidden-label">From when</span>
          <select value={span} onChange={(event) => setSpan(Number(event.target.value))}>
            {SPANS.map(([label], index) => (
              <option key={label} value={index}>
                {label}
              </option>
            ))}
          </select>
        </label>
      </div>
      <Lines lines={shown} empty={emptyText(lines.length, state, (SPANS[span] ?? SPANS[0])[0])} />
      <p className="log-state" role="status">
        <StateText state={state} /> {shown.length === lines.length ? '' : `${shown.length} of `}
        {lines.length} lines
      </p>
    </section>
  );
}

interface ChoiceProps {
  label: string;
  value: string;
  options: readonly string[];
  shown?: (option: string) => string;
  onChange(value: string): void;
}

function Choice({ label, value, options, shown = (option) => option, onChange }: ChoiceProps) {
  return (
    <label>
      <span className="hidden-label">{label}</span>
      <select value={value} onChange={(event) => onChange(event.target.value)}>
        <option value="">{label}</option>
        {options.map((option) => (
          <option key={option} value={option}>
            {shown(option)}
          </option>
        ))}
      </select>
    </label>
  );
}

function Lines({ lines, empty }: { lines: readonly LogLine[]; empty: string }) {
  const list = useRef<HTMLDivElement>(null);
  const [isAtEnd, setAtEnd] = useState(true);
  const toEnd = (): void => {
    const box = list.current;
    if (box) box.scrollTop = box.scrollHeight;
  };
  useEffect(() => {
    if (isAtEnd) toEnd();
  }, [lines, isAtEnd]);
  const onScroll = (): void => {
    const box = list.current;
    if (box) setAtEnd(box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_END);
  };
  return (
    <div className="log-frame">
      <div className="log-lines" ref={list} onScroll={onScroll} tabIndex={0} role="log" aria-label="Lines">
        {lines.length === 0 && <p className="log-empty">{empty}</p>}
        {lines.map((line) => (
          <LogRow key={line.number} line={line} />
        ))}
      </div>
      {!isAtEnd && (
        <button type="button" className="to-end" onClick={() => setAtEnd(true)}>
          ↓ Newest lines
        </button>
      )}
    </div>
  );
}

function StateText({ state }: { state: Logs['state'] }) {
  if (state === 'live') return <span className="live">Live</span>;
  if (state === 'ended') return <span>The app has ended.</span>;
  if (state === 'opening') return <span>Opening…</span>;
  return <span className="bad">{sentence(state.message)} Trying again…</span>;
}

function emptyText(count: number, state: Logs['state'], span: string): string {
  if (count > 0) return 'No line is like that.';
  return state === 'opening' ? '' : `Nothing was printed: ${span.toLowerCase()}.`;
}

function containersOf(lines: readonly LogLine[], functionName: string): string[] {
  return lines
    .filter((line) => functionName === '' || line.functionName === functionName)
    .map(({ containerId }) => containerId);
}

function distinct(texts: readonly string[]): string[] {
  return [...new Set(texts)].filter((text) => text !== '').sort();
}
