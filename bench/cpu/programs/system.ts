import type { Program } from '../program.ts';

/** Programs that make the kernel work. */

const text = '/bench/data/text';
const kind = 'system';

export const systemPrograms: readonly Program[] = [
  {
    name: 'fork-exec',
    kind,
    what: 'dash starts /usr/bin/true 200 times',
    packages: ['dash', 'coreutils'],
    script: 'i=0; while [ $i -lt 200 ]; do /usr/bin/true; i=$((i + 1)); done; echo $i',
  },
  {
    name: 'fork',
    kind,
    what: 'dash forks 600 times',
    packages: ['dash'],
    script: 'i=0 sum=0; while [ $i -lt 600 ]; do (exit $((i % 3))) || sum=$((sum + $?)); i=$((i + 1)); done; echo $sum',
  },
  {
    name: 'system-calls',
    kind,
    what: 'dd reads and writes 400 000 times a byte',
    packages: ['coreutils'],
    script: 'dd if=/dev/zero of=/dev/null bs=1 count=400000 status=none; echo $?',
  },
  {
    name: 'round-trips',
    kind,
    what: 'perl: 15 000 times a byte to another process and back, by pipes',
    packages: ['perl-base'],
    script: 'perl /bench/guest/roundtrips.pl 15000',
  },
  {
    name: 'pipes',
    kind,
    what: '128 MiB through three pipes',
    packages: ['coreutils'],
    script: 'head -c 134217728 /dev/zero | cat | cat | wc -c',
  },
  {
    name: 'page-faults',
    kind,
    what: 'perl: fresh memory, 300 times 16 MiB',
    packages: ['perl-base'],
    script: 'perl /bench/guest/pages.pl 300',
  },
  {
    name: 'memory-copy',
    kind,
    what: 'dd: 4 GiB from /dev/zero in blocks of 1 MiB',
    packages: ['coreutils'],
    script: 'dd if=/dev/zero of=/dev/null bs=1M count=4096 status=none; echo $?',
  },
  {
    name: 'files',
    kind,
    what: 'makes, finds, archives and removes 1000 files in memory',
    packages: ['coreutils', 'findutils', 'sed', 'tar'],
    script: [
      'mkdir -p a/b c; seq 1 500 | sed s,^,a/b/, | xargs touch; seq 1 500 | sed s,^,c/, | xargs touch',
      `split -n 200 ${text} a/part; find . -name '*7*' | sort | cksum`,
      'tar cf - --sort=name --mtime=@0 --owner=0 --group=0 a c | cksum; rm -r a c; ls | wc -l',
    ].join('; '),
  },
];
