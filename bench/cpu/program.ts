/** A program of the suite: what it is and how the guest runs it. */

export type Kind =
  /** Programs that compute with whole numbers and text. */
  | 'integer'
  /** Programs whose time goes into floating-point arithmetic. */
  | 'floating-point'
  /** Programs that make the kernel work. */
  | 'system'
  /** One thing again and again, reported by itself. */
  | 'operation';

export interface Program {
  readonly name: string;
  readonly kind: Kind;
  /** For people, in a few words. */
  readonly what: string;
  /** Debian packages that have what it runs. */
  readonly packages: readonly string[];
  /** Shell script (dash), run in an empty folder. What it prints is its result. */
  readonly script: string;
  /**
   * Set when the result may differ between architectures though all is well, and why; without it what the native program
   * prints must be the same.
   */
  readonly nativeDiffers?: string;
  /** Programs of our own for arm64, by their names in /bench/bin; then there is nothing native to compare with. */
  readonly binaries?: Readonly<Record<string, Uint8Array>>;
  /** How often it does the thing. */
  readonly operations?: number;
}
