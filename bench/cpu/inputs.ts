/** Data for the programs, the same on every machine. */

/** Marsaglia's xorshift, 32 bits. */
const randomNumbers = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
};

const LETTERS = 'etaoinshrdlucmfwypvbgkjqxz';
const VOCABULARY = 4000;
const WORDS_PER_LINE = 11;

const word = (next: () => number): string => {
  const length = 2 + (next() % 4) + (next() % 5);
  // The smaller of two numbers makes the first letters the frequent ones.
  return Array.from({ length }, () => LETTERS[Math.min(next() % 26, next() % 26)]).join('');
};

/** Lines of made-up words, some much more frequent than others, as in a natural language. */
export const text = (bytes: number): Uint8Array => {
  const next = randomNumbers(0x2545_f491);
  const words = Array.from({ length: VOCABULARY }, () => word(next));
  const lines: string[] = [];
  for (let length = 0; length < bytes; length += (lines.at(-1)?.length ?? 0) + 1) {
    const line = Array.from({ length: WORDS_PER_LINE }, () => {
      const rank = Math.floor(VOCABULARY ** ((next() % 65536) / 65536));
      return words[rank % VOCABULARY];
    });
    lines.push(line.join(' '));
  }
  return new TextEncoder().encode(`${lines.join('\n')}\n`).subarray(0, bytes);
};

/** A line each: a key, a whole number and one with a fraction. */
export const table = (rows: number): Uint8Array => {
  const next = randomNumbers(0x1234_5678);
  const lines = Array.from(
    { length: rows },
    () => `${word(next)} ${next() % 100_000} ${(next() % 1_000_000) / 1000}\n`,
  );
  return new TextEncoder().encode(lines.join(''));
};

const SAMPLE_RATE = 44_100;
const WAVE_HEADER = 44;

/** Some seconds of two channels of 16 bits: a chord that swells, and noise. WAVE, as Microsoft's RIFF has it. */
export const sound = (seconds: number): Uint8Array => {
  const next = randomNumbers(0x6c07_8965);
  const samples = Math.floor(SAMPLE_RATE * seconds);
  const view = new DataView(new ArrayBuffer(WAVE_HEADER + samples * 4));
  const ascii = (at: number, name: string): void => {
    for (let i = 0; i < name.length; i++) view.setUint8(at + i, name.charCodeAt(i));
  };
  ascii(0, 'RIFF');
  view.setUint32(4, view.byteLength - 8, true);
  ascii(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 2, true);
  view.setUint32(24, SAMPLE_RATE, true);
  view.setUint32(28, SAMPLE_RATE * 4, true);
  view.setUint16(32, 4, true);
  view.setUint16(34, 16, true);
  ascii(36, 'data');
  view.setUint32(40, samples * 4, true);
  for (let i = 0; i < samples; i++) {
    const time = i / SAMPLE_RATE;
    const swell = 3000 + 2500 * Math.sin(time * 2.1);
    for (let channel = 0; channel < 2; channel++) {
      const tones = [220, 277.18, 329.63, 1760].map((hertz) =>
        Math.sin(2 * Math.PI * hertz * time * (1 + channel / 500)),
      );
      const noise = (next() % 400) - 200;
      view.setInt16(WAVE_HEADER + i * 4 + channel * 2, Math.round(swell * tones.reduce((a, b) => a + b) + noise), true);
    }
  }
  return new Uint8Array(view.buffer);
};

/** A C file of functions that differ: loops, branches, arrays, calls of earlier ones. */
export const functions = (count: number): Uint8Array => {
  const next = randomNumbers(0x0bad_cafe);
  const operators = ['+', '-', '*', '^', '&', '|'];
  const operator = (): string => operators[next() % operators.length] as string;
  const parts = ['struct item { int key; unsigned value; struct item *next; double weight; };\n'];
  for (let i = 0; i < count; i++) {
    const called = i === 0 ? 'a' : `function${next() % i}(list, b ${operator()} i, n >> 1)`;
    parts.push(`
unsigned function${i}(struct item *list, unsigned a, int n) {
  unsigned b = a ${operator()} ${next() % 1000}u, table[${8 + (next() % 24)}] = { ${next() % 100}, ${next() % 100} };
  double sum = ${next() % 50}.5;
  for (int i = 0; i < n; i++) {
    table[i % 8] = (table[(i + ${next() % 8}) % 8] ${operator()} b) ${operator()} (a >> ${1 + (next() % 7)});
    if (table[i & 7] % ${2 + (next() % 9)} == ${next() % 2}) b = b ${operator()} table[${next() % 8}];
    else if (list && list->key == i) { sum += list->weight * ${1 + (next() % 9)}; list = list->next; }
    else sum -= b / ${2 + (next() % 5)}.0;
    switch (b % ${4 + (next() % 5)}) {
      case 0: b += ${called}; break;
      case 1: b ^= ${next() % 4096}u; break;
      case 3: for (struct item *at = list; at; at = at->next) at->value += b; break;
      default: table[a & 7]--;
    }
  }
  return b ${operator()} (unsigned)sum;
}
`);
  }
  return new TextEncoder().encode(parts.join(''));
};
