import type { Program } from '../program.ts';

/** Programs that compute with whole numbers and text. */

const text = '/bench/data/text';
const kind = 'integer';

const interpreters: readonly Program[] = [
  {
    name: 'shell',
    kind,
    what: 'dash: queens on a board of seven rows; arithmetic and eval',
    packages: ['dash'],
    script: 'dash /bench/guest/queens.sh 7',
  },
  {
    name: 'bash',
    kind,
    what: 'bash: queens on a board of six rows',
    packages: ['bash'],
    script: 'bash /bench/guest/queens.sh 6',
  },
  {
    name: 'python',
    kind,
    what: 'python3: dictionaries of words, a sieve',
    packages: ['python3-minimal'],
    script: `python3 -S /bench/guest/dictionary.py ${text} 3`,
  },
  {
    name: 'perl',
    kind,
    what: 'perl: regular expressions, substitution, hashes',
    packages: ['perl-base'],
    script: `perl /bench/guest/words.pl ${text} 3000`,
  },
  {
    name: 'lua',
    kind,
    what: 'lua: permutations and flips of arrays (fannkuch), four times',
    packages: ['lua5.4'],
    script: 'for i in 1 2 3 4; do lua5.4 /bench/guest/fannkuch.lua 8; done',
  },
  {
    name: 'awk',
    kind,
    what: 'mawk: groups and sums the rows of a table, substitution',
    packages: ['mawk', 'coreutils'],
    script: 'mawk -f /bench/guest/columns.awk /bench/data/table',
  },
  {
    name: 'bc',
    kind,
    what: 'bc: 1100 digits of pi, numbers of arbitrary length',
    packages: ['bc'],
    script: "echo 'scale=1100; 4*a(1)' | BC_LINE_LENGTH=0 bc -l",
  },
  {
    name: 'sqlite',
    kind,
    what: 'sqlite3: inserts, an index, joins and aggregates in memory',
    packages: ['sqlite3'],
    script: 'sqlite3 :memory: < /bench/guest/orders.sql',
  },
];

const compression: readonly Program[] = [
  {
    name: 'gzip',
    kind,
    what: 'compresses 4 MiB of text and expands it again',
    packages: ['gzip'],
    script: `gzip -6 -n < ${text} > packed; gzip -d < packed > plain; cksum packed plain`,
  },
  {
    name: 'bzip2',
    kind,
    what: 'compresses 2 MiB of text and expands it again',
    packages: ['bzip2'],
    script: `head -c 2097152 ${text} | bzip2 > packed; bzip2 -d < packed > plain; cksum packed plain`,
  },
  {
    name: 'xz',
    kind,
    what: 'compresses 512 KiB of text at -6 and expands it again',
    packages: ['xz-utils'],
    script: `head -c 524288 ${text} | xz -6 > packed; xz -d < packed > plain; cksum packed plain`,
  },
  {
    name: 'zstd',
    kind,
    what: 'compresses 4 MiB of text at -6 and expands it again',
    packages: ['zstd'],
    script: `zstd -q -6 < ${text} > packed; zstd -q -d < packed > plain; cksum packed plain`,
  },
];

const cryptography: readonly Program[] = [
  {
    name: 'sha256sum',
    kind,
    what: 'coreutils: 64 MiB',
    packages: ['coreutils'],
    script: `for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do cat ${text}; done | sha256sum`,
  },
  {
    name: 'openssl-aes',
    kind,
    what: 'openssl: AES-128-CBC of 64 MiB with the processor’s instructions',
    packages: ['openssl', 'coreutils'],
    script: [
      `for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do cat ${text}; done |`,
      'openssl enc -aes-128-cbc -K 000102030405060708090a0b0c0d0e0f -iv 0f0e0d0c0b0a09080706050403020100 |',
      'tail -c 64 | od -An -tx1',
    ].join(' '),
  },
  {
    name: 'openssl-digest',
    kind,
    what: 'openssl: SHA-512, SHA3-256 and BLAKE2b of 32 MiB',
    packages: ['openssl'],
    script: `cat ${text} ${text} ${text} ${text} > half; cat half half > data; for name in sha512 sha3-256 blake2b512; do openssl dgst -$name < data; done`,
  },
  {
    name: 'openssl-rsa',
    kind,
    what: 'openssl: 10 signatures with RSA-4096',
    packages: ['openssl', 'coreutils'],
    script:
      'for i in 1 2 3 4 5 6 7 8 9 10; do echo $i | openssl dgst -sha256 -sign /bench/data/key.pem; done | openssl dgst -sha256',
  },
  {
    name: 'openssl-prime',
    kind,
    what: 'openssl: whether a number of 2048 bits is a prime',
    packages: ['openssl'],
    script: 'read -r prime < /bench/data/prime; openssl prime -hex "$prime"',
  },
];

const tools: readonly Program[] = [
  {
    name: 'sort',
    kind,
    what: 'coreutils: sorts a table by two columns and a text by its lines',
    packages: ['coreutils'],
    script: `sort -k 2,2n -k 1,1 /bench/data/table | cksum; sort --parallel=1 ${text} | cksum; tr ' ' '\\n' < ${text} | head -n 150000 | sort | uniq -c | sort -rn | cksum`,
  },
  {
    name: 'grep',
    kind,
    what: 'grep -E: a pattern for the automaton and one that refers back',
    packages: ['grep'],
    script: [
      `grep -E -c '(ea|t[io]n)[a-z]*(s|ing) [^aeiou ]+[aeiou]{2}[a-z]* ' ${text}`,
      `head -c 1000000 ${text} | grep -E -i -o '\\b([a-z]+)th?[a-z]*' | cksum`,
      `head -c 100000 ${text} | grep -E -c '([a-z]{3})[a-z ]*\\1[a-z ]*\\1'`,
    ].join('; '),
  },
  {
    name: 'python-copy',
    kind,
    what: 'python3: copies memory, in pieces of 1 MiB and of 4 KiB',
    packages: ['python3-minimal'],
    script: 'python3 -S /bench/guest/copy.py 1500',
  },
  {
    name: 'compiler',
    kind,
    what: 'cc1 -O2: a C file of three functions; much code, little of it hot',
    packages: ['cpp-12'],
    script:
      '/usr/lib/gcc/*-linux-gnu/12/cc1 -quiet -O2 -ffreestanding /bench/data/functions.c -o functions.s; cksum functions.s',
    nativeDiffers: 'each compiles for its own architecture',
  },
];

export const integerPrograms: readonly Program[] = [...interpreters, ...compression, ...cryptography, ...tools];
