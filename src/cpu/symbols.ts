/** Names of a guest's functions by address, for profilers. */

/** Sorted by address; can be posted to a worker. */
export interface Symbols {
  readonly addresses: BigUint64Array;
  readonly names: readonly string[];
}

/** A line: address, type, name, and the module's name in brackets. */
const LINE = /^([0-9a-f]{8,16}) ([A-Za-z]) (\S+)/;
/** Functions, as nm(1) calls them. */
const FUNCTION_TYPES = new Set(['t', 'T', 'w', 'W']);
/** Marks where code ($x) and data ($d) begin. */
const MAPPING_SYMBOL = /^\$[xd]/;

/** An address farther behind a function than this is not in it. */
const LARGEST_FUNCTION = 0x10_0000n;

/**
 * Reads a symbol table as /proc/kallsyms, System.map and nm(1) have it.
 *
 * @throws RangeError if there is no function in it, or none has an address
 */
export const parseSymbols = (text: string): Symbols => {
  const found: { readonly address: bigint; readonly name: string }[] = [];
  let functions = 0;
  for (const line of text.split('\n')) {
    const match = LINE.exec(line);
    if (match === null || !FUNCTION_TYPES.has(match[2] as string) || MAPPING_SYMBOL.test(match[3] as string)) continue;
    functions++;
    const address = BigInt(`0x${match[1]}`);
    if (address !== 0n) found.push({ address, name: match[3] as string });
  }
  if (functions === 0) throw new RangeError("it has no line 'ADDRESS TYPE NAME' of a function");
  if (found.length === 0)
    throw new RangeError('all its addresses are 0, which is what the kernel shows to who is not root');
  found.sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
  return {
    addresses: BigUint64Array.from(found, ({ address }) => address),
    names: found.map(({ name }) => name),
  };
};

/** Number of the last symbol at or before an address; -1 if there is none. */
const findSymbol = ({ addresses }: Symbols, address: bigint): number => {
  let low = 0;
  let high = addresses.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((addresses[middle] as bigint) <= address) low = middle + 1;
    else high = middle;
  }
  return low - 1;
};

const hexadecimal = (value: bigint): string => `0x${value.toString(16)}`;

/** 'schedule', 'schedule+0x1c', or 'guest 0xffff800008081234' where no function is known. */
export const nameOf = (symbols: Symbols, address: bigint): string => {
  const index = findSymbol(symbols, address);
  const offset = index < 0 ? LARGEST_FUNCTION : address - (symbols.addresses[index] as bigint);
  if (offset >= LARGEST_FUNCTION) return `guest ${hexadecimal(address)}`;
  const name = symbols.names[index] as string;
  return offset === 0n ? name : `${name}+${hexadecimal(offset)}`;
};

export const noSymbols: Symbols = { addresses: new BigUint64Array(0), names: [] };
