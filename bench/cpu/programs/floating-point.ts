import type { Program } from '../program.ts';

/** Programs whose time goes into floating-point arithmetic. */

const kind = 'floating-point';
const contracted = 'compilers for arm64 join multiplications and additions, those for amd64 cannot';

export const floatingPointPrograms: readonly Program[] = [
  {
    name: 'python-nbody',
    kind,
    what: 'python3: planets under Newton’s law',
    packages: ['python3-minimal'],
    script: 'python3 -S /bench/guest/nbody.py 12000',
  },
  {
    name: 'python-spectral',
    kind,
    what: 'python3: a spectral norm',
    packages: ['python3-minimal'],
    script: 'python3 -S /bench/guest/spectral.py 150',
  },
  {
    name: 'lua-lattice',
    kind,
    what: 'lua: a lattice of springs',
    packages: ['lua5.4'],
    script: 'lua5.4 /bench/guest/lattice.lua 64 9000',
  },
  {
    name: 'awk-mandelbrot',
    kind,
    what: 'mawk: the Mandelbrot set',
    packages: ['mawk'],
    script: 'mawk -v size=150 -f /bench/guest/mandelbrot.awk',
  },
  {
    name: 'lame',
    kind,
    what: 'encodes 6 seconds of sound as MP3: filters, transforms, a model of hearing',
    packages: ['lame', 'coreutils'],
    script: 'head -c 1058444 /bench/data/sound.wav | lame --quiet -q 4 -b 160 - encoded; cksum encoded',
    nativeDiffers: contracted,
  },
  {
    name: 'flac',
    kind,
    what: 'encodes 15 seconds of sound without loss at -8: linear prediction',
    packages: ['flac'],
    script: 'flac -s -8 -o encoded /bench/data/sound.wav; cksum encoded',
    nativeDiffers: contracted,
  },
  {
    name: 'glpsol',
    kind,
    what: 'linear programming by the simplex method',
    packages: ['glpk-utils'],
    script: 'glpsol --math /bench/guest/transport.mod > log; cat result',
  },
];
