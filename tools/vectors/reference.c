/*
 * Runs A64 programs on whatever executes this binary (qemu-aarch64, or a real processor) and reports the state they leave:
 * the reference side of the differential tests. Layouts are those of test/cpu/arm64/cases/layout.ts and image.ts.
 *
 * Everything happens in the handler of the signal that ended the previous program: it saves the interrupted context as that
 * program's result, puts the next program's initial state in its place and returns into it. So every register is free.
 *
 * Standard input: batches of { u32 programs, u32 runs, programs of { u32 slot, u32 count, u32 words[12] }, runs of
 * { u32 slot, u32 0, image } }. Standard output: for each run its image. The program ends with its input.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#define PAGE 4096
#define DATA 0x5afffff000UL
#define WRITABLE_PAGES 2
#define DATA_PAGES 3
#define CODE 0x5b00080000UL
#define SLOT 256
#define SLOTS 256
#define CODE_BYTES (SLOTS * SLOT + PAGE)
#define PAD 0xd4200000
#define PROGRAM_WORDS 12
#define WINDOW 256
#define CROSSING 64
#define BATCH 4096

enum { BREAKPOINT = 1, UNDEFINED, FAULT, ALIGNMENT, ENDLESS, OTHER };

struct image {
  uint64_t x[31], sp, pc;
  uint32_t nzcv, fpcr, fpsr, place, outcome, stray;
  uint64_t fault_address, reserved;
  uint8_t v[32][16];
  uint8_t window[WINDOW];
};
_Static_assert(sizeof(struct image) == 1072, "the image's layout");

struct program { uint32_t slot, count, words[PROGRAM_WORDS]; };
struct run { uint32_t slot, reserved; struct image image; };

static const uint32_t window_offsets[] = { 0, PAGE - WINDOW / 2, 2 * PAGE - WINDOW };
#define PLACES (sizeof window_offsets / sizeof window_offsets[0])

static struct program programs[BATCH];
static struct run runs[BATCH];
static uint32_t run_count, run_next;
static struct image results[BATCH];
static uint8_t pristine[DATA_PAGES * PAGE];
static uint8_t signal_stack[1 << 18] __attribute__((aligned(16)));
/* Counts the programs started, for the timer to see that one does not end. */
static uint64_t started, seen_by_timer;

static void fail(const char *what) {
  (void)!write(2, what, strlen(what));
  (void)!write(2, "\n", 1);
  _exit(3);
}

/* False at the end of the input. */
static int read_all(void *to, size_t size) {
  uint8_t *at = to;
  while (size > 0) {
    ssize_t got = read(0, at, size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail("reference: cannot read");
    if (got == 0) return 0;
    at += got;
    size -= (size_t)got;
  }
  return 1;
}

static void write_all(const void *from, size_t size) {
  const uint8_t *at = from;
  while (size > 0) {
    ssize_t put = write(1, at, size);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) fail("reference: cannot write");
    at += put;
    size -= (size_t)put;
  }
}

static uint32_t *program_start(uint32_t slot) {
  return (uint32_t *)(CODE + (uint64_t)slot * SLOT + ((slot & 15) == 15 ? SLOT - 8 : 64));
}

static void load_programs(uint32_t count) {
  if (mprotect((void *)CODE, CODE_BYTES, PROT_READ | PROT_WRITE) != 0) fail("reference: mprotect");
  uint32_t *code = (uint32_t *)CODE;
  for (uint32_t i = 0; i < CODE_BYTES / 4; i++) code[i] = PAD;
  for (uint32_t i = 0; i < count; i++) {
    if (programs[i].slot >= SLOTS || programs[i].count > PROGRAM_WORDS) fail("reference: bad program");
    memcpy(program_start(programs[i].slot), programs[i].words, 4 * programs[i].count);
  }
  __builtin___clear_cache((char *)CODE, (char *)CODE + CODE_BYTES);
  if (mprotect((void *)CODE, CODE_BYTES, PROT_READ | PROT_EXEC) != 0) fail("reference: mprotect");
}

static void read_batch(void) {
  uint32_t header[2];
  if (!read_all(header, sizeof header)) _exit(0);
  if (header[0] > BATCH || header[1] > BATCH) fail("reference: batch too large");
  if (!read_all(programs, header[0] * sizeof programs[0])) fail("reference: input ends early");
  if (!read_all(runs, header[1] * sizeof runs[0])) fail("reference: input ends early");
  load_programs(header[0]);
  run_count = header[1];
  run_next = 0;
}

static struct fpsimd_context *vector_context(ucontext_t *context) {
  struct _aarch64_ctx *record = (struct _aarch64_ctx *)context->uc_mcontext.__reserved;
  while (record->magic != FPSIMD_MAGIC) {
    if (record->magic == 0) fail("reference: no vector registers in the signal frame");
    record = (struct _aarch64_ctx *)((uint8_t *)record + record->size);
  }
  return (struct fpsimd_context *)record;
}

static void start(ucontext_t *context) {
  while (run_next == run_count) {
    if (run_count > 0) write_all(results, run_count * sizeof results[0]);
    read_batch();
  }
  const struct run *run = &runs[run_next];
  const struct image *image = &run->image;
  if (run->slot >= SLOTS || image->place >= PLACES) fail("reference: bad run");
  memcpy((void *)(DATA + window_offsets[image->place]), image->window, WINDOW);
  mcontext_t *machine = &context->uc_mcontext;
  struct fpsimd_context *vectors = vector_context(context);
  memcpy(machine->regs, image->x, sizeof image->x);
  machine->sp = image->sp;
  machine->pc = (uint64_t)program_start(run->slot);
  machine->pstate = image->nzcv;
  vectors->fpcr = image->fpcr;
  vectors->fpsr = image->fpsr;
  memcpy(vectors->vregs, image->v, sizeof image->v);
  started++;
}

static uint32_t outcome_of(int number) {
  switch (number) {
    case SIGTRAP: return BREAKPOINT;
    case SIGILL: return UNDEFINED;
    case SIGSEGV: return FAULT;
    case SIGBUS: return ALIGNMENT;
    case SIGVTALRM: return ENDLESS;
    default: return OTHER;
  }
}

static void finish(int number, const siginfo_t *info, ucontext_t *context) {
  const struct run *run = &runs[run_next];
  struct image *result = &results[run_next];
  const mcontext_t *machine = &context->uc_mcontext;
  const struct fpsimd_context *vectors = vector_context(context);
  uint8_t *data = (uint8_t *)DATA;
  uint32_t offset = window_offsets[run->image.place];
  memcpy(result->x, machine->regs, sizeof result->x);
  result->sp = machine->sp;
  result->pc = machine->pc;
  result->nzcv = machine->pstate & 0xf0000000;
  result->fpcr = vectors->fpcr;
  result->fpsr = vectors->fpsr;
  result->place = run->image.place;
  result->outcome = outcome_of(number);
  result->fault_address = number == SIGSEGV || number == SIGBUS ? (uint64_t)info->si_addr : 0;
  memcpy(result->v, vectors->vregs, sizeof result->v);
  memcpy(result->window, data + offset, WINDOW);
  memcpy(data + offset, pristine + offset, WINDOW);
  result->stray = 0;
  if (memcmp(data, pristine, WRITABLE_PAGES * PAGE) != 0) {
    uint32_t length = WRITABLE_PAGES * PAGE - (number == SIGSEGV ? CROSSING : 0);
    uint32_t hash = 0x811c9dc5;
    for (uint32_t i = 0; i < length; i++) hash = (hash ^ data[i]) * 0x01000193;
    if (memcmp(data, pristine, length) != 0) result->stray = hash;
    memcpy(data, pristine, WRITABLE_PAGES * PAGE);
  }
  run_next++;
}

static void on_signal(int number, siginfo_t *info, void *context) {
  if (number == SIGVTALRM && (run_next == run_count || started != seen_by_timer)) {
    seen_by_timer = started;
    return;
  }
  if (run_next < run_count) finish(number, info, context);
  start(context);
}

int main(void) {
  uint8_t *data = mmap((void *)DATA, DATA_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  void *code = mmap((void *)CODE, CODE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  if (data != (uint8_t *)DATA || code != (void *)CODE) fail("reference: cannot map");
  for (uint32_t i = 0; i < DATA_PAGES * PAGE; i++) pristine[i] = (uint8_t)(i * 29 + (i >> 8) * 7 + 0x5b);
  memcpy(data, pristine, sizeof pristine);
  if (mprotect(data + WRITABLE_PAGES * PAGE, (DATA_PAGES - WRITABLE_PAGES) * PAGE, PROT_READ) != 0) fail("reference: mprotect");

  stack_t stack = { .ss_sp = signal_stack, .ss_size = sizeof signal_stack };
  sigaltstack(&stack, NULL);
  struct sigaction action = { .sa_flags = SA_SIGINFO | SA_ONSTACK };
  action.sa_sigaction = on_signal;
  sigfillset(&action.sa_mask);
  const int signals[] = { SIGTRAP, SIGILL, SIGSEGV, SIGBUS, SIGFPE, SIGVTALRM };
  for (unsigned i = 0; i < sizeof signals / sizeof signals[0]; i++) sigaction(signals[i], &action, NULL);
  /* A program that takes more than this of the processor's time does not end. */
  const struct itimerval timer = { { 0, 50000 }, { 0, 50000 } };
  setitimer(ITIMER_VIRTUAL, &timer, NULL);
  __asm__ volatile("brk #0");
  return 3;
}
