const WIDTH = 320;
const HEIGHT = 120;
const GAP = 4;

/** A bar chart as SVG; negative values count as zero. */
export function drawBars(values: readonly number[]): string {
  const highest = Math.max(...values, 1);
  const step = WIDTH / Math.max(values.length, 1);
  const bars = values.map((value, at) => {
    const height = (Math.max(value, 0) / highest) * HEIGHT;
    const place = `x="${round(at * step + GAP / 2)}" y="${round(HEIGHT - height)}"`;
    return `<rect ${place} width="${round(step - GAP)}" height="${round(height)}" rx="3"/>`;
  });
  const size = `viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} fill="#2f5fe3">${bars.join('')}</svg>\n`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
