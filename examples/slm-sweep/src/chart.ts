import type { Checkpoint } from './experiment.ts';

const [WIDTH, HEIGHT, MARGIN] = [720, 360, 40];
const COLOURS = ['#1f6feb', '#d29922', '#238636', '#da3633', '#8957e5', '#0891b2', '#bf4b8a', '#6e7681'];

/** Loss curves as an SVG picture. */
export function drawCurves(checkpoints: readonly Checkpoint[]): string {
  const points = checkpoints.flatMap(({ curve }) => curve);
  const mostSteps = Math.max(1, ...points.map(({ step }) => step));
  const mostLoss = Math.max(1, ...points.map(({ loss }) => loss));
  const x = (step: number) => MARGIN + (step / mostSteps) * (WIDTH - 2 * MARGIN);
  const y = (loss: number) => HEIGHT - MARGIN - (loss / mostLoss) * (HEIGHT - 2 * MARGIN);
  const lines = checkpoints.map(({ curve, experiment }, at) => {
    const path = curve.map(({ step, loss }) => `${x(step).toFixed(1)},${y(loss).toFixed(1)}`).join(' ');
    const colour = COLOURS[at % COLOURS.length] ?? '#000';
    return `<polyline fill="none" stroke="${colour}" points="${path}"><title>${experiment.name}</title></polyline>`;
  });
  const axis = `M${MARGIN} ${MARGIN}V${HEIGHT - MARGIN}H${WIDTH - MARGIN}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<path fill="none" stroke="#999" d="${axis}"/>`,
    `<text x="4" y="${MARGIN}">${mostLoss.toFixed(1)}</text><text x="${WIDTH - 90}" y="${HEIGHT - 16}">${mostSteps} steps</text>`,
    ...lines,
    '</svg>',
  ].join('\n');
}
