/** Debian version numbers and their order (deb-version(7), Debian Policy 5.6.12). */

/** [epoch:]upstream[-revision] */
const VersionPattern = /^(?:([0-9]{1,9}):)?([0-9A-Za-z.+~:-]*?)(?:-([0-9A-Za-z.+~]*))?$/;

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/** Letters sort before everything else, and `~` before the end of the text. */
function orderOf(text: string, at: number): number {
  if (at >= text.length) return 0;
  const code = text.charCodeAt(at);
  if (isDigit(code)) return 0;
  if (code === 0x7e) return -1;
  const isLetter = (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a;
  return isLetter ? code : code + 256;
}

function digitsFrom(text: string, at: number): number {
  let end = at;
  while (end < text.length && isDigit(text.charCodeAt(end))) end++;
  return end;
}

/** Alternates between parts without digits, compared by `orderOf`, and numbers, compared by value. */
function compareParts(a: string, b: string): number {
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    while ((i < a.length && !isDigit(a.charCodeAt(i))) || (j < b.length && !isDigit(b.charCodeAt(j)))) {
      const difference = orderOf(a, i) - orderOf(b, j);
      if (difference !== 0) return difference;
      if (i < a.length && !isDigit(a.charCodeAt(i))) i++;
      if (j < b.length && !isDigit(b.charCodeAt(j))) j++;
    }
    const endA = digitsFrom(a, i);
    const endB = digitsFrom(b, j);
    // Numbers may exceed what a double holds, so they are compared as text without leading zeros.
    const numberA = a.slice(i, endA).replace(/^0+/, '');
    const numberB = b.slice(j, endB).replace(/^0+/, '');
    if (numberA.length !== numberB.length) return numberA.length - numberB.length;
    if (numberA !== numberB) return numberA < numberB ? -1 : 1;
    i = endA;
    j = endB;
  }
  return 0;
}

function split(version: string): { epoch: number; upstream: string; revision: string } {
  const match = VersionPattern.exec(version);
  // What is not a version still needs a place in the order: it counts as an upstream version.
  if (match === null) return { epoch: 0, upstream: version, revision: '' };
  return { epoch: Number(match[1] ?? 0), upstream: match[2], revision: match[3] ?? '' };
}

/** Negative, zero or positive as `a` is older than, the same as or newer than `b`. */
export function compareVersions(a: string, b: string): number {
  if (a === b) return 0;
  const left = split(a);
  const right = split(b);
  if (left.epoch !== right.epoch) return left.epoch - right.epoch;
  return compareParts(left.upstream, right.upstream) || compareParts(left.revision, right.revision);
}

export type VersionOperator = '<<' | '<=' | '=' | '>=' | '>>';

export function versionSatisfies(version: string, operator: VersionOperator, wanted: string): boolean {
  const order = compareVersions(version, wanted);
  if (operator === '=') return order === 0;
  if (operator === '<<') return order < 0;
  if (operator === '<=') return order <= 0;
  return operator === '>>' ? order > 0 : order >= 0;
}
