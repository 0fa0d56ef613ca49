/** What a shop sold: enough to print a receipt, and to know what must be read from it. */
export interface Order {
  shop: string;
  items: { name: string; quantity: number; cents: number }[];
}

const SHOPS = ['HARBOUR BAKERY', 'CORNER GROCER', 'GARDEN MARKET', 'STATION KIOSK'];
const GOODS = ['Sourdough loaf', 'Orange juice', 'Flat white', 'Cheese board', 'Apple cake', 'Green tea'];

/** An order that is the same for the same number. */
export function makeOrder(number: number): Order {
  const items = Array.from({ length: 2 + (number % 4) }, (_, index) => {
    const name = GOODS[(number + index) % GOODS.length] ?? 'Bread';
    return { name, quantity: 1 + ((number + index) % 3), cents: 215 + ((number * 137 + index * 89) % 900) };
  });
  return { shop: SHOPS[number % SHOPS.length] ?? 'SHOP', items };
}

/** What all items cost together, in cents. */
export function totalOf({ items }: Order): number {
  return items.reduce((sum, { quantity, cents }) => sum + quantity * cents, 0);
}

/** A receipt as SVG: black on white, as a till prints it. */
export function drawReceipt(order: Order): string {
  const rows = order.items.map(({ name, quantity, cents }): [string, string] => [
    `${quantity} x ${name}`,
    money(quantity * cents),
  ]);
  const lines: [string, string][] = [[order.shop, ''], ...rows, ['TOTAL EUR', money(totalOf(order))]];
  const height = 60 + lines.length * 44;
  const texts = lines.map(([left, right], index) => {
    const y = 60 + index * 44;
    return `<text x="30" y="${y}">${left}</text><text x="570" y="${y}" text-anchor="end">${right}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="600" height="${height}">
<rect width="100%" height="100%" fill="white"/>
<g font-family="DejaVu Sans Mono" font-size="26">${texts.join('')}</g>
</svg>`;
}

function money(cents: number): string {
  return (cents / 100).toFixed(2);
}
