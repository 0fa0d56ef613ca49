/** What a receipt says. Amounts are in units of `currency`; whatever could not be found is left out. */
export interface Receipt {
  text: string;
  lines: string[];
  shop?: string;
  /** As ISO date. */
  date?: string;
  items: ReceiptItem[];
  subtotal?: number;
  tax?: number;
  total?: number;
  /** ISO code, such as `EUR`. */
  currency?: string;
}

export interface ReceiptItem {
  name: string;
  quantity: number;
  /** For all of the quantity. */
  amount: number;
}

const AMOUNT_AT_END =
  /(?<amount>-?\d{1,3}(?:[., ]\d{3})*[.,]\d{2}|-?\d+[.,]\d{2})\s*(?:€|\$|£|EUR|USD|GBP|CHF)?\s*$/i;
const SUBTOTAL = /\b(sub[ -]?total|net(?: amount)?)\b/i;
const TAX = /\b(tax|vat|mwst|gst)\b/i;
/** Strongest first: a receipt may say "total" more than once. */
const TOTALS = [/\bgrand total\b/i, /\b(amount|balance|total) due\b/i, /\btotal\b/i, /\b(amount|sum)\b/i];
const PAYMENT = /\b(cash|change|card|visa|mastercard|debit|credit|paid|tendered|tip)\b/i;
const CURRENCIES: [RegExp, string][] = [
  [/€|\bEUR\b/i, 'EUR'],
  [/£|\bGBP\b/i, 'GBP'],
  [/\bCHF\b/i, 'CHF'],
  [/\$|\bUSD\b/i, 'USD'],
];

/** Finds shop, date, items, total and currency in the text of a receipt. */
export function parseReceipt(text: string): Receipt {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.length > 0);
  const priced = lines.flatMap((line) => {
    const amount = amountAtEnd(line);
    return amount === undefined ? [] : [{ line, amount }];
  });
  const items = priced.filter(({ line }) => !isSummary(line)).map(({ line, amount }) => toItem(line, amount));
  const subtotal = priced.find(({ line }) => SUBTOTAL.test(line))?.amount;
  const tax = priced.find(({ line }) => TAX.test(line) && !SUBTOTAL.test(line))?.amount;
  const found = {
    shop: lines[0],
    date: findDate(text),
    subtotal,
    tax,
    total: findTotal(priced) ?? subtotal ?? sumOf(items),
    currency: CURRENCIES.find(([sign]) => sign.test(text))?.[1],
  };
  const known = Object.entries(found).filter(([, value]) => value !== undefined);
  return { text: lines.join('\n'), lines, items, ...Object.fromEntries(known) };
}

function isSummary(line: string): boolean {
  return (
    SUBTOTAL.test(line) || TAX.test(line) || PAYMENT.test(line) || TOTALS.some((total) => total.test(line))
  );
}

function findTotal(priced: readonly { line: string; amount: number }[]): number | undefined {
  const candidates = priced.filter(({ line }) => !SUBTOTAL.test(line) && !PAYMENT.test(line));
  for (const wording of TOTALS) {
    const matching = candidates.filter(({ line }) => wording.test(line));
    const last = matching.at(-1);
    if (last) return last.amount;
  }
  return undefined;
}

function amountAtEnd(line: string): number | undefined {
  const amount = AMOUNT_AT_END.exec(line)?.groups?.['amount'];
  if (amount === undefined) return undefined;
  // The last separator is the decimal one, whichever of "." and "," the country uses.
  return Number(amount.replace(/[., ](?=.*[.,])/g, '').replace(',', '.'));
}

function toItem(line: string, amount: number): ReceiptItem {
  const label = line.replace(AMOUNT_AT_END, '').trim();
  const counted = /^(?<quantity>\d{1,3})\s*[x×*]?\s+(?<name>\D.*)$/i.exec(label)?.groups;
  return { name: counted?.['name'] ?? label, quantity: Number(counted?.['quantity'] ?? 1), amount };
}

function findDate(text: string): string | undefined {
  const iso = /\b(20\d\d)-(\d\d)-(\d\d)\b/.exec(text);
  if (iso) return iso[0];
  const dayFirst = /\b(\d\d?)[./](\d\d?)[./](20\d\d)\b/.exec(text);
  if (!dayFirst) return undefined;
  const [, day = '', month = '', year = ''] = dayFirst;
  return `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
}

function sumOf(items: readonly ReceiptItem[]): number | undefined {
  if (items.length === 0) return undefined;
  return Math.round(items.reduce((sum, item) => sum + item.amount, 0) * 100) / 100;
}
