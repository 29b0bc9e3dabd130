// Money as whole cents (BigInt), and numbers as the reader's language writes them.

let locale = "en";
let separators = { group: ",", decimal: "." };

export function setLocale(language) {
  locale = language === "de" ? "de-DE" : "en-US";
  const parts = new Intl.NumberFormat(locale).formatToParts(12345.6);
  const of = type => parts.find(part => part.type === type).value;
  separators = { group: of("group"), decimal: of("decimal") };
}

/** A JSON number with at most two decimals and twelve digits. A double tells such numbers apart. */
export const centsOf = number => BigInt(Math.round(number * 100));

/** The JSON number of cents: its shortest notation is exact. */
export const numberOf = cents => Number(cents) / 100;

/** Cents as text with two decimals: the formatter takes a decimal text exactly. */
export function formatMoney(cents) {
  const digits = cents.toString().padStart(3, "0");
  const text = `${digits.slice(0, -2)}.${digits.slice(-2)}`;
  return new Intl.NumberFormat(locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 }).format(text);
}

export const formatNumber = number => new Intl.NumberFormat(locale).format(number);

/** A whole number as it is edited, without separators. */
export const editNumber = number => String(number);

/** Money as it is edited: the language's decimal separator, and no other one. */
export function editMoney(cents) {
  const digits = cents.toString().padStart(3, "0");
  return `${digits.slice(0, -2)}${separators.decimal}${digits.slice(-2)}`;
}

/** A whole number from 1 to 4294967295, or null. */
export function parseWhole(text) {
  const digits = ungroup(text);
  if (digits === null || !/^\d{1,10}$/.test(digits)) return null;
  const number = Number(digits);
  return number >= 1 && number <= 4294967295 ? number : null;
}

/** Cents from 0 to 9999999999.99, or null. "1,234.56" in English is "1.234,56" in German. */
export function parseMoney(text) {
  const [whole, decimals = "", ...rest] = text.trim().split(separators.decimal);
  const digits = ungroup(whole);
  if (digits === null || rest.length > 0 || !/^\d{1,10}$/.test(digits) || !/^\d{0,2}$/.test(decimals)) return null;
  return BigInt(digits + decimals.padEnd(2, "0"));
}

/** Digits whose groups of three may be separated. */
function ungroup(text) {
  const trimmed = text.trim();
  if (/^\d+$/.test(trimmed)) return trimmed;
  const groups = trimmed.split(separators.group);
  const isGrouped = groups.length > 1 && /^\d{1,3}$/.test(groups[0]) && groups.slice(1).every(group => /^\d{3}$/.test(group));
  return isGrouped ? groups.join("") : null;
}
