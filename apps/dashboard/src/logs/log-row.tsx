import { memo } from 'react';

import { clock, instant } from '../format/times.ts';
import { shortId } from '../format/texts.ts';
import type { LogLine } from './log-lines.ts';
import { terminalText } from './terminal-text.ts';

/** One entry. What code prints is text and stays text. */
export const LogRow = memo(function LogRow({ line }: { line: LogLine }) {
  return (
    <div className={`log-row ${line.stream}`}>
      <time dateTime={new Date(line.atMs).toISOString()} title={instant(line.atMs)}>
        {clock(line.atMs)}
      </time>
      <span className="log-source" title={`${line.functionName} in ${line.containerId}`}>
        {line.functionName} {line.rank === undefined ? '' : `rank ${line.rank} `}
        <span className="faint">{shortId(line.containerId)}</span>
      </span>
      <span className="log-text">
        {terminalText(line.text).map(({ text, style }, index) => (
          <span key={index} className={style === '' ? undefined : style}>
            {text}
          </span>
        ))}
      </span>
    </div>
  );
});
